/** @file Dataset: what it accepts, that its parts are views, and where it cuts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../../src/core/errors.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import { refuses } from './refusals.ts';

/** Images whose pixels are all the sample's number, labels ten times that. */
function numbered(count: number): Dataset<'float32', 'int32'> {
  const images = new Tensor('float32', [count, 2, 3, 1]);
  for (let i = 0; i < images.size; i++) images.data[i] = Math.floor(i / 6);
  return Dataset.from({
    images,
    labels: tensor(Int32Array.from({ length: count }, (_, i) => 10 * i)),
  });
}

/** The numbers of a set's samples; fails where an image and its label went apart. */
function samplesOf(set: Dataset): number[] {
  const { images, labels } = set;
  assert.equal(images.length, labels.length);
  return Array.from({ length: set.length }, (_, i) => {
    for (const pixel of images.slice(i, i + 1).data) assert.equal(pixel * 10, labels.at(i));
    return images.at(i, 0, 0, 0);
  });
}

test('element types of images and labels are kept', () => {
  const set = Dataset.from({
    images: new Tensor('uint8', [4, 28, 28, 1]),
    labels: new Tensor('float32', [4, 3]),
    classNames: ['a', 'b', 'c'],
  });
  const images: Tensor<'uint8'> = set.take(2).images;
  const labels: Tensor<'float32'> = set.shuffle(1).labels;
  const general: Dataset = set;
  assert.deepEqual([images.dtype, labels.dtype, general.length], ['uint8', 'float32', 4]);
  assert.deepEqual(set.sampleShape, [28, 28, 1]);
  assert.deepEqual(set.skip(1).split(0.5)[1].classNames, ['a', 'b', 'c']);
});

const images = new Tensor('uint8', [3, 2, 2, 1]);
const refused: [string, () => unknown, ErrorCode, ...string[]][] = [
  [
    'fewer labels',
    () => Dataset.from({ images, labels: new Tensor('uint8', [2]) }),
    'DATA_MISMATCH',
    '3 images and 2 labels',
  ],
  [
    'more one-hot labels',
    () => Dataset.from({ images, labels: new Tensor('uint8', [4, 2]) }),
    'DATA_MISMATCH',
    '3 images and 4 labels',
  ],
  [
    'no samples',
    () => Dataset.from({ images: images.slice(0, 0), labels: new Tensor('uint8', [0]) }),
    'DATA_EMPTY',
    'received none',
  ],
  [
    'a number for images',
    () => Dataset.from({ images: new Tensor('uint8', []), labels: new Tensor('uint8', [1]) }),
    'SHAPE',
    'images must have an axis of samples',
  ],
  [
    'labels of rank 3',
    () => Dataset.from({ images, labels: new Tensor('uint8', [3, 2, 2]) }),
    'SHAPE',
    '(3, 2, 2)',
  ],
  [
    'names not fitting one-hot labels',
    () => Dataset.from({ images, labels: new Tensor('uint8', [3, 4]), classNames: ['a', 'b'] }),
    'ARGUMENT',
    'the 4 classes',
    '2 names',
  ],
  ['take(-1)', () => numbered(3).take(-1), 'ARGUMENT', 'Dataset.take', '-1'],
  ['take(1.5)', () => numbered(3).take(1.5), 'ARGUMENT', '1.5'],
  ['skip(NaN)', () => numbered(3).skip(Number.NaN), 'ARGUMENT', 'Dataset.skip', 'NaN'],
  ['split(0)', () => numbered(3).split(0), 'ARGUMENT', 'between 0 and 1'],
  ['split(1)', () => numbered(3).split(1), 'ARGUMENT', 'between 0 and 1'],
  ['split(NaN)', () => numbered(3).split(Number.NaN), 'ARGUMENT', 'NaN'],
  [
    'split leaving nothing to train',
    () => numbered(1).split(0.2),
    'ARGUMENT',
    'fraction of 1 samples',
  ],
  ['split leaving nothing to validate', () => numbered(3).split(1e-300), 'ARGUMENT', 'both parts'],
  ['shuffle(0.5)', () => numbered(3).shuffle(0.5), 'ARGUMENT', 'seed'],
  [
    'concatenating other samples',
    () =>
      numbered(3).concatenate(
        Dataset.from({ images: new Tensor('float32', [3, 2]), labels: new Tensor('int32', [3]) }),
      ),
    'SHAPE',
    'float32 of shape (None, 2, 3, 1)',
    'float32 of shape (3, 2)',
  ],
  [
    'concatenating other class names',
    () => {
      const parts = { images, labels: new Tensor('uint8', [3]) };
      Dataset.from({ ...parts, classNames: ['a', 'b'] }).concatenate(
        Dataset.from({ ...parts, classNames: ['b', 'a'] }),
      );
    },
    'ARGUMENT',
    'classNames',
    '["a", "b"]',
    '["b", "a"]',
  ],
];
for (const [name, action, code, ...texts] of refused) {
  test(`refused: ${name}`, () => refuses(action, code, ...texts).then(() => undefined));
}

