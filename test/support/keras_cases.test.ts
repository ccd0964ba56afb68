/** @file The cases that Keras computed are all there and whole: each can be read, and its parts fit together. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { Tensor } from '../../src/core/tensor.ts';
import {
  layerCases,
  layerKinds,
  mnistAccuracy,
  modelCases,
  trainedMnist,
  trainingCases,
} from './keras_cases.ts';

const fixtures = new URL('../../../test/fixtures/keras/', import.meta.url);

/** The inner product, in float64. */
function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.size; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}

function allFinite(tensor: Tensor): boolean {
  return tensor.data.every((value) => Number.isFinite(value));
}

test('every file of a layer is a case, and its parts fit together', () => {
  let count = 0;
  for (const { name, config, inputs, output, weights, training } of layerCases()) {
    count++;
    assert.equal(typeof config.name, 'string', name);
    assert.ok([...inputs, output, ...weights.map(({ value }) => value)].every(allFinite), name);
    if (training === undefined) {
      assert.match(name, /^noise_/);
      continue;
    }
    assert.deepEqual(training.output.shape, output.shape, name);
    assert.deepEqual(training.cotangent.shape, output.shape, name);
    for (const { trainable, gradient, updated } of weights) {
      assert.equal(gradient !== undefined, trainable, name);
      assert.equal(updated !== undefined, !trainable, name);
    }
  }
  const files = readdirSync(new URL('layers', fixtures));
  assert.equal(count, files.filter((file) => file.endsWith('.json')).length);
});

test('kinds of layer cases can be chosen', () => {
  const names = [...layerCases(['dense', 'noise'])].map(({ name }) => name);
  assert.equal(names.length, 24);
  assert.ok(names.every((name) => /^(dense|noise)_\d\d$/.test(name)));
  assert.ok(layerKinds().includes('conv2d'));
  assert.throws(() => [...layerCases(['conv2D'])], /no cases of kind conv2D/);
});

test('a linear layer shows what the gradients are of', () => {
  for (const { name, className, inputs, training } of layerCases(['average_pooling2d'])) {
    assert.equal(className, 'AveragePooling2D');
    const { output, cotangent, inputGradients } = training!;
    const difference = dot(output, cotangent) - dot(inputs[0]!, inputGradients[0]!);
    assert.ok(Math.abs(difference) < 1e-4, `${name}: ${difference}`);
  }
});

test('training cases have five steps, and they changed every weight', () => {
  const optimizers = new Set<string>();
  let count = 0;
  for (const { name, compile, weights, steps, predict, classWeight } of trainingCases()) {
    count++;
    optimizers.add(compile.optimizer.class_name);
    assert.equal(steps.length, 5, name);
    for (const { x, y, sampleWeight, logs } of steps) {
      assert.equal(y.length, x.length, name);
      assert.equal(sampleWeight?.length ?? x.length, x.length, name);
      assert.ok(Number.isFinite(logs.loss), name);
    }
    assert.equal(predict.length, steps[0]!.x.length, name);
    assert.ok(classWeight === null || classWeight.size === predict.shape[1], name);
    for (const { path, before, after } of weights) {
      assert.notDeepEqual(after, before, `${name} ${path}`);
    }
    for (const { before, after } of weights) assert.ok(allFinite(before) && allFinite(after), name);
  }
  assert.equal(count, 68);
  const expected = 'Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Nadam RMSprop SGD';
  assert.deepEqual([...optimizers].sort(), expected.split(' '));
});

test('a model case is what its training case came to', () => {
  const training = new Map([...trainingCases()].map((one) => [one.name, one]));
  for (const { name, kind, x, predict } of modelCases()) {
    const same = training.get(name);
    assert.ok(same, name);
    assert.equal(same.kind, kind);
    assert.deepEqual(same.steps[0]!.x, x, name);
    assert.deepEqual(same.predict, predict, name);
    training.delete(name);
  }
  assert.deepEqual([...training.keys()], []);
});

test('the trained network of the article predicts ten probabilities an image', () => {
  const { loss, accuracy, predict } = trainedMnist();
  assert.ok(loss > 0 && accuracy > 0.97);
  for (const row of predict.toArray() as number[][]) {
    assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-5);
  }
});

test('Keras reached its accuracy from five seeds', () => {
  const { seeds, accuracy, loss } = mnistAccuracy();
  assert.deepEqual(seeds, [1, 2, 3, 4, 5]);
  assert.ok(accuracy.mean > 0.98 && accuracy.standardDeviation < 0.003);
  assert.ok(loss.mean < 0.06 && loss.standardDeviation > 0);
});
