/** @file Tensors so large that kernels fetch their memory ahead, on the engine against the reference. */
import { after, test } from 'node:test';
import type { Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import { same3x3 } from '../support/geometry.ts';
import { type Case, engineOf, judge, stopEngines } from './judge.ts';

const [image, kernel] = [
  [17, 45, 43, 8],
  [3, 3, 8, 8],
];
const tolerance = { rtol: 2e-5, atol: 1e-4 };

const cases: Case[] = [
  {
    name: `a convolution of ${image} and its gradients`,
    inputs: [{ shape: image }, { shape: kernel }, { shape: image }],
    build: ([x, w, g]: readonly Value[]) => [
      ops.conv2d(x!, w!, same3x3),
      ops.conv2dInputGradient(g!, w!, image, same3x3),
      ops.conv2dFilterGradient(x!, g!, kernel, same3x3),
    ],
    tolerance: { rtol: 2e-5, atol: 1e-3 },
  },
  {
    name: 'sums of a group of 5600,48',
    inputs: [{ shape: [5600, 48] }, { shape: [48] }, { shape: [5600, 48] }],
    build: ([x, c, g]) => {
      const y = ops.mul(ops.sub(x!, c!), g!);
      return [ops.reduceSum(y, [0]), ops.reduceSum(ops.mul(y, x!), [0]), y];
    },
    tolerance,
  },
];

for (const threads of [1, 3]) {
  test(`memory fetched ahead, ${threads} threads`, async (t) => {
    const engine = await engineOf({ threads });
    for (const one of cases) await t.test(one.name, () => judge(engine, one));
  });
}

after(stopEngines);
