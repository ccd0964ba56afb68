/** @file The checks before training, as tables: what passes, what is refused, and with which words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { PartialShape, Shape } from '../../src/core/shape.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import * as checks from '../../src/data/checks.ts';
import { refuses } from './refusals.ts';

const zeros = (...shape: number[]) => new Tensor('float32', shape);
const bytes = (...values: number[]) => tensor(Uint8Array.from(values));
const ints = (...values: number[]) => tensor(Int32Array.from(values));

const passing: [name: string, () => void][] = [
  ['as many inputs as labels', () => checks.checkCounts(zeros(3, 2), bytes(0, 1, 2))],
  ['one-hot labels as many', () => checks.checkCounts(zeros(3, 2), zeros(3, 5))],
  ['a batch of one', () => checks.checkBatchSize(1)],
  ['a batch larger than any data set', () => checks.checkBatchSize(1_000_000)],
  ['sparse labels of bytes', () => checks.checkSparseLabels(bytes(0, 9, 5), 10)],
  ['sparse labels of integers', () => checks.checkSparseLabels(ints(0, 9, 5), 10)],
  ['sparse labels of whole floats', () => checks.checkSparseLabels(tensor([0, 9, -0]), 10)],
  ['sparse labels in a column', () => checks.checkSparseLabels(tensor([[0], [1]]), 2)],
  ['sparse labels of one class in a column', () => checks.checkSparseLabels(zeros(4, 1), 1)],
  [
    'a class to ignore below the others',
    () => checks.checkSparseLabels(ints(0, -1, 2), 3, { ignoreClass: -1 }),
  ],
  [
    'a class to ignore above the others',
    () => checks.checkSparseLabels(bytes(0, 255), 3, { ignoreClass: 255 }),
  ],
  [
    'one-hot labels',
    () =>
      checks.checkOneHotLabels(
        tensor([
          [0, 1],
          [1, 0],
        ]),
        2,
      ),
  ],
  [
    'one-hot labels of bytes',
    () => checks.checkOneHotLabels(tensor(Uint8Array.of(0, 1), [1, 2]), 2),
  ],
  ['smoothed labels', () => checks.checkOneHotLabels(tensor([[0.05, 0.95]]), 2)],
  [
    'finite numbers, the largest too',
    () => checks.checkFinite(tensor([0, -0, 3.4028234663852886e38, -1e-45])),
  ],
  ['integers', () => checks.checkFinite(ints(2 ** 31 - 1, -1, 0x7f800000))],
  ['no samples, to be finite', () => checks.checkFinite(zeros(0, 28, 28, 1))],
  [
    'an input of the shape expected',
    () => checks.checkInputShape([null, 28, 28, 1], [7, 28, 28, 1], 'a'),
  ],
  ['an input of any size', () => checks.checkInputShape([null, null, null, 3], [1, 5, 9, 3], 'a')],
  ['an input with its batch fixed', () => checks.checkInputShape([32, 4], [32, 4], 'a')],
];
for (const [name, check] of passing) test(`passes: ${name}`, check);

const refused: [name: string, () => void, ErrorCode, ...texts: string[]][] = [
  [
    'fewer labels',
    () => checks.checkCounts(zeros(3, 2), bytes(0, 1)),
    'DATA_MISMATCH',
    '[fit] x and y',
    '3 and 2',
  ],
  [
    'labels without inputs',
    () => checks.checkCounts(zeros(0, 2), bytes(1)),
    'DATA_MISMATCH',
    '0 and 1',
  ],
  [
    'no samples',
    () => checks.checkCounts(zeros(0, 2), zeros(0), 'evaluate'),
    'DATA_EMPTY',
    '[evaluate] x',
    '(0, 2)',
  ],
  [
    'nothing to predict',
    () => checks.checkNotEmpty(zeros(0, 28, 28, 1), 'predict'),
    'DATA_EMPTY',
    '[predict]',
  ],
  ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map((size): (typeof refused)[number] => [
    `batch size ${size}`,
    () => checks.checkBatchSize(size),
    'ARGUMENT',
    '[fit] batchSize must be a positive integer',
    `received ${size}.`,
  ]),
  [
    'batch size of another type',
    () => checks.checkBatchSize('32' as unknown as number),
    'ARGUMENT',
    '"32"',
  ],

  [
    'label = classes',
    () => checks.checkSparseLabels(bytes(0, 1, 10), 10),
    'LABEL_RANGE',
    'label of sample 2',
    'from 0 to 9',
    'received 10.',
    'count from 0',
  ],
  [
    'label far above',
    () => checks.checkSparseLabels(ints(0, 7000), 10),
    'LABEL_RANGE',
    'sample 1',
    'received 7000.',
  ],
  [
    'label −1',
    () => checks.checkSparseLabels(ints(-1, 0), 10),
    'LABEL_RANGE',
    'sample 0',
    'received -1.',
  ],
  [
    'label −1 where 255 is ignored',
    () => checks.checkSparseLabels(ints(255, -1), 10, { ignoreClass: 255 }),
    'LABEL_RANGE',
    'sample 1',
  ],
  [
    'label 2.5',
    () => checks.checkSparseLabels(tensor([0, 2.5]), 10),
    'LABEL_RANGE',
    'sample 1',
    'whole number',
    'received 2.5.',
  ],
  [
    'label NaN',
    () => checks.checkSparseLabels(tensor([0, 1, Number.NaN]), 10),
    'LABEL_RANGE',
    'sample 2',
    'received NaN.',
  ],
  [
    'label infinite',
    () => checks.checkSparseLabels(tensor([Number.POSITIVE_INFINITY]), 10),
    'LABEL_RANGE',
    'received Infinity.',
  ],
  [
    'label out of range in a column',
    () => checks.checkSparseLabels(tensor([[0], [4]]), 3, { where: 'evaluate' }),
    'LABEL_RANGE',
    '[evaluate] label of sample 1',
  ],

  [
    'one-hot labels for a sparse loss',
    () => checks.checkSparseLabels(zeros(6, 10), 10),
    'LABEL_FORMAT',
    'sparse_categorical_crossentropy',
    'one-hot rows of shape (6, 10)',
    "use loss: 'categorical_crossentropy'",
  ],
  [
    'rows of another width for a sparse loss',
    () => checks.checkSparseLabels(zeros(6, 4), 10),
    'LABEL_FORMAT',
    'an array of shape (6, 4)',
  ],
  [
    'images for labels',
    () => checks.checkSparseLabels(zeros(6, 28, 28, 1), 10),
    'LABEL_FORMAT',
    '(6, 28, 28, 1)',
  ],
  [
    'class numbers for a categorical loss',
    () => checks.checkOneHotLabels(zeros(6), 10),
    'LABEL_FORMAT',
    'categorical_crossentropy',
    'class numbers of shape (6,)',
    "use loss: 'sparse_categorical_crossentropy'",
  ],
  [
    'class numbers in a column for a categorical loss',
    () => checks.checkOneHotLabels(zeros(6, 1), 10),
    'LABEL_FORMAT',
    '(6, 1)',
  ],
  [
    'one-hot labels of other classes',
    () => checks.checkOneHotLabels(zeros(6, 4), 10),
    'SHAPE',
    '(None, 10)',
    '(6, 4)',
  ],
  [
    'one-hot labels above 1',
    () =>
      checks.checkOneHotLabels(
        tensor([
          [0, 1],
          [0, 2],
        ]),
        2,
      ),
    'LABEL_RANGE',
    'sample 1, class 1',
    'received 2.',
  ],
  [
    'one-hot labels below 0',
    () => checks.checkOneHotLabels(tensor([[-0.5, 1]]), 2),
    'LABEL_RANGE',
    'sample 0, class 0',
    'received -0.5.',
  ],
  [
    'one-hot labels NaN',
    () =>
      checks.checkOneHotLabels(
        tensor([
          [0, 1],
          [Number.NaN, 0],
        ]),
        2,
      ),
    'LABEL_RANGE',
    'sample 1, class 0',
    'received NaN.',
  ],

  [
    'one NaN pixel',
    () => checks.checkFinite(withOne(Number.NaN, 3, 5, 7, 1)),
    'NONFINITE_INPUT',
    '[fit] x of sample 3 at row 5, column 7, channel 1',
    'received NaN.',
  ],
  [
    'one infinite pixel',
    () => checks.checkFinite(withOne(Number.POSITIVE_INFINITY, 0, 0, 0, 0)),
    'NONFINITE_INPUT',
    'sample 0 at row 0, column 0, channel 0',
    'received Infinity.',
  ],
  [
    '−infinity in the last pixel',
    () => checks.checkFinite(withOne(Number.NEGATIVE_INFINITY, 3, 7, 7, 1)),
    'NONFINITE_INPUT',
    'sample 3 at row 7, column 7, channel 1',
    'received -Infinity.',
  ],
  [
    'NaN seen through a view',
    () => checks.checkFinite(withOne(Number.NaN, 3, 5, 7, 1).slice(2)),
    'NONFINITE_INPUT',
    'sample 1 at row 5',
  ],
  [
    'NaN feature',
    () =>
      checks.checkFinite(
        tensor([
          [0, 1],
          [2, Number.NaN],
        ]),
        'predict',
      ),
    'NONFINITE_INPUT',
    '[predict]',
    'sample 1 at feature 1',
  ],
  [
    'NaN in a sequence',
    () => checks.checkFinite(tensor([[[0], [Number.NaN]]])),
    'NONFINITE_INPUT',
    'sample 0 at step 1, feature 0',
  ],
  [
    'NaN in a list',
    () => checks.checkFinite(tensor([0, Number.NaN])),
    'NONFINITE_INPUT',
    'x of sample 1 must',
  ],
  [
    'NaN in rank 5',
    () => checks.checkFinite(tensor([[[[[Number.NaN]]]]])),
    'NONFINITE_INPUT',
    'sample 0 at [0, 0, 0, 0]',
  ],
  [
    'NaN among targets',
    () => checks.checkFinite(tensor([Number.NaN]), 'fit', 'y'),
    'NONFINITE_INPUT',
    '[fit] y of sample 0',
  ],
];
for (const [name, check, code, ...texts] of refused) {
  test(`refused: ${name}`, () => refuses(check, code, ...texts).then(() => undefined));
}

/** Zeros but one, in a tensor [4, 8, 8, 2]. */
function withOne(value: number, ...[n, row, column, channel]: [number, number, number, number]) {
  const x = zeros(4, 8, 8, 2);
  x.data[((n * 8 + row) * 8 + column) * 2 + channel] = value;
  return x;
}

