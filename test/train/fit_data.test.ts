/** @file fit 2, 5: impossible data and arguments are refused before anything changes, naming what is wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ErrorCode, TsunoError } from '../../src/core/errors.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, type ModelCompileOptions } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const data = stripes(12);
const images: Tensor = data.images;
const labels: Tensor = data.labels;

/** One number of a copy changed. */
function spoiled(given: Tensor, at: number, value: number): Tensor {
  const copy = new Tensor('float32', given.shape, Float32Array.from(given.data));
  copy.data[at] = value;
  return copy;
}

function oneHot(): Tensor {
  const rows = new Tensor('float32', [12, 3]);
  labels.data.forEach((label, i) => {
    rows.data[i * 3 + label] = 1;
  });
  return rows;
}

interface Row {
  name: string;
  x?: Tensor | Tensor[];
  y?: Tensor | undefined;
  options?: FitOptions;
  compile?: ModelCompileOptions;
  code: ErrorCode;
  says: RegExp;
}

const categorical: ModelCompileOptions = { loss: 'categorical_crossentropy' };
const count = (n: number) => new Tensor('float32', [n, 6, 6, 1]);

const rows: Row[] = [
  {
    name: 'label 3 of 3 classes',
    y: spoiled(labels, 5, 3),
    code: 'LABEL_RANGE',
    says: /label of sample 5 must be a whole number from 0 to 2, received 3/,
  },
  { name: 'label -1', y: spoiled(labels, 5, -1), code: 'LABEL_RANGE', says: /sample 5.*-1/ },
  { name: 'label 2.5', y: spoiled(labels, 5, 2.5), code: 'LABEL_RANGE', says: /sample 5.*2\.5/ },
  { name: 'label NaN', y: spoiled(labels, 5, NaN), code: 'LABEL_RANGE', says: /sample 5.*NaN/ },
  {
    name: 'one-hot labels for a sparse loss',
    y: oneHot(),
    code: 'LABEL_FORMAT',
    says: /categorical_crossentropy/,
  },
  {
    name: 'class numbers for a categorical loss',
    compile: categorical,
    code: 'LABEL_FORMAT',
    says: /sparse_categorical_crossentropy/,
  },
  {
    name: 'a one-hot label of 2',
    y: spoiled(oneHot(), 4, 2),
    compile: categorical,
    code: 'LABEL_RANGE',
    says: /sample 1/,
  },
  {
    name: 'labels of a regression with another width',
    y: new Tensor('float32', [12, 2]),
    compile: { loss: 'mse' },
    code: 'SHAPE',
    says: /y must have the shape of the output, \(None, 3\), received \(12, 2\)/,
  },
  {
    name: 'a binary label of 2',
    y: spoiled(oneHot(), 7, 2),
    compile: { loss: 'binary_crossentropy' },
    code: 'LABEL_RANGE',
    says: /sample 2/,
  },
  { name: 'no labels', y: undefined, code: 'ARGUMENT', says: /y must be labels/ },
  {
    name: 'too small images',
    x: new Tensor('float32', [12, 5, 6, 1]),
    code: 'SHAPE',
    says: /\(None, 6, 6, 1\), received \(12, 5, 6, 1\)/,
  },
  {
    name: 'no axis of channels',
    x: images.reshape([12, 6, 6]),
    code: 'SHAPE',
    says: /axis of channels is missing/,
  },
  {
    name: 'channels first',
    x: images.reshape([12, 1, 6, 6]),
    code: 'SHAPE',
    says: /channels come before/,
  },
  { name: 'two inputs for one', x: [images, images], code: 'SHAPE', says: /one tensor/ },
  {
    name: 'x and y of other lengths',
    y: labels.slice(1),
    code: 'DATA_MISMATCH',
    says: /12 and 11/,
  },
  {
    name: 'no samples',
    x: count(0),
    y: labels.slice(0, 0),
    code: 'DATA_EMPTY',
    says: /one sample/,
  },
  ...[0, -1, 1.5, NaN].map((batchSize) => ({
    name: `batch size ${batchSize}`,
    options: { batchSize },
    code: 'ARGUMENT' as const,
    says: /batchSize must be a positive integer/,
  })),
  {
    name: 'a NaN pixel',
    x: spoiled(images, 36 * 4 + 7, NaN),
    code: 'NONFINITE_INPUT',
    says: /sample 4 at row 1, column 1, channel 0/,
  },
  {
    name: 'an infinite pixel',
    x: spoiled(images, 3, Infinity),
    code: 'NONFINITE_INPUT',
    says: /sample 0.*Infinity/,
  },
  { name: 'epochs -1', options: { epochs: -1 }, code: 'ARGUMENT', says: /epochs/ },
  { name: 'epochs 1.5', options: { epochs: 1.5 }, code: 'ARGUMENT', says: /epochs/ },
  { name: 'no steps', options: { stepsPerEpoch: 0 }, code: 'ARGUMENT', says: /stepsPerEpoch/ },
  { name: 'split 1', options: { validationSplit: 1 }, code: 'ARGUMENT', says: /validationSplit/ },
  { name: 'split 0.99', options: { validationSplit: 0.99 }, code: 'ARGUMENT', says: /both sides/ },
  { name: 'freq 0', options: { validationFreq: 0 }, code: 'ARGUMENT', says: /validationFreq/ },
  { name: 'seed 0.5', options: { seed: 0.5 }, code: 'ARGUMENT', says: /seed/ },
  {
    name: 'too few weights',
    options: { sampleWeight: [1, 2] },
    code: 'DATA_MISMATCH',
    says: /one number for each of 12 samples, received 2/,
  },
  {
    name: 'an infinite weight',
    options: { sampleWeight: new Float32Array(12).fill(Infinity) },
    code: 'NONFINITE_INPUT',
    says: /sampleWeight/,
  },
  {
    name: 'a class weight that is no number',
    options: { classWeight: { 1: NaN } },
    code: 'ARGUMENT',
    says: /classWeight.*1: NaN/,
  },
  {
    name: 'bad validation data',
    options: { validationData: [images, spoiled(labels, 2, 9)] },
    code: 'LABEL_RANGE',
    says: /sample 2/,
  },
];

