/** @file Labels as rows of zeros with a one. */
import { show, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';

/**
 * Labels one-hot, for losses that want them so; `sparse_categorical_crossentropy` takes them as they are.
 *
 * @param labels whole numbers from 0 on, of any shape; a last axis of 1 is dropped.
 * @param numClasses default: the largest label and one more.
 * @returns `float32`, the shape of the labels and an axis of classes.
 * @throws TsunoError `LABEL_RANGE` for a label that is none, by its place.
 * @example
 * ```ts
 * toCategorical([0, 2], 3).shape; // [2, 3]
 * ```
 * @see https://keras.io/api/utils/python_utils/#tocategorical-function
 */
export function toCategorical(
  labels: Tensor | ArrayLike<number>,
  numClasses?: number,
): Tensor<'float32'> {
  const [data, shape]: [ArrayLike<number>, readonly number[]] =
    labels instanceof Tensor ? [labels.data, labels.shape] : [labels, [labels.length]];
  const classes = numClasses ?? Math.floor(largest(data)) + 1;
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    throw new TsunoError('LABEL_RANGE', {
      where: 'toCategorical',
      what: `label ${i}`,
      expected: `a whole number from 0 to ${classes - 1}`,
      found: show(label),
    });
  }
  const kept = shape.length > 1 && shape.at(-1) === 1 ? shape.slice(0, -1) : shape;
  const found = new Tensor('float32', [...kept, classes]);
  for (let i = 0; i < data.length; i++) found.data[i * classes + data[i]!] = 1;
  return found;
}

const largest = (data: ArrayLike<number>): number => {
  let top = 0;
  for (let i = 0; i < data.length; i++) top = Math.max(top, data[i]!);
  return top;
};
