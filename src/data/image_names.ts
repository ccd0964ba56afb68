/**
 * @file Names of files, as people and lists see them. A name may hold line ends and the codes by which terminals are
 * told to change colours or titles; in messages they are escaped.
 */

/** Controls, line ends beyond ASCII, and marks that turn the direction of writing. */
const unprintable =
  /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]/gu;

/**
 * A name in quotes for messages, whole, with everything escaped that is not shown as it is.
 *
 * @example
 * ```ts no-run
 * showName('a\u001b[31m.png'); // '"a\\u001b[31m.png"'
 * ```
 */
export function showName(name: string): string {
  return JSON.stringify(name).replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Order by code points, as Python sorts: a negative number where `a` comes first. */
export function byCodePoints(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // the halves of a pair stand for code points above all others
    const isHalf = (unit: number) => unit >= 0xd800 && unit < 0xe000;
    return isHalf(x) === isHalf(y) ? x - y : isHalf(x) ? 1 : -1;
  }
  return a.length - b.length;
}
