/** @file Each loss against Keras: values and gradients, with weights, reductions and activations; names and configs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import type { DType } from '../../src/core/dtype.ts';
import type { Nested } from '../../src/core/tensor.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import type { Serialized } from '../../src/layers/serialized.ts';
import { abs, input, reduceMean, reshape, sigmoid, softmax, sub } from '../../src/ops/index.ts';
import * as losses from '../../src/train/losses/index.ts';
import { expectNear, flat, kerasParts, shapeOf } from '../support/keras_parts.ts';

interface LossCase {
  loss: Serialized;
  y_true: Nested;
  label_type: DType;
  y_pred: Nested;
  activation: 'softmax' | 'sigmoid' | null;
  sample_weight: Nested | null;
  value: Nested;
  gradient: Nested;
}

const cases = kerasParts<LossCase>('losses');
const activations = { softmax, sigmoid };

function run(given: LossCase, through: (output: Value) => Value = (output) => output) {
  const graph = new Graph();
  const yTrue = input(graph, 'y_true', shapeOf(given.y_true), given.label_type);
  const yPred = input(graph, 'y_pred', shapeOf(given.y_pred));
  const weight =
    given.sample_weight === null
      ? undefined
      : input(graph, 'weight', shapeOf(given.sample_weight), 'float32');
  const output = given.activation ? activations[given.activation](yPred) : yPred;
  const value = losses.get(given.loss).call(yTrue, through(output), weight);
  graph.outputs.set('value', value);
  graph.outputs.set('gradient', gradients(value, [yPred])[0]!);
  const numbers = {
    y_true: flat(given.y_true),
    y_pred: flat(given.y_pred),
    ...(given.sample_weight === null ? {} : { weight: flat(given.sample_weight) }),
  };
  const { outputs } = evaluate(graph, numbers, () => []);
  return { value: outputs.get('value')!, gradient: outputs.get('gradient')! };
}

describe('as Keras', () => {
  cases.forEach((given, number) => {
    const { class_name, config } = given.loss;
    const about = `${given.activation ?? ''} ${given.sample_weight ? 'weighted' : ''}`.trim();
    test(`${number} ${class_name} ${JSON.stringify(config)} ${about}`, () => {
      const { value, gradient } = run(given);
      assert.deepEqual(value.shape, shapeOf(given.value));
      expectNear('value', value.data, flat(given.value));
      expectNear('gradient', gradient.data, flat(given.gradient));
    });
  });
});

describe('logits behind probabilities', () => {
  const behind = cases.filter(({ activation }) => activation !== null);
  test('are found behind a reshape too', () => {
    assert.ok(behind.length > 5);
    for (const given of behind) {
      const shape = shapeOf(given.y_pred);
      const { value, gradient } = run(given, (output) =>
        reshape(reshape(output, [1, ...shape]), shape),
      );
      expectNear('value', value.data, flat(given.value));
      expectNear('gradient', gradient.data, flat(given.gradient));
    }
  });

  test('keep the gradient where a probability is 0', () => {
    const graph = new Graph();
    const yTrue = input(graph, 'y_true', [1], 'int32');
    const yPred = input(graph, 'y_pred', [1, 2]);
    const value = new losses.SparseCategoricalCrossentropy().call(yTrue, softmax(yPred));
    graph.outputs.set('value', value);
    graph.outputs.set('gradient', gradients(value, [yPred])[0]!);
    const { outputs } = evaluate(graph, { y_true: [0], y_pred: [-1000, 1000] }, () => []);
    assert.deepEqual([...outputs.get('value')!.data], [2000]);
    assert.deepEqual([...outputs.get('gradient')!.data], [-1, 1]);
  });
});

describe('get', () => {
  test('by the names of Keras and by their camelCase', () => {
    const names: [string, string][] = [
      ['sparse_categorical_crossentropy', 'SparseCategoricalCrossentropy'],
      ['sparseCategoricalCrossentropy', 'SparseCategoricalCrossentropy'],
      ['CategoricalCrossentropy', 'CategoricalCrossentropy'],
      ['bce', 'BinaryCrossentropy'],
      ['MSE', 'MeanSquaredError'],
      ['mae', 'MeanAbsoluteError'],
      ['mape', 'MeanAbsolutePercentageError'],
      ['MSLE', 'MeanSquaredLogarithmicError'],
      ['kld', 'KLDivergence'],
      ['kl_divergence', 'KLDivergence'],
      ['log_cosh', 'LogCosh'],
      ['categorical_generalized_cross_entropy', 'CategoricalGeneralizedCrossEntropy'],
      ['dice', 'Dice'],
    ];
    for (const [name, className] of names) {
      const found = losses.get(name).constructor as unknown as { className: string };
      assert.equal(found.className, className, name);
    }
  });

  test('by class, by object, by function', () => {
    assert.ok(losses.get(losses.Huber) instanceof losses.Huber);
    const loss = new losses.Huber({ delta: 2 });
    assert.equal(losses.get(loss), loss);
    const own = losses.get(function distance(y: Value, p: Value) {
      return reduceMean(abs(sub(y, p)), [1]);
    });
    assert.equal(own.name, 'distance');
    const graph = new Graph();
    const y = input(graph, 'y', [2, 2]);
    const p = input(graph, 'p', [2, 2]);
    graph.outputs.set('value', own.call(y, p));
    const { outputs } = evaluate(graph, { y: [0, 0, 0, 0], p: [1, 2, 3, -4] }, () => []);
    assert.deepEqual([...outputs.get('value')!.data], [2.5]);
  });

  test('by shapes for "crossentropy"', () => {
    const resolve = (yTrue: number[], yPred: number[]) =>
      losses.get('crossentropy', {
        yTrue: { shape: yTrue, dtype: 'float32' },
        yPred: { shape: yPred, dtype: 'float32' },
      }).name;
    assert.equal(resolve([8], [8, 1]), 'binary_crossentropy');
    assert.equal(resolve([8], [8, 3]), 'sparse_categorical_crossentropy');
    assert.equal(resolve([8, 1], [8, 3]), 'sparse_categorical_crossentropy');
    assert.equal(resolve([8, 3], [8, 3]), 'categorical_crossentropy');
  });

  test('refuses what it does not know', () => {
    assert.throws(() => losses.get('crossentropie'), { name: 'TsunoError', code: 'ARGUMENT' });
    assert.throws(() => new losses.Huber({ reduction: 'average' as 'sum' }), { code: 'ARGUMENT' });
    assert.throws(() => new losses.CategoricalGeneralizedCrossEntropy({ q: 1 }), {
      message: /q must be between 0 and 1, received 1\./,
    });
  });
});

test('config gives back what Keras serialises', () => {
  for (const { loss } of cases) {
    const { dtype: _, fn: __, ...expected } = loss.config;
    const found: Record<string, unknown> = losses.get(loss).config();
    for (const [key, value] of Object.entries(expected)) {
      if (key === 'axis' && loss.class_name === 'SparseCategoricalCrossentropy') continue;
      assert.deepEqual(found[key], value, `${loss.class_name} ${key}`);
    }
  }
});

test('labels of another form are refused with a repair', () => {
  const graph = new Graph();
  const yTrue = input(graph, 'y_true', [4, 3]);
  const yPred = input(graph, 'y_pred', [4, 3]);
  assert.throws(() => losses.get('sparse_categorical_crossentropy').call(yTrue, yPred), {
    code: 'SHAPE',
    message: /One-hot labels want categorical_crossentropy\./,
  });
  assert.throws(() => losses.get('categorical_crossentropy').call(input(graph, 'c', [4]), yPred), {
    code: 'SHAPE',
  });
});
