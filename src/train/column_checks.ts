/** @file What columns must be for a network and its losses, checked before anything changes. */
import { TsunoError } from '../core/errors.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import {
  checkFinite,
  checkInputShape,
  checkOneHotLabels,
  checkSparseLabels,
  sampleName,
} from '../data/checks.ts';
import type { NetworkInput } from '../topology/network.ts';
import * as losses from './losses/index.ts';

/** @throws TsunoError `SHAPE` where inputs are not what the network takes. */
export function checkInputs(
  specs: readonly NetworkInput[] | undefined,
  x: readonly Tensor[],
  where: string,
): void {
  if (!specs) return;
  if (specs.length !== x.length) {
    const names = specs.map(({ name }) => name).join(', ');
    throw new TsunoError('SHAPE', {
      where,
      what: 'x',
      expected: specs.length === 1 ? 'one tensor' : `${specs.length} tensors (${names})`,
      found: String(x.length),
    });
  }
  specs.forEach(({ name, shape }, i) => {
    checkInputShape(shape, x[i]!.shape, `${where}, input "${name}"`);
  });
}

/** @throws TsunoError `LABEL_RANGE`, `LABEL_FORMAT` or `SHAPE` naming the sample, `ARGUMENT` where labels are missing. */
export function checkLabels(
  given: readonly (losses.Loss | undefined)[],
  y: readonly Tensor[],
  outputs: readonly { shape: Shape }[],
  where: string,
  rows?: ArrayLike<number>,
): void {
  if (y.length > outputs.length) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'y',
      expected: outputs.length === 1 ? 'one tensor' : `${outputs.length} tensors`,
      found: String(y.length),
    });
  }
  given.forEach((loss, i) => {
    if (!loss) return;
    const labels = y[i];
    const at = outputs.length === 1 ? where : `${where}, output ${i}`;
    if (!labels) {
      throw new TsunoError('ARGUMENT', {
        where: at,
        what: 'y',
        expected: `labels for ${loss.name}`,
        found: 'nothing',
      });
    }
    checkLabelsOf(loss, labels, outputs[i]!.shape, { where: at, ...(rows ? { rows } : {}) });
  });
}

interface Place {
  where: string;
  /** Numbers of the samples, for messages. */
  rows?: ArrayLike<number>;
}

function checkLabelsOf(loss: losses.Loss, labels: Tensor, output: Shape, place: Place): void {
  const { where, rows } = place;
  if (loss.labelKind === 'sparse') {
    // Outputs of the circle loss are no classes.
    const classes = loss instanceof losses.Circle ? 2 ** 31 : (output.at(-1) ?? 1);
    const { ignoreClass } = loss as { ignoreClass?: number | null };
    // Where each sample has a row of classes for many places, say pixels, so have the labels.
    const dense = output.length > 2 && sameShape(labels.shape.slice(1), output.slice(1, -1));
    checkSparseLabels(dense ? labels.reshape([-1]) : labels, classes, {
      ...(dense ? { where: `${where}, labels in a row` } : place),
      ...(typeof ignoreClass === 'number' ? { ignoreClass } : {}),
    });
    return;
  }
  if (loss.labelKind === 'oneHot' && output.length === 2) {
    checkOneHotLabels(labels, output.at(-1) ?? 1, where, rows);
    return;
  }
  checkFinite(labels, where, 'y', rows);
  // What a loss of the user's own wants, only it knows.
  const ours = Object.values(losses).some((one) => one === loss.constructor);
  if (ours && !(loss instanceof losses.FunctionLoss)) checkSameShape(labels.shape, output, where);
  if (loss.labelKind === 'binary') checkBinary(labels, place);
}

/** Labels of regressions and the like have the shape of the output, but for an axis of 1 at its end. */
function checkSameShape(labels: Shape, output: Shape, where: string): void {
  const plain = (shape: Shape) =>
    shape.at(-1) === 1 && shape.length > 1 ? shape.slice(0, -1) : shape;
  if (sameShape(plain(labels).slice(1), plain(output).slice(1))) return;
  throw new TsunoError('SHAPE', {
    where,
    what: 'y',
    expected: `must have the shape of the output, ${showShape([null, ...output.slice(1)])}`,
    found: showShape(labels),
  });
}

function checkBinary(labels: Tensor, { where, rows }: Place): void {
  const { data } = labels;
  const width = data.length / labels.length;
  for (let i = 0; i < data.length; i++) {
    if (data[i]! >= 0 && data[i]! <= 1) continue;
    throw new TsunoError('LABEL_RANGE', {
      where,
      what: `label of ${sampleName(Math.floor(i / width), rows)}`,
      expected: 'a number from 0 to 1',
      found: String(data[i]),
    });
  }
}
