/**
 * @file What is checked of data before training, evaluation or prediction changes anything: counts, labels, numbers
 * and shapes. Each check throws or returns nothing; the message names the sample.
 */
import type { AnyArray } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { type PartialShape, type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/**
 * Inputs and labels must be as many, and some:
 *
 *     [fit] x and y must have as many samples, received 3 and 4.
 *
 * @param where Who asks, for messages. Default `fit`, as in all checks here.
 * @throws TsunoError `DATA_EMPTY` where both have no samples, `DATA_MISMATCH` where the counts differ.
 */
export function checkCounts(x: Tensor, y: Tensor, where = 'fit'): void {
  if (x.length !== y.length) {
    throw new TsunoError('DATA_MISMATCH', {
      where,
      what: 'x and y',
      expected: 'must have as many samples',
      found: `${x.length} and ${y.length}`,
    });
  }
  checkNotEmpty(x, where);
}

/**
 * There must be samples.
 *
 * @throws TsunoError `DATA_EMPTY`.
 */
export function checkNotEmpty(x: Tensor, where = 'fit'): void {
  if (x.length > 0) return;
  throw new TsunoError('DATA_EMPTY', {
    where,
    what: 'x',
    expected: 'must have one sample at least',
    found: `none: shape ${showShape(x.shape)}`,
  });
}

/**
 * A batch has one sample or more. More than there are is allowed, as in Keras: it makes one smaller batch.
 *
 * @throws TsunoError `ARGUMENT`.
 */
export function checkBatchSize(batchSize: number, where = 'fit'): void {
  if (Number.isSafeInteger(batchSize) && batchSize > 0) return;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'batchSize',
    expected: 'a positive integer',
    found: show(batchSize),
  });
}

export interface SparseLabelOptions {
  /** Default `fit`. */
  where?: string;
  /** A label that the loss leaves out, and which may lie outside the classes: Keras's `ignore_class`. */
  ignoreClass?: number | undefined;
  /** Numbers of the samples, for messages; default 0, 1, … */
  rows?: ArrayLike<number>;
}

/** `sample 17`: row `i` of data whose rows are the samples of these numbers, by default 0, 1, … */
export function sampleName(i: number, rows?: ArrayLike<number>): string {
  return `sample ${rows?.[i] ?? i}`;
}

/**
 * Labels of a sparse loss: `[n]` or `[n, 1]`, whole numbers from 0 to `classes - 1`:
 *
 *     [fit] label of sample 2 must be a whole number from 0 to 9, received 12.
 *
 * @throws TsunoError `LABEL_FORMAT` for one-hot rows, `LABEL_RANGE` for the first label outside the classes.
 */
export function checkSparseLabels(
  labels: Tensor,
  classes: number,
  { where = 'fit', ignoreClass, rows }: SparseLabelOptions = {},
): void {
  if (!isSparse(labels.shape)) {
    const oneHot = labels.rank === 2 && labels.shape[1] === classes;
    throw new TsunoError('LABEL_FORMAT', {
      where,
      what: 'labels of sparse_categorical_crossentropy',
      expected: 'class numbers of shape (None,)',
      found: `${oneHot ? 'one-hot rows' : 'an array'} of shape ${showShape(labels.shape)}`,
      ...(oneHot && { repair: "For one-hot labels use loss: 'categorical_crossentropy'." }),
    });
  }
  const values: AnyArray = labels.data;
  for (let i = 0; i < values.length; i++) {
    const label = values[i]!;
    if ((label >= 0 && label < classes && Number.isInteger(label)) || label === ignoreClass) {
      continue;
    }
    throw new TsunoError('LABEL_RANGE', {
      where,
      what: `label of ${sampleName(i, rows)}`,
      expected: `a whole number from 0 to ${classes - 1}`,
      found: String(label),
      ...(label === classes && {
        repair: `Classes count from 0, and the model has ${classes} outputs.`,
      }),
    });
  }
}

/**
 * Labels of a categorical loss: `[n, classes]`, each number from 0 to 1. Rows need not be exactly one-hot: smoothed
 * or mixed labels are as good.
 *
 * @throws TsunoError `LABEL_FORMAT` for class numbers, `SHAPE` for another number of classes, `LABEL_RANGE` for the
 * first number outside 0 to 1.
 */
export function checkOneHotLabels(
  labels: Tensor,
  classes: number,
  where = 'fit',
  rows?: ArrayLike<number>,
): void {
  if (!sameShape(labels.shape.slice(1), [classes])) {
    const sparse = isSparse(labels.shape);
    throw new TsunoError(sparse ? 'LABEL_FORMAT' : 'SHAPE', {
      where,
      what: 'labels of categorical_crossentropy',
      expected: `one-hot rows of shape ${showShape([null, classes])}`,
      found: `${sparse ? 'class numbers' : 'an array'} of shape ${showShape(labels.shape)}`,
      ...(sparse && { repair: "For class numbers use loss: 'sparse_categorical_crossentropy'." }),
    });
  }
  const values: AnyArray = labels.data;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= 0 && value <= 1) continue;
    throw new TsunoError('LABEL_RANGE', {
      where,
      what: `label of ${sampleName(Math.floor(i / classes), rows)}, class ${i % classes}`,
      expected: 'a number from 0 to 1',
      found: String(value),
    });
  }
}

