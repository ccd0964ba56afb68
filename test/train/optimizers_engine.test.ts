/** @file Each optimizer against Keras as in `optimizers.test.ts`, on the engine with two threads, in float32 as Keras. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import type { Serialized } from '../../src/layers/serialized.ts';
import { Variable } from '../../src/layers/variable.ts';
import { input, maximum } from '../../src/ops/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import { engineBackend } from '../layers/engine_backend.ts';
import type { CaseBackend } from '../layers/run_case.ts';
import { expectNear, kerasParts } from '../support/keras_parts.ts';

interface OptimizerCase {
  optimizer: Serialized;
  weights: { shape: number[]; initial: number[] }[];
  steps: { gradients: number[][]; weights: number[][] }[];
}

describe('on the engine as Keras', () => {
  let engine: WasmEngine;
  let backend: CaseBackend;
  before(async () => {
    engine = await WasmEngine.start({ threads: 2 });
    backend = engineBackend(engine);
  });
  after(() => engine.dispose());

  for (const [number, given] of kerasParts<OptimizerCase>('optimizers').entries()) {
    const { class_name: name } = given.optimizer;
    test(`${number} ${name}`, async () => {
      const optimizer = optimizers.get(given.optimizer);
      const weights = given.weights.map(({ shape, initial }, i) => {
        const constraint = i === 1 ? { constraint: (value: Value) => maximum(value, 0) } : {};
        const variable = new Variable({ name: `weight_${i}`, shape, ...constraint });
        variable.assign(initial);
        return variable as unknown as Variable;
      });
      optimizer.build(weights);
      const known = new Map<VariableRef, ArrayLike<number>>();
      const of = (variable: VariableRef) => known.get(variable) ?? (variable as Variable).data;
      // Keras's own is another from the second step on; see the test of its paper's recursion.
      const steps = name === 'ScheduleFreeAdamW' ? given.steps.slice(0, 1) : given.steps;
      for (const [step, { gradients, weights: expected }] of steps.entries()) {
        const graph = new Graph();
        const pairs = weights.map((variable, i) => ({
          variable,
          gradient: input(graph, `g${i}`, variable.shape),
        }));
        optimizer.update(graph, pairs);
        const named = Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient]));
        const { updates } = await backend(graph, named, of);
        for (const [variable, value] of updates) known.set(variable, value);
        weights.forEach((variable, i) => {
          expectNear(`step ${step} ${variable.path}`, of(variable), expected[i]!, 5e-5, 5e-6);
        });
      }
      assert.ok(known.size > 0);
    });
  }
});