describe('fit 2: what is refused', () => {
  for (const row of rows) {
    test(row.name, async () => {
      const model = smallModel(row.compile);
      const before = bitsOf(model);
      const y = 'y' in row ? row.y : labels;
      const call = model.fit(row.x ?? images, { y, verbose: 0, ...row.options });
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof TsunoError, String(error));
        assert.equal(error.code, row.code, error.message);
        assert.match(error.message, row.says);
        return true;
      });
      assert.deepEqual(bitsOf(model), before);
      model.close();
    });
  }

  test('a refused call leaves running means, optimizer and the next run as they were', async () => {
    const [touched, plain] = [smallModel(), smallModel()];
    for (const model of [touched, plain])
      await model.fit(data, { batchSize: 4, seed: 2, verbose: 0 });
    const before = bitsOf(touched);
    await assert.rejects(touched.fit(images, spoiled(labels, 0, 7)), { code: 'LABEL_RANGE' });
    assert.deepEqual(bitsOf(touched), before);
    assert.deepEqual(touched.compiled!.logs(), plain.compiled!.logs());
    await assert.rejects(touched.evaluate(images, labels.slice(2)), { code: 'DATA_MISMATCH' });
    await assert.rejects(touched.predict(spoiled(images, 0, NaN)), { code: 'NONFINITE_INPUT' });
    for (const model of [touched, plain])
      await model.fit(data, { batchSize: 4, seed: 3, verbose: 0 });
    assert.deepEqual(bitsOf(touched), bitsOf(plain));
    touched.close();
    plain.close();
  });

  test('before compile, and without a loss', async () => {
    const inputs = Input({ shape: [2] });
    const model = new Model({ inputs, outputs: layers.dense(1)(inputs) });
    const x = new Tensor('float32', [3, 2]);
    await assert.rejects(model.fit(x, x), { code: 'STATE' });
    await assert.rejects(model.evaluate(x, x), { code: 'STATE' });
    model.compile({ optimizer: 'sgd', threads: 1 });
    await assert.rejects(model.fit(x, { verbose: 0 }), { code: 'STATE' });
    assert.deepEqual((await model.predict(x)).shape, [3, 1]);
    model.close();
  });

  test('kernels and filters that cannot be are refused when the layer is made or called', () => {
    const inputs = Input({ shape: [6, 6, 1] });
    assert.throws(() => layers.conv2d(4, 7)(inputs), TsunoError);
    assert.throws(() => layers.conv2d(0, 3), { code: 'ARGUMENT' });
    assert.throws(() => layers.conv2d(4, 3, { strides: 0 }), { code: 'ARGUMENT' });
    assert.throws(() => layers.conv2d(4, 3, { groups: 3 })(inputs), TsunoError);
    assert.throws(() => layers.maxPooling2d(0), { code: 'ARGUMENT' });
  });
});

describe('fit 5: pixels from 0 to 255', () => {
  const pixels = Dataset.from({
    images: tensor(Uint8Array.from({ length: 12 * 36 }, (_, i) => i % 256)).reshape([12, 6, 6, 1]),
    labels,
  });

  test('are one warning where no layer scales them', async () => {
    const warnings: string[] = [];
    const model = smallModel({ warn: (message) => void warnings.push(message) });
    await model.fit(pixels, { verbose: 0 });
    await model.fit(pixels, { verbose: 0 });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /rescaling\(1 \/ 255\)/);
    model.close();
  });

  test('are none where one does, nor are numbers from 0 to 1', async () => {
    const warnings: string[] = [];
    const inputs = Input({ shape: [6, 6, 1] });
    const scaled = layers.flatten()(layers.rescaling(1 / 255)(inputs));
    const model = new Model({
      inputs,
      outputs: layers.dense(3, { activation: 'softmax' })(scaled),
    });
    const warn = (message: string) => void warnings.push(message);
    model.compile({ loss: 'sparse_categorical_crossentropy', threads: 1, warn });
    await model.fit(pixels, { verbose: 0 });
    const plain = smallModel({ warn });
    await plain.fit(data, { verbose: 0 });
    assert.deepEqual(warnings, []);
    model.close();
    plain.close();
  });
});
