/** @file Each metric against Keras: results and sums over three batches of two sizes, with weights and without; names. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import type { DType } from '../../src/core/dtype.ts';
import { clearNames } from '../../src/core/names.ts';
import type { Nested } from '../../src/core/tensor.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import type { Serialized } from '../../src/layers/serialized.ts';
import type { Variable } from '../../src/layers/variable.ts';
import { abs, input, scalar, sub } from '../../src/ops/index.ts';
import * as metrics from '../../src/train/metrics/index.ts';
import { expectNear, flat, kerasParts, shapeOf } from '../support/keras_parts.ts';

interface Batch {
  y_true: Nested;
  y_pred: Nested;
  sample_weight: Nested | null;
  result: Nested;
}

interface MetricCase {
  metric: Serialized;
  label_type: DType;
  batches: Batch[];
  variables: Nested[];
}

const cases = kerasParts<MetricCase>('metrics');

const hostValues = (variable: VariableRef) => (variable as Variable).data;

/** Runs one step of the reference and stores what the variables become. */
function step(graph: Graph, inputs: Record<string, number[]>): void {
  const { updates } = evaluate(graph, inputs, hostValues);
  for (const [variable, value] of updates) (variable as Variable).assign(value.data);
}

function addBatch(metric: metrics.Metric, batch: Batch, labelType: DType): void {
  const graph = new Graph();
  const yTrue = input(graph, 'y_true', shapeOf(batch.y_true), labelType);
  const yPred = input(graph, 'y_pred', shapeOf(batch.y_pred));
  const weighted = batch.sample_weight !== null;
  const weight = weighted ? input(graph, 'weight', shapeOf(batch.sample_weight!)) : undefined;
  metric.update(graph, yTrue, yPred, weight);
  step(graph, {
    y_true: flat(batch.y_true),
    y_pred: flat(batch.y_pred),
    ...(weighted ? { weight: flat(batch.sample_weight!) } : {}),
  });
}

const results = (result: metrics.MetricResult) => (typeof result === 'number' ? [result] : result);

describe('as Keras', () => {
  cases.forEach(({ metric: form, label_type, batches, variables }, number) => {
    const weighted = batches[0]!.sample_weight ? 'weighted' : '';
    test(`${number} ${form.class_name} ${JSON.stringify(form.config)} ${weighted}`, () => {
      const metric = metrics.get(form);
      for (const batch of batches) {
        addBatch(metric, batch, label_type);
        expectNear('result', results(metric.result()), flat(batch.result));
      }
      assert.equal(metric.variables.length, variables.length);
      metric.variables.forEach((variable, i) => {
        assert.deepEqual(variable.shape, shapeOf(variables[i]!));
        expectNear(variable.path, variable.data, flat(variables[i]!));
      });
      metric.reset();
      assert.ok(metric.variables.every(({ data }) => data.every((value) => value === 0)));
    });
  });
});

test('config gives back what Keras serialises', () => {
  for (const { metric } of cases) {
    const { dtype: _, ...expected } = metric.config;
    const found: Record<string, unknown> = metrics.get(metric).config();
    for (const [key, value] of Object.entries(expected)) {
      const plain = key === 'label_weights' && value !== null ? found[key] : value;
      assert.deepEqual(found[key], plain, `${metric.class_name} ${key}`);
    }
  }
});

