/**
 * @file Whole calls of `fit`, `evaluate` and `predict` against Keras, on the engine: histories with their keys and their
 * order, weights and predictions.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DType } from '../../src/core/dtype.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { type Config, optionsOf } from '../../src/layers/serialized.ts';
import { Model, type ModelCompileOptions } from '../../src/model/model.ts';
import { SGD } from '../../src/train/optimizers/index.ts';

interface Numbers {
  shape: number[];
  data: number[];
}

interface Case {
  name: string;
  model: { config: Config };
  compile: Config;
  options: Config;
  x: Numbers[];
  y: Numbers[];
  weights: Numbers[];
  sample_weight?: Numbers[];
  validation?: { x: Numbers[]; y: Numbers[] };
  history: Record<string, number[]>;
  epoch: number[];
  final_weights: Numbers[];
  evaluate: Record<string, number>;
  predict: Numbers[];
}

const file = new URL('../../../test/fixtures/keras/parts/fit.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

function tensorOf({ shape, data }: Numbers, dtype: DType = 'float32'): Tensor {
  const tensor = new Tensor(dtype, shape);
  tensor.data.set(data);
  return tensor;
}

const labelsOf = (all: readonly Numbers[]) =>
  all.map((numbers) => tensorOf(numbers, numbers.shape.length === 1 ? 'int32' : 'float32'));

function near(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(found.length, expected.length, what);
  for (let i = 0; i < found.length; i++) {
    const error = Math.abs(found[i]! - expected[i]!);
    assert.ok(
      error < 2e-5 * Math.max(1, Math.abs(expected[i]!)),
      `${what}[${i}]: ${found[i]}, Keras has ${expected[i]}`,
    );
  }
}

for (const given of cases) {
  test(given.name, async () => {
    const model = Model.fromConfig(given.model.config) as Model;
    model.setWeights(given.weights.map((numbers) => tensorOf(numbers)));
    const optimizer = new SGD({ learningRate: 0.1, momentum: 0.9 });
    const compile = optionsOf(given.compile) as ModelCompileOptions;
    model.compile({ ...compile, optimizer, threads: 2 });
    const [x, y] = [given.x.map((numbers) => tensorOf(numbers)), labelsOf(given.y)];
    const { sample_weight: weights, validation } = given;
    const history = await model.fit(x, y, {
      ...optionsOf(given.options),
      ...(weights
        ? {
            sampleWeight: weights.length === 1 ? weights[0]!.data : weights.map(({ data }) => data),
          }
        : {}),
      ...(validation
        ? { validationData: [validation.x.map((one) => tensorOf(one)), labelsOf(validation.y)] }
        : {}),
      shuffle: false,
      verbose: 0,
    });
    assert.deepEqual(Object.keys(history.history), Object.keys(given.history));
    assert.deepEqual(history.epoch, given.epoch);
    for (const [name, values] of Object.entries(given.history))
      near(history.history[name]!, values, name);
    model.weights.forEach(({ path, data }, i) => {
      near(data, given.final_weights[i]!.data, path);
    });
    const found = await model.evaluate(x, y, { batchSize: 5, verbose: 0 });
    assert.deepEqual(Object.keys(found), Object.keys(given.evaluate));
    near(Object.values(found), Object.values(given.evaluate), 'evaluate');
    const outputs = await model.predictAll(x, { batchSize: 5, verbose: 0 });
    outputs.forEach(({ shape, data }, i) => {
      assert.deepEqual([...shape], given.predict[i]!.shape);
      near(data, given.predict[i]!.data, 'predict');
    });
    model.close();
  });
}
