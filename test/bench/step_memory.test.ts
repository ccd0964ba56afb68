/** @file A training step takes little more memory than the activations it must keep. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepMemories, stepMemoryTable } from '../../bench/step_memory.ts';

test('memory of a training step is at most that of the activations it must keep, and 25 %', () => {
  const memories = stepMemories();
  assert.ok(memories.length >= 7);
  for (const { name, batch, arenaBytes, keptBytes } of memories) {
    assert.ok(arenaBytes >= keptBytes, `${name}, ${batch}: ${arenaBytes} of ${keptBytes} bytes`);
    assert.ok(
      arenaBytes <= 1.25 * keptBytes,
      `${name}, ${batch}: ${arenaBytes} bytes for ${keptBytes} that must be kept`,
    );
  }
  assert.match(stepMemoryTable(memories), /\| resnet20, 128 +\| +\d+ \| +\d+ \| +\d+ \|/);
});
