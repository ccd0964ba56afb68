/** @file Sums that join elementwise groups, and batch normalization, on the engine against the reference. */
import { after, test } from 'node:test';
import { gradients } from '../../src/grad/gradients.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import { type Case, engineOf, judge, stopEngines } from './judge.ts';

const cases: Case[] = [
  // Groups that share sums, results that are stored as well, rows that do not divide into parts, or parts not into those that
  // blocks of channels pass at a time.
  ...[
    [5, 7, 3, 8],
    [70, 20],
    [131, 4],
    [700, 80],
  ].map((shape) => ({
    name: `sums of a group of ${shape}`,
    inputs: [{ shape }, { shape: [shape.at(-1)!] }, { shape }],
    build: ([x, c, g]: readonly Value[]) => {
      const axes = shape.slice(1).map((_, axis) => axis);
      const y = ops.relu(ops.mul(ops.sub(x!, c!), 2));
      const masked = ops.select(ops.less(0, y), g!, 0);
      return [
        ops.reduceSum(x!, axes),
        ops.reduceSum(ops.square(x!), axes),
        ops.reduceSum(masked, axes),
        ops.reduceSum(ops.mul(masked, x!), axes),
        y,
        ops.mul(masked, c!),
      ];
    },
    tolerance: { rtol: 5e-6, atol: 2e-5 },
  })),
  {
    name: 'batch normalization and its gradient',
    inputs: [{ shape: [3, 5, 7, 8] }, { shape: [8] }, { shape: [8] }, { shape: [3, 5, 7, 8] }],
    build: ([x, gamma, beta, g]) => {
      const { y, mean, variance } = ops.batchNormalize(x!, gamma!, beta!, 1e-3);
      const found = gradients(y, [x!, gamma!, beta!], g!);
      return [y, mean, variance, ...(found as Value[])];
    },
    tolerance: { rtol: 2e-5, atol: 2e-5 },
  },
];

for (const threads of [1, 3]) {
  test(`sums on ${threads} threads`, async (t) => {
    const engine = await engineOf({ threads });
    for (const one of cases) await t.test(one.name, () => judge(engine, one));
  });
}

after(stopEngines);
