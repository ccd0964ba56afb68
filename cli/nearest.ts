/** @file The name that somebody probably meant, by the distance of Damerau and Levenshtein. */

/**
 * The one of `names` nearest to `typed`; `undefined` where none is near.
 *
 * @example
 * ```ts no-run
 * nearest('evalute', ['fit', 'evaluate', 'predict']); // 'evaluate'
 * ```
 */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const allowed = Math.max(1, Math.floor(typed.length / 3));
  const [best] = names
    .map((name) => ({ name, distance: distance(typed.slice(0, 50), name) }))
    .filter(
      ({ name, distance }) => distance <= allowed || (typed.length > 2 && name.startsWith(typed)),
    )
    .sort((a, b) => a.distance - b.distance);
  return best?.name;
}

/** Letters to insert, delete, replace or swap with their neighbour, to make `b` of `a`. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, replaced);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