const shapes: [name: string, expected: PartialShape, actual: Shape, hint: string | undefined][] = [
  [
    'channels first',
    [null, 28, 28, 1],
    [9, 1, 28, 28],
    'The channels come before rows and columns',
  ],
  [
    'channels first, any size',
    [null, null, null, 3],
    [9, 3, 32, 48],
    'The channels come before rows and columns',
  ],
  [
    'channels last to a model that wants them first',
    [null, 3, 32, 32],
    [9, 32, 32, 3],
    'The channels come last',
  ],
  [
    'no channels',
    [null, 28, 28, 1],
    [9, 28, 28],
    'The axis of channels is missing: use reshape([-1, 28, 28, 1]).',
  ],
  [
    'no axis of samples',
    [null, 28, 28, 1],
    [28, 28, 1],
    'The axis of samples is missing: for one sample use reshape([-1, 28, 28, 1]).',
  ],
  ['flat', [null, 28, 28, 1], [9, 784], 'reshape([-1, 28, 28, 1])'],
  ['not flat', [null, 784], [9, 28, 28, 1], 'reshape([-1, 784])'],
  ['another size', [null, 28, 28, 1], [9, 32, 32, 1], undefined],
  ['other channels', [null, 32, 32, 3], [9, 32, 32, 1], undefined],
  ['another rank, any size', [null, null, null, 3], [9, 10], undefined],
  ['another batch', [32, 4], [31, 4], undefined],
  ['a scalar', [null, 4], [], undefined],
];
for (const [name, expected, actual, hint] of shapes) {
  test(`input shape: ${name}`, async () => {
    const where = 'Conv2D "conv_1"';
    const check = () => checks.checkInputShape(expected, actual, where);
    const error = await refuses(check, 'SHAPE', `[${where}] input must have shape (`);
    assert.equal(error.found, actual.length === 0 ? '()' : `(${actual.join(', ')})`);
    if (hint === undefined) assert.equal(error.repair, undefined);
    else assert.ok(error.repair?.includes(hint), error.message);
  });
}

