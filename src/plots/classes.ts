/** @file Classes out of what a model gives and out of labels, in all their forms. */
import { show, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';

/** The likeliest class of each row, and how likely it is. */
export function guessesOf(
  probabilities: Tensor,
  where: string,
): [predicted: number, probability: number][] {
  const { shape, data } = probabilities;
  if (shape.length > 2 || shape.length === 0 || shape[1] === 0)
    throw refusal(where, 'probabilities', 'of shape [n, classes] or [n, 1]', show(shape));
  const classes = shape[1] ?? 1;
  if (classes === 1) {
    return Array.from(data, (value) => (value >= 0.5 ? [1, value] : [0, 1 - value]));
  }
  return probabilities.argMax().map((best, row) => [best, data[row * classes + best]!]);
}

/** Class numbers of labels in any form. */
export function classesOf(labels: readonly number[] | Tensor, where: string): readonly number[] {
  if (!('shape' in labels)) return labels;
  if (labels.rank === 2 && labels.shape[1]! > 1) return labels.argMax();
  if (labels.rank > 2 || labels.rank === 0)
    throw refusal(where, 'labels', 'of shape [n], [n, 1] or [n, classes]', show(labels.shape));
  return Array.from(labels.data);
}

function refusal(where: string, what: string, expected: string, found: string): TsunoError {
  return new TsunoError('SHAPE', { where, what, expected, found });
}