test('take, skip and slice are views of the same numbers', () => {
  const set = numbered(5);
  assert.deepEqual(samplesOf(set.take(2)), [0, 1]);
  assert.deepEqual(samplesOf(set.skip(2)), [2, 3, 4]);
  assert.deepEqual(samplesOf(set.slice(1, 3)), [1, 2]);
  assert.deepEqual(samplesOf(set.slice(-2)), [3, 4]);
  assert.deepEqual(samplesOf(set.skip(1).take(3).skip(1)), [2, 3]);
  assert.equal(set.slice(1, 3).images.data.buffer, set.images.data.buffer);
  assert.equal(set.slice(1, 3).labels.data.buffer, set.labels.data.buffer);
});

test('take and skip beyond the end give all and none', () => {
  const set = numbered(5);
  assert.equal(set.take(9).length, 5);
  assert.equal(set.take(0).length, 0);
  const none = set.skip(9);
  assert.equal(none.length, 0);
  assert.deepEqual(none.sampleShape, [2, 3, 1]);
});

test('split cuts where the validation_split of Keras cuts', () => {
  const cuts: [count: number, fraction: number, first: number][] = [
    [60000, 0.2, 48000],
    [10, 0.1, 9],
    [10, 0.3, 7],
    [7, 0.5, 3],
    [3, 0.4, 1],
    [2, 0.5, 1],
    [10, 0.8, 1], // 10 * (1 - 0.8) is 1.9999999999999996, there as here
  ];
  for (const [count, fraction, first] of cuts) {
    const set = Dataset.from({
      images: new Tensor('uint8', [count, 1]),
      labels: new Tensor('uint8', [count]),
    });
    const [training, validation] = set.split(fraction);
    assert.deepEqual([training.length, validation.length], [first, count - first]);
  }
  const [training, validation] = numbered(5).split(0.4);
  assert.deepEqual(
    [samplesOf(training), samplesOf(validation)],
    [
      [0, 1, 2],
      [3, 4],
    ],
  );
});

test('shuffle copies, keeps pairs, follows its seed', () => {
  const set = numbered(50);
  const order = samplesOf(set.shuffle(3));
  assert.deepEqual(samplesOf(set.shuffle(3)), order);
  assert.notDeepEqual(samplesOf(set.shuffle(4)), order);
  assert.notDeepEqual(order, samplesOf(set));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    samplesOf(set),
  );
  assert.notEqual(set.shuffle(3).images.data.buffer, set.images.data.buffer);
});

test('the order of a seed is part of the contract', () => {
  assert.deepEqual(samplesOf(numbered(8).shuffle(42)), [2, 0, 4, 3, 1, 7, 5, 6]);
});

test('one-hot rows travel with their images', () => {
  const set = Dataset.from({
    images: tensor([[0], [1], [2]]),
    labels: tensor([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]),
  }).shuffle(1);
  assert.deepEqual(set.labels.argMax(), Array.from(set.images.data));
});

test('concatenate copies one behind the other and keeps the names there are', () => {
  const set = numbered(4);
  const joined = set.skip(3).concatenate(set.take(2));
  assert.deepEqual(samplesOf(joined), [3, 0, 1]);
  const parts = { images, labels: new Tensor('uint8', [3]) };
  const named = Dataset.from(parts).concatenate(Dataset.from({ ...parts, classNames: ['a'] }));
  assert.deepEqual([named.length, named.classNames], [6, ['a']]);
});

test('property: take(k) and skip(k) together are the set, for every k', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(25), (count, k) => {
      const set = numbered(count);
      const joined = set.take(k).concatenate(set.skip(k));
      assert.deepEqual(samplesOf(joined), samplesOf(set));
    }),
  );
});

test('property: slice counts as Array.prototype.slice', () => {
  const bound = fc.option(fc.integer({ min: -12, max: 12 }), { nil: undefined });
  fc.assert(
    fc.property(bound, bound, (start, end) => {
      const set = numbered(9);
      assert.deepEqual(samplesOf(set.slice(start, end)), samplesOf(set).slice(start, end));
    }),
  );
});

test('property: a shuffle is a permutation of the pairs', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (count, seed) => {
      const order = samplesOf(numbered(count).shuffle(seed)).sort((a, b) => a - b);
      assert.deepEqual(order, samplesOf(numbered(count)));
    }),
  );
});
