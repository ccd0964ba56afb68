/** @file The checks of layers' arguments: each gives the normalised value or refuses with where, what, expected, found. */
import { show, TsunoError } from '../core/errors.ts';
import { normalizeAxis, type PartialShape, showShape } from '../core/shape.ts';

export function refuse(where: string, what: string, expected: string, found: unknown): TsunoError {
  return new TsunoError('ARGUMENT', { where, what, expected, found: show(found) });
}

export function positiveInteger(where: string, what: string, value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw refuse(where, what, 'a positive integer', value);
  return value as number;
}

export function finiteNumber(where: string, what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw refuse(where, what, 'a finite number', value);
  return value;
}

export function positive(where: string, what: string, value: unknown): number {
  if (!(finiteNumber(where, what, value) > 0)) throw refuse(where, what, 'above 0', value);
  return value as number;
}

export function atLeast(where: string, what: string, value: unknown, least: number): number {
  if (!(finiteNumber(where, what, value) >= least))
    throw refuse(where, what, `at least ${least}`, value);
  return value as number;
}

export function integer(where: string, what: string, value: unknown): number {
  if (!Number.isSafeInteger(value)) throw refuse(where, what, 'a whole number', value);
  return value as number;
}

export function text(where: string, what: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw refuse(where, what, 'a text', value);
  return value;
}

export function flag(where: string, what: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw refuse(where, what, 'true or false', value);
  return value;
}

/** `null` for what is not given, else what `check` makes of it. */
export function optional<T>(
  check: (where: string, what: string, value: unknown) => T,
  where: string,
  what: string,
  value: unknown,
): T | null {
  return value === undefined || value === null ? null : check(where, what, value);
}

export function numbers(where: string, what: string, value: unknown): number[] {
  if (!Array.isArray(value) || !value.every(Number.isFinite))
    throw refuse(where, what, 'a list of finite numbers', value);
  return [...(value as number[])];
}

/** A whole number, or a list of them. */
export function axisList(where: string, what: string, value: unknown): number | readonly number[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || !list.every(Number.isSafeInteger))
    throw refuse(where, what, 'a whole number or a list of them', value);
  return Array.isArray(value) ? [...(value as number[])] : (value as number);
}

/** A list of whole numbers, none of them below `least`. */
export function integers(where: string, what: string, value: unknown, least = 0): number[] {
  const fits = (item: unknown) => Number.isSafeInteger(item) && (item as number) >= least;
  if (!Array.isArray(value) || !value.every(fits))
    throw refuse(where, what, `a list of integers ≥ ${least}`, value);
  return [...(value as number[])];
}

/** An option of Keras's that is not here: refused where it is given. */
export function absent(where: string, what: string, value: unknown): void {
  if (value === undefined || value === null || value === false) return;
  throw new TsunoError('UNSUPPORTED', { where, what, expected: 'left out', found: show(value) });
}

/** A probability: in [0, 1], as Keras takes rates. */
export function rate(where: string, what: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw refuse(where, what, 'a number from 0 to 1', value);
  return value;
}

export function oneOf<T extends string>(
  where: string,
  what: string,
  value: unknown,
  choices: readonly T[],
): T {
  const found = typeof value === 'string' ? value.toLowerCase() : value;
  if (!choices.includes(found as T))
    throw refuse(where, what, `one of ${choices.map(show).join(', ')}`, value);
  return found as T;
}

/** One whole number for all axes, or one for each of `rank`. */
export type Sizes = number | readonly number[];

/** `3` → `[3, 3]`; every entry at least `least` (default 1). */
export function sizes(
  where: string,
  what: string,
  value: unknown,
  rank: number,
  least = 1,
): number[] {
  const list = Array.isArray(value) ? [...value] : new Array<unknown>(rank).fill(value);
  const fits = list.every((item) => Number.isSafeInteger(item) && (item as number) >= least);
  if (list.length !== rank || !fits) {
    const kind = least === 1 ? 'a positive integer' : `an integer ≥ ${least}`;
    throw refuse(where, what, rank === 1 ? kind : `${kind} or ${rank} of them`, value);
  }
  return list as number[];
}

/** `channels_last`, the only layout: [n, h, w, c]. */
export function channelsLast(where: string, value: unknown): 'channels_last' {
  if (value === 'channels_first') {
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: 'dataFormat',
      expected: '"channels_last"',
      found: show(value),
      repair: 'Transpose the images to [n, h, w, c], e.g. with layers.permute([2, 3, 1]).',
    });
  }
  return oneOf(where, 'dataFormat', value ?? 'channels_last', ['channels_last']);
}

/** `-1` → the last axis of `shape`. @throws TsunoError `SHAPE` where there is no such axis. */
export function axisOf(where: string, what: string, axis: number, shape: PartialShape): number {
  const normal = normalizeAxis(axis, shape.length);
  if (normal === undefined) {
    throw new TsunoError('SHAPE', {
      where,
      what,
      expected: `an axis of the input ${showShape(shape)}`,
      found: show(axis),
    });
  }
  return normal;
}

/** The extent of an axis that must be known to build. */
export function knownExtent(where: string, axis: number, shape: PartialShape): number {
  const extent = shape[axisOf(where, 'axis', axis, shape)];
  if (extent === null || extent === undefined) {
    throw new TsunoError('SHAPE', {
      where,
      what: `extent of axis ${axis}`,
      expected: 'known when the layer is built',
      found: showShape(shape),
      repair: 'Give it in Input({ shape }).',
    });
  }
  return extent;
}
