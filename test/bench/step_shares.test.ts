/** @file The work of a training step falls to many threads evenly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepShares, stepSharesTable, threadCounts } from '../../bench/step_shares.ts';

test('eight threads could be seven times as fast as one, two nearly twice', () => {
  const shares = stepShares();
  assert.ok(shares.length >= 7);
  for (const { name, batch, speedups } of shares) {
    for (const [least, threads] of [
      [1.95, 2],
      [7, 8],
    ] as const) {
      const speedup = speedups[threadCounts.indexOf(threads as 2 | 8)]!;
      assert.ok(speedup <= threads);
      assert.ok(speedup >= least, `${name}, ${batch}: ${speedup} times with ${threads} threads`);
    }
  }
  assert.match(
    stepSharesTable(shares),
    /\| resnet20, 128 +\| +[\d.]+ \| +[\d.]+ \| +[\d.]+ \| +[\d.]+ \|/,
  );
});