describe('get', () => {
  const shapes = (yTrue: number[], yPred: number[]) => ({
    yTrue: { shape: yTrue, dtype: 'float32' as const },
    yPred: { shape: yPred, dtype: 'float32' as const },
  });

  test('"accuracy" by shapes, under the name given', () => {
    const settle = (yTrue: number[], yPred: number[], name = 'accuracy') => {
      const metric = metrics.get(name, shapes(yTrue, yPred));
      return `${metric.name} ${metric.serialize().class_name}`;
    };
    assert.equal(settle([8], [8, 1]), 'accuracy BinaryAccuracy');
    assert.equal(settle([8, 1], [8, 1]), 'accuracy BinaryAccuracy');
    assert.equal(settle([8], [8, 3]), 'accuracy SparseCategoricalAccuracy');
    assert.equal(settle([8, 1], [8, 3]), 'accuracy SparseCategoricalAccuracy');
    assert.equal(settle([8, 3], [8, 3], 'acc'), 'acc CategoricalAccuracy');
    assert.equal(settle([8, 3], [8, 3], 'ce'), 'ce CategoricalCrossentropy');
    assert.equal(settle([8, 3], [8, 3], 'mae'), 'mae MeanAbsoluteError');
  });

  test('by the names of Keras and by their camelCase', () => {
    const classOf = (name: string) => metrics.get(name).serialize().class_name;
    assert.equal(classOf('sparse_top_k_categorical_accuracy'), 'SparseTopKCategoricalAccuracy');
    assert.equal(classOf('sparseTopKCategoricalAccuracy'), 'SparseTopKCategoricalAccuracy');
    assert.equal(classOf('AUC'), 'AUC');
    assert.equal(classOf('auc'), 'AUC');
    assert.equal(classOf('f1_score'), 'F1Score');
    assert.equal(classOf('MSE'), 'MeanSquaredError');
    assert.equal(classOf('kl_divergence'), 'KLDivergence');
    assert.equal(classOf('root_mean_squared_error'), 'RootMeanSquaredError');
    assert.throws(() => metrics.get('exactness'), { name: 'TsunoError', code: 'ARGUMENT' });
  });

  test('by class, by object, by function', () => {
    assert.ok(metrics.get(metrics.Recall) instanceof metrics.Recall);
    const precision = new metrics.Precision();
    assert.equal(metrics.get(precision), precision);
    const own = metrics.get(function distance(y: Value, p: Value) {
      return abs(sub(y, p));
    });
    assert.equal(own.name, 'distance');
    addBatch(
      own,
      { y_true: [[1], [2]], y_pred: [[3], [2]], sample_weight: null, result: 0 },
      'int32',
    );
    assert.equal(own.result(), 1);
  });

  test('numbers metrics that Keras numbers', () => {
    clearNames();
    assert.equal(new metrics.AUC().name, 'auc');
    assert.equal(new metrics.AUC().name, 'auc_1');
    assert.equal(new metrics.AUC({ name: 'area' }).name, 'area');
    assert.equal(new metrics.MeanSquaredError().name, 'mean_squared_error');
    assert.equal(new metrics.MeanSquaredError().name, 'mean_squared_error');
  });
});

describe('Mean', () => {
  test('of a loss, weighted by the size of the batch', () => {
    const mean = new metrics.Mean({ name: 'loss' });
    for (const [loss, size] of [
      [2, 32],
      [5, 16],
    ] as const) {
      const graph = new Graph();
      const value = input(graph, 'loss', []);
      mean.add(graph, value, scalar(value, size));
      step(graph, { loss: [loss] });
    }
    assert.equal(mean.result(), 3);
    assert.deepEqual(
      mean.variables.map(({ path }) => path),
      ['loss/total', 'loss/count'],
    );
  });

  test('is 0 before the first batch', () => assert.equal(new metrics.Mean().result(), 0));

  test('grows twice where it is updated twice in a graph', () => {
    const sum = new metrics.Sum();
    const graph = new Graph();
    const value = input(graph, 'x', [2]);
    sum.add(graph, value);
    sum.add(graph, value);
    step(graph, { x: [1, 2] });
    assert.equal(sum.result(), 6);
  });
});

test('top k of equal scores counts all of them, and a label outside the classes none', () => {
  const metric = new metrics.SparseTopKCategoricalAccuracy({ k: 1 });
  const batch = {
    y_true: [0, 1, 2],
    y_pred: [
      [1, 1, 0],
      [1, 1, 0],
      [1, 1, 0],
    ],
  };
  addBatch(metric, { ...batch, sample_weight: null, result: 0 }, 'int32');
  assert.equal(metric.result(), 2 / 3);
});

test('a class of yours is serialised under its own name', () => {
  class Shifted extends metrics.MeanAbsoluteError {}
  assert.equal(new Shifted().serialize().class_name, 'Shifted');
});

test('impossible options are refused', () => {
  assert.throws(() => new metrics.Precision({ thresholds: 1.5 }), { code: 'ARGUMENT' });
  assert.throws(() => new metrics.AUC({ curve: 'lift' }), { code: 'ARGUMENT' });
  assert.throws(() => new metrics.SensitivityAtSpecificity({ specificity: 2 }), {
    message: /specificity must be a number from 0 to 1, received 2\./,
  });
  assert.throws(() => new metrics.F1Score({ threshold: 0 }), { code: 'ARGUMENT' });
  assert.throws(() => new metrics.IoU({ numClasses: 2, targetClassIds: [2] }), {
    code: 'ARGUMENT',
  });
});
