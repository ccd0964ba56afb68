/**
 * @file fit 50–53: runs that are stopped, killed, or lose their disk or power end as the run that nobody stopped. A part of
 * what `npm run crash` does, in which every kind of state and of fault occurs.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../src/core/random.ts';
import { failEachCall } from './faults.ts';
import { killAgainAndAgain } from './kills.ts';
import { fullMatrix, runMatrix, type Stop } from './matrix.ts';
import { losePower } from './power_loss.ts';
import { type Factor, factors } from './specimen.ts';

const random = new RandomSequence(5, 92);
const draw = (bound: number) => random.below(bound);

describe('runs stopped and resumed have the bits of those that nobody stopped', () => {
  for (const [i, factor] of ([...factors, 'all'] as Factor[]).entries()) {
    test(factor, async () => {
      // Stops in each part of an epoch, in each way, with each number of threads before and after.
      const some = fullMatrix([factor]).filter((_, at) => at % 31 === i % 8);
      const { runs, wrong } = await runMatrix(some);
      assert.ok(runs >= 3);
      assert.deepEqual(wrong, [] as Stop[]);
    });
  }
});

test('kill -9 at random moments', async () => {
  const { kills, ends, wrong, complaints } = await killAgainAndAgain(12, draw, 300);
  assert.equal(kills, 12);
  assert.ok(ends >= 1);
  assert.equal(wrong, 0);
  assert.deepEqual(complaints, []);
});

describe('losses of power', () => {
  test('leave the last backup that was kept, or a later one', async () => {
    const { states, lost } = await losePower(400, draw);
    assert.equal(states, 400);
    assert.deepEqual(lost, []);
  });

  test('would be noticed, were nothing brought to the disk', async () => {
    const { lost } = await losePower(100, draw, true);
    assert.ok(lost.length > 20, `${lost.length}`);
  });
});

test('each call of the disk failing in turn leaves the last backup that was kept', async () => {
  const { cases, calls, lost } = await failEachCall(2);
  assert.ok(calls > 30 && cases > 6 * calls, `${cases} cases, ${calls} calls`);
  assert.deepEqual(lost, []);
});
