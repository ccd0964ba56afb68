/** @file Softmax, its logarithm and batch normalization on the engine against float64, far from zero too. */
import { after, describe, test } from 'node:test';
import * as ops from '../../src/ops/index.ts';
import { engineOf, judge, stopEngines } from '../backends/judge.ts';
import { Draw } from '../backends/random_cases.ts';

const shapes = 60;

describe('softmax and its logarithm', () => {
  for (const largest of [1, 30, 1e4]) {
    test(`logits up to ±${largest}`, async () => {
      const engine = await engineOf({ threads: 2 });
      for (let seed = 1; seed <= shapes; seed++) {
        const draw = new Draw(seed, 300);
        const shape = [draw.int(1, 9), draw.pick([1, 2, 3, 4, 5, 10, 17, 100])];
        const fill = (u: number) => (u * 2 - 1) * largest;
        await judge(
          engine,
          {
            name: `softmax of ${shape} up to ${largest}`,
            inputs: [{ shape, fill }],
            build: ([x]) => [ops.softmax(x!), ops.logSoftmax(x!)],
            tolerance: { rtol: 2e-6, atol: 3e-7 },
          },
          seed,
        );
      }
    });
  }
});

describe('batch normalization', () => {
  for (const mean of [0, 10, 1e4]) {
    test(`mean ${mean}, deviation 1`, async () => {
      const engine = await engineOf({ threads: 2 });
      for (let seed = 1; seed <= shapes; seed++) {
        const draw = new Draw(seed, 301);
        const c = draw.pick([1, 3, 4, 8, 17]);
        const shape = draw.chance(0.1)
          ? [8, 25, 25, c]
          : [draw.int(2, 5), draw.int(2, 6), draw.int(2, 6), c];
        await judge(
          engine,
          {
            name: `batch normalization of ${shape}`,
            inputs: [
              { shape, fill: (u) => mean + (u - 0.5) * Math.sqrt(12) },
              { shape: [c] },
              { shape: [c] },
            ],
            build: ([x, gamma, beta]) => [ops.batchNormalize(x!, gamma!, beta!, 1e-3).y],
            tolerance: { rtol: 1e-5, atol: 1e-5 },
          },
          seed,
        );
      }
    });
  }
});

after(stopEngines);
