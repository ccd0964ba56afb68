/** @file Numbers before and after each spatial axis, as padding and cropping take them. */
import type { Pair } from '../ops/index.ts';
import { refuse } from './checks.ts';

/** `1`: on all sides; `[1, 2]`: along rows and along columns; `[[1, 2], [3, 4]]`: top, bottom, left, right. */
export type Margins = number | readonly (number | readonly [number, number])[];

const whole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The margins of one axis (`[before, after]` or one number for both) or of two. */
export function marginsOf(where: string, what: string, value: unknown, rank: 1 | 2): Pair[] {
  const pairOf = (entry: unknown): Pair | undefined => {
    if (whole(entry)) return [entry, entry];
    const fits = Array.isArray(entry) && entry.length === 2 && entry.every(whole);
    return fits ? [entry[0], entry[1]] : undefined;
  };
  const given = rank === 1 ? [value] : Array.isArray(value) ? value : [value, value];
  const pairs = given.map(pairOf);
  if (pairs.length !== rank || pairs.includes(undefined)) {
    const forms =
      rank === 1 ? 'n or [before, after]' : 'n, [rows, columns] or [[top, bottom], [left, right]]';
    throw refuse(where, what, `${forms}, of integers ≥ 0`, value);
  }
  return pairs as Pair[];
}