/** One number a sample. */
function isSparse(shape: Shape): boolean {
  return shape.length === 1 || (shape.length === 2 && shape[1] === 1);
}

/**
 * No NaN and no infinity; integers have none:
 *
 *     [fit] x of sample 3 at row 2, column 5, channel 0 must be a finite number, received NaN. …
 *
 * @param what The argument's name, for messages. Default `x`.
 * @param rows Numbers of the samples, for messages; default 0, 1, …
 * @throws TsunoError `NONFINITE_INPUT` with the sample and the position of the first one.
 */
export function checkFinite(x: Tensor, where = 'fit', what = 'x', rows?: ArrayLike<number>): void {
  if (!(x.data instanceof Float32Array)) return;
  // an exponent of all ones is NaN or infinity, and nothing else is (IEEE 754)
  const exponent = 0x7f800000;
  const bits = new Int32Array(x.data.buffer, x.data.byteOffset, x.data.length);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & exponent) !== exponent) continue;
    throw new TsunoError('NONFINITE_INPUT', {
      where,
      what: `${what} of ${positionOf(i, x.shape, rows)}`,
      expected: 'a finite number',
      found: String(x.data[i]),
      repair: 'Remove or repair the sample; nothing has been changed by it.',
    });
  }
}

const axisNames: Readonly<Record<number, readonly string[]>> = {
  2: ['feature'],
  3: ['step', 'feature'],
  4: ['row', 'column', 'channel'],
};

/** `sample 3 at row 2, column 5, channel 0`. */
function positionOf(offset: number, shape: Shape, rows?: ArrayLike<number>): string {
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(offset % shape[axis]!);
    offset = Math.floor(offset / shape[axis]!);
  }
  const [sample = 0, ...inner] = index;
  const name = sampleName(sample, rows);
  if (inner.length === 0) return name;
  const names = axisNames[shape.length];
  const position = names ? names.map((name, i) => `${name} ${inner[i]}`).join(', ') : show(inner);
  return `${name} at ${position}`;
}

/**
 * An input must have the shape that the model or layer was built for:
 *
 *     [InputLayer "input"] input must have shape (None, 28, 28, 1), received (100, 28, 28). The axis of channels …
 *
 * @param expected `null` is an axis of any size, as the batch.
 * @param where The layer, as `Conv2D "conv_1"`.
 * @throws TsunoError `SHAPE`, with the repair where the channel axis was moved or an axis is missing.
 */
export function checkInputShape(expected: PartialShape, actual: Shape, where: string): void {
  if (fits(expected, actual)) return;
  const repair = shapeRepair(expected, actual);
  throw new TsunoError('SHAPE', {
    where,
    what: 'input',
    expected: `must have shape ${showShape(expected)}`,
    found: showShape(actual),
    ...(repair && { repair }),
  });
}

function fits(expected: PartialShape, actual: Shape): boolean {
  return (
    expected.length === actual.length &&
    expected.every((extent, axis) => extent === null || extent === actual[axis])
  );
}

function shapeRepair(expected: PartialShape, actual: Shape): string | undefined {
  const sample = expected.slice(1);
  if (fits(sample, actual.slice(1))) return undefined;
  const reshape = `reshape(${show([-1, ...sample])})`;
  if (fits(sample, actual)) {
    return `The axis of samples is missing: for one sample use ${reshape}.`;
  }
  if (expected.length === 4 && actual.length === 4) {
    const [n, a, b, c] = actual as readonly [number, number, number, number];
    if (fits(expected, [n, b, c, a])) {
      return 'The channels come before rows and columns; the model wants them last, [n, height, width, channels].';
    }
    if (fits(expected, [n, c, a, b])) {
      return 'The channels come last; the model wants them first, [n, channels, height, width].';
    }
  }
  const known = sample.filter((extent) => extent !== null);
  if (known.length < sample.length) return undefined;
  if (expected.length === 4 && fits(expected, [...actual, 1])) {
    return `The axis of channels is missing: use ${reshape}.`;
  }
  if (sizeOf(known) === sizeOf(actual.slice(1))) {
    return `Each sample has as many numbers as expected: if their order is right, use ${reshape}.`;
  }
  return undefined;
}

/**
 * Whether the numbers look like pixels from 0 to 255: worth a warning where a model does not rescale them. Looks at
 * up to 32 samples, evenly spaced.
 *
 * @example
 * ```ts
 * looksUnscaled(tensor(new Uint8Array([0, 128, 255]))); // true
 * looksUnscaled(tensor([0, 0.5, 1]));                   // false
 * looksUnscaled(tensor([-200, 128, 255]));              // false
 * ```
 */
export function looksUnscaled(x: Tensor): boolean {
  const row = sizeOf(x.shape.slice(1));
  const step = Math.max(1, Math.ceil(x.length / 32));
  const values: AnyArray = x.data;
  let largest = 0;
  for (let sample = 0; sample < x.length; sample += step) {
    for (let i = sample * row; i < (sample + 1) * row; i++) {
      const value = values[i]!;
      if (!(value >= 0 && value <= 255)) return false;
      if (value > largest) largest = value;
    }
  }
  return largest > 1.5;
}
