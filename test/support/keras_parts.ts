/** @file The numbers that Keras gave for losses, metrics, optimizers and schedules alone, and how near is near. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Nested } from '../../src/core/tensor.ts';
import { root } from '../repository/sources.ts';

/** The cases of one kind: `losses`, `metrics`, `optimizers` or `schedules`. */
export function kerasParts<T>(kind: string): T[] {
  const path = join(root, 'test', 'fixtures', 'keras', 'parts', `${kind}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as T[];
}

export function flat(values: Nested): number[] {
  return typeof values === 'number' ? [values] : values.flatMap(flat);
}

export function shapeOf(values: Nested): number[] {
  return typeof values === 'number' ? [] : [values.length, ...shapeOf(values[0] ?? 0)];
}

/** Each number within `relative` of what Keras gave, or within `absolute` where that is small. */
export function expectNear(
  what: string,
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative = 1e-5,
  absolute = 1e-6,
): void {
  assert.equal(found.length, expected.length, `${what}: number of elements`);
  Array.from(expected).forEach((value, i) => {
    const difference = Math.abs(found[i]! - value);
    const near = difference <= absolute + relative * Math.abs(value) || Object.is(found[i], value);
    assert.ok(near, `${what}: element ${i} is ${found[i]}, Keras has ${value}`);
  });
}
