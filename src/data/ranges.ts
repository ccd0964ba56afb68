/** @file Counts, cuts and seeds as the methods of data sets take them, checked. */
import { show, TsunoError } from '../core/errors.ts';

/** @throws TsunoError `ARGUMENT` unless `count` is a whole number, zero or more. */
export function wholeCount(count: number, where: string): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'count',
    expected: 'a whole number, zero or more',
    found: show(count),
  });
}

/** @throws TsunoError `ARGUMENT` unless `seed` is a whole number. */
export function wholeSeed(seed: number, where: string): number {
  if (Number.isSafeInteger(seed)) return seed;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'seed',
    expected: 'a whole number',
    found: show(seed),
  });
}

/** `start` and `end` as `Array.prototype.slice` takes them, within 0 and `length`. */
export function clampRange(start: number, end: number, length: number): [number, number] {
  const clamp = (i: number) => Math.min(length, Math.max(0, Math.trunc(i < 0 ? i + length : i)));
  const from = clamp(start);
  return [from, Math.max(from, clamp(end))];
}

/**
 * Where the last `fraction` of `length` samples begins, rounded down as Keras's `validation_split` is.
 *
 * @throws TsunoError `ARGUMENT` where it is not between 0 and 1, or leaves one of the parts empty.
 */
export function cutOf(length: number, fraction: number, where: string): number {
  if (!(fraction > 0 && fraction < 1)) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'fraction',
      expected: 'a number between 0 and 1, neither included',
      found: show(fraction),
    });
  }
  const cut = Math.floor(length * (1 - fraction));
  if (cut > 0 && cut < length) return cut;
  throw new TsunoError('ARGUMENT', {
    where,
    what: `fraction of ${length} samples`,
    expected: 'such that both parts have samples',
    found: show(fraction),
  });
}

/** The names of two sets put together. @throws TsunoError `ARGUMENT` where both have names and they differ. */
export function namesOfBoth(
  mine: readonly string[] | undefined,
  theirs: readonly string[] | undefined,
  where: string,
): readonly string[] | undefined {
  if (mine && theirs && mine.join('\n') !== theirs.join('\n')) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'classNames of the second set',
      expected: show(mine),
      found: show(theirs),
    });
  }
  return mine ?? theirs;
}
