/** @file The cache of so many values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recent } from '../../src/core/recent.ts';

test('what was wanted longest ago goes first, and is told of', () => {
  const gone: number[] = [];
  const recent = new Recent<number>(3, (value) => gone.push(value));
  for (const [i, key] of ['a', 'b', 'c'].entries()) recent.set(key, i);
  assert.equal(recent.get('a'), 0);
  recent.set('d', 3);
  assert.deepEqual(gone, [1]);
  assert.equal(recent.get('b'), undefined);
  recent.set('c', 4);
  recent.set('e', 5);
  assert.deepEqual(gone, [1, 0]);
  recent.delete('c', 2);
  assert.equal(recent.get('c'), 4);
  recent.delete('c', 4);
  assert.equal(recent.size, 2);
  assert.deepEqual(recent.clear(), [3, 5]);
  assert.equal(recent.size, 0);
});
