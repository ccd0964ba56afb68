/** @file Statistics against the tables of textbooks and against chance itself. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  deviation,
  mean,
  studentQuantile,
  welchInterval,
} from '../../src/comparison/statistics.ts';
import { RandomSequence } from '../../src/core/random.ts';

const near = (found: number | undefined, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(found! - expected) < tolerance * Math.max(1, Math.abs(expected)), `${found}`);

describe("Student's t", () => {
  // The tables of every textbook; 0.75 with one degree is exactly 1, with two 0.816497.
  const rows: [p: number, degrees: number, t: number][] = [
    [0.75, 1, 1],
    [0.75, 2, 0.816497],
    [0.975, 1, 12.706205],
    [0.975, 2, 4.302653],
    [0.975, 4, 2.776445],
    [0.995, 4, 4.604095],
    [0.95, 10, 1.812461],
    [0.975, 30, 2.042272],
    [0.975, 1e6, 1.959966],
    [0.5, 3, 0],
  ];
  for (const [p, degrees, t] of rows)
    test(`${p} with ${degrees} degrees of freedom`, () => near(studentQuantile(p, degrees), t));

  test('between whole degrees it lies between', () => {
    const half = studentQuantile(0.975, 2.5);
    assert.ok(half < studentQuantile(0.975, 2) && half > studentQuantile(0.975, 3));
  });
});

describe('two lists', () => {
  test('mean and standard deviation', () => {
    assert.equal(mean([1, 2, 6]), 3);
    near(deviation([1, 2, 6]), Math.sqrt(7));
    assert.equal(deviation([4]), undefined);
  });

  test("Welch's interval of equal spreads is Student's with 2n − 2 degrees", () => {
    const { difference, margin } = welchInterval([1, 2, 3], [5, 6, 7], 0.95);
    assert.equal(difference, 4);
    near(margin, 2.776445 * Math.sqrt(2 / 3));
  });

  test('where one does not spread, it is that of the other', () => {
    near(welchInterval([2, 2, 2], [1, 2, 3], 0.95).margin, 4.302653 * Math.sqrt(1 / 3));
  });

  test('no spread at all, and too few', () => {
    assert.deepEqual(welchInterval([1, 1], [2, 2], 0.95), { difference: 1, margin: 0 });
    assert.deepEqual(welchInterval([1], [2, 2], 0.95), { difference: 1, margin: undefined });
  });

  test('it holds the true difference as often as it says', () => {
    // Of 4,000 pairs of lists of three draws from one distribution, 95 % must hold 0 (± 1.1 % by chance: 3 deviations).
    const random = new RandomSequence(3, 5);
    const draw = (scale: number) => Array.from({ length: 3 }, () => scale * random.normal());
    let held = 0;
    for (let i = 0; i < 4000; i++) {
      const { difference, margin } = welchInterval(draw(1), draw(1), 0.95);
      held += Number(Math.abs(difference) <= margin!);
    }
    // Welch's is a little careful with so few.
    assert.ok(held / 4000 > 0.939 && held / 4000 < 0.985, String(held / 4000));
  });
});
