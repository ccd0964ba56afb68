/** @file What a documentation block's `expression; // value` becomes: a claim about the value, checked when it runs. */
import assert from 'node:assert/strict';

/** Fails unless `actual` is what the comment shows; tensors and typed arrays count as arrays. */
export function claim(actual: unknown, shown: unknown, where: string): void {
  const plain = simple(actual);
  assert.deepEqual(
    rounded(plain, shown),
    shown,
    `${where} shows ${JSON.stringify(shown)}, the value is ${JSON.stringify(plain)}`,
  );
}

function simple(value: unknown): unknown {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as Float32Array, simple);
  if (Array.isArray(value)) return value.map(simple);
  if (value === null || typeof value !== 'object') return value;
  if ('toArray' in value && typeof value.toArray === 'function') return simple(value.toArray());
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, simple(entry)]));
}

/** The same value, with each number that agrees with the shown one to its digits replaced by it. */
function rounded(value: unknown, shown: unknown): unknown {
  if (typeof value === 'number' && typeof shown === 'number') {
    const digits = /\.(\d+)/.exec(String(shown))?.[1]?.length ?? 0;
    return digits > 0 && Math.abs(value - shown) <= 0.5000001 * 10 ** -digits ? shown : value;
  }
  if (Array.isArray(value) && Array.isArray(shown))
    return value.map((item, i) => rounded(item, shown[i]));
  if (isRecord(value) && isRecord(shown)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, rounded(item, shown[key])]),
    );
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