const scales: [name: string, x: Tensor, unscaled: boolean][] = [
  ['bytes', bytes(0, 3, 255), true],
  ['bytes of a black and white picture', bytes(0, 1, 1), false],
  ['floats from 0 to 255', tensor([0, 100, 255]), true],
  ['floats from 0 to 1', tensor([0, 0.5, 1]), false],
  ['integers from 0 to 255', ints(0, 200), true],
  ['floats from −1 to 1', tensor([-1, 1]), false],
  ['standardized numbers', tensor([-2.1, 0.3, 2.6]), false],
  ['16-bit levels', tensor([0, 65535]), false],
  ['a little above 1', tensor([0, 1.2]), false],
  ['NaN', tensor([0, Number.NaN]), false],
  ['nothing', zeros(0, 28, 28, 1), false],
  ['blank pictures', zeros(5, 28, 28, 1), false],
];
for (const [name, x, unscaled] of scales) {
  test(`looksUnscaled: ${name}`, () => assert.equal(checks.looksUnscaled(x), unscaled));
}

test('looksUnscaled looks at a few of many samples', () => {
  const x = zeros(1000, 4);
  x.data.fill(200);
  x.data[4] = -1; // in sample 1, which is not among them
  assert.equal(checks.looksUnscaled(x), true);
});

test('property: labels pass exactly when each is a class', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2, max: 8 }), { minLength: 1 }), (labels) => {
      const first = labels.findIndex((label) => label < 0 || label > 5);
      let message = '';
      try {
        checks.checkSparseLabels(ints(...labels), 6);
      } catch (error) {
        message = String(error);
      }
      const expected = first < 0 ? '' : `label of sample ${first} `;
      assert.equal(message.includes(expected) && (message === '') === first < 0, true, message);
    }),
  );
});

test('property: checkFinite agrees with Number.isFinite on every kind of float', () => {
  fc.assert(
    fc.property(fc.float32Array({ minLength: 1, maxLength: 12 }), (values) => {
      const first = values.findIndex((value) => !Number.isFinite(value));
      if (first < 0) checks.checkFinite(tensor(values));
      else assert.throws(() => checks.checkFinite(tensor(values)), new RegExp(`sample ${first} `));
    }),
  );
});
