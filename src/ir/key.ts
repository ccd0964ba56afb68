/**
 * @file Structures as text that is equal only where they are: JSON, but with the numbers that JSON loses (NaN, ±∞ and −0
 * would read as null or 0). For tables of equal nodes and equal kernels.
 */

/** @param value data: numbers, strings, arrays, plain objects; functions are left out. */
export function structureKey(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'number' && (!Number.isFinite(part) || Object.is(part, -0))
      ? `number ${Object.is(part, -0) ? '-0' : part}`
      : part,
  );
}
