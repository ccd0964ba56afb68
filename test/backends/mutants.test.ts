/**
 * @file The cases notice bugs in kernels: a few of those that `npm run mutants` puts in, the same ones each time. What they may
 * overlook are changes without a consequence, such as a guard that only saves work.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bugs } from './mutants.ts';
import { watchedMutation } from './watched_mutation.ts';

const [count, least] = [40, 38];

test(`of ${count} bugs in kernels at least ${least} are noticed`, async () => {
  const outcomes = await watchedMutation({ count, seed: 3, perFamily: 40 }, 10_000);
  const missed = outcomes.filter(({ caught }) => caught === undefined);
  const list = missed.map(({ mutant }) => `${mutant.kernel}: ${mutant.bug} at ${mutant.place}`);
  assert.equal(outcomes.length, count);
  assert.ok(count - missed.length >= least, list.join('\n'));
  // Bugs of every kind, in every kernel.
  assert.deepEqual(
    [...new Set(outcomes.map(({ mutant }) => mutant.bug))].sort(),
    Object.keys(bugs).sort(),
  );
});
