/** @file erf, its inverse, eˣ − 1 and softplus: known values, accuracy of the lanes, gradients. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../src/core/random.ts';
import { erfInverseOp, erfOp, expMinusOneOp, softplusOp } from '../../src/ops/index.ts';
import { bitsOf, floatLanes, floatOf, ulps } from '../support/float_lanes.ts';

type Op = typeof erfOp | typeof erfInverseOp | typeof expMinusOneOp | typeof softplusOp;

const exact = (op: Op, x: number) => op.elementwise!.scalar([x], undefined, 0);
const engine = (op: Op, x: number) =>
  floatOf(op.elementwise!.lanes(floatLanes, [bitsOf(x)], undefined));

test('the float64 rules have the known values', () => {
  // Abramowitz and Stegun, table 7.1.
  const rows: [x: number, erf: number][] = [
    [0, 0],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3.5, 0.9999992569016276],
    [5, 0.9999999999984626],
  ];
  for (const [x, value] of rows) {
    assert.ok(Math.abs(exact(erfOp, x) - value) < 1e-14, `erf ${x}`);
    assert.equal(exact(erfOp, -x), -exact(erfOp, x));
  }
  for (const y of [-0.999999, -0.5, 0, 1e-8, 0.3, 0.99]) {
    assert.ok(Math.abs(exact(erfOp, exact(erfInverseOp, y)) - y) < 1e-12, `${y}`);
  }
  assert.equal(exact(erfInverseOp, 1), Number.POSITIVE_INFINITY);
});

describe('the lanes are near the float64 rules', () => {
  const rows: [name: string, op: Op, low: number, high: number, allowed: number][] = [
    ['erf', erfOp, -6, 6, 4],
    ['erf⁻¹', erfInverseOp, -0.9999, 0.9999, 8],
    ['eˣ − 1', expMinusOneOp, -10, 10, 4],
    ['eˣ − 1 near 0', expMinusOneOp, -1e-3, 1e-3, 4],
    ['softplus', softplusOp, -20, 20, 4],
  ];
  for (const [name, op, low, high, allowed] of rows) {
    test(`${name} within ${allowed} ULP`, () => {
      const random = new RandomSequence(1, 1);
      let worst = 0;
      for (let i = 0; i < 20_000; i++) {
        const x = Math.fround(low + (high - low) * random.uniform());
        worst = Math.max(worst, ulps(engine(op, x), exact(op, x)));
      }
      assert.ok(worst <= allowed, `${worst} ULP`);
    });
  }

  test('at the ends', () => {
    assert.equal(engine(erfOp, Number.POSITIVE_INFINITY), 1);
    assert.equal(engine(erfOp, Number.NEGATIVE_INFINITY), -1);
    assert.ok(Number.isNaN(engine(erfOp, Number.NaN)));
    assert.equal(engine(erfOp, 0), 0);
    assert.equal(engine(expMinusOneOp, Number.NEGATIVE_INFINITY), -1);
    assert.equal(engine(softplusOp, 100), 100);
    assert.ok(engine(softplusOp, -100) >= 0);
    assert.ok(Number.isFinite(engine(erfInverseOp, 1 - 2 ** -24)));
  });
});
