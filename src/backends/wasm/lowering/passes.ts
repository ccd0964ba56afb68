/** @file The passes of a step on this backend, in order, for code with and without vectors that V8 joins. */
import { type Pass, stepPasses } from '../../../passes/index.ts';
import type { Join } from '../kernel.ts';
import { lower } from './lower.ts';
import { widen } from './widen.ts';

export const passesFor: Readonly<Record<Join, readonly Pass[]>> = {
  1: stepPasses({ name: 'lower', run: lower }),
  2: stepPasses({ name: 'lower', run: (graph) => widen(lower(graph)) }),
};
