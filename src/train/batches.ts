/** @file What training is fed: tensors or data sets become columns, checked before anything changes. */

import { show, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import {
  checkBatchSize,
  checkCounts,
  checkFinite,
  checkInputShape,
  checkNotEmpty,
  checkOneHotLabels,
  checkSparseLabels,
} from '../data/checks.ts';
import { Dataset } from '../data/dataset.ts';
import type { NetworkInput } from '../topology/network.ts';
import type { Loss } from './losses/loss.ts';

/** One tensor, or one for each input or output in their order. */
export type Tensors = Tensor | readonly Tensor[];

/** Images and labels with weights, as `fit(x, { y })` and `fit(dataset)` give them. */
export interface Columns {
  x: readonly Tensor[];
  y: readonly Tensor[];
  /** `[n]`: how much each sample counts. */
  sampleWeight: Tensor | undefined;
}

export interface ColumnOptions {
  y?: Tensors | undefined;
  sampleWeight?: Tensor | ArrayLike<number> | undefined;
  /** How much the samples of each class count; default 1. */
  classWeight?: Readonly<Record<number, number>> | undefined;
}

const listOf = (tensors: Tensors | undefined): readonly Tensor[] =>
  tensors === undefined ? [] : tensors instanceof Tensor ? [tensors] : tensors;

/** @throws TsunoError `ARGUMENT`, `DATA_EMPTY` or `DATA_MISMATCH` where the data cannot be columns. */
export function columnsOf(data: Dataset | Tensors, options: ColumnOptions, where: string): Columns {
  const isSet = data instanceof Dataset;
  const x = isSet ? [data.images] : listOf(data);
  const y = isSet ? [data.labels] : listOf(options.y);
  if (!x.every((tensor) => tensor instanceof Tensor) || x.length === 0) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'x',
      expected: 'a Dataset, a Tensor or a list of Tensors',
      found: show(data),
      repair: 'Use tensor(values, shape).',
    });
  }
  const [first] = x as [Tensor];
  checkNotEmpty(first, where);
  for (const other of [...x.slice(1), ...y]) checkCounts(first, other, where);
  x.forEach((tensor, i) => {
    checkFinite(tensor, where, x.length === 1 ? 'x' : `x[${i}]`);
  });
  return { x, y, sampleWeight: weightsOf(first.length, y, options, where) };
}

function weightsOf(
  count: number,
  y: readonly Tensor[],
  options: ColumnOptions,
  where: string,
): Tensor | undefined {
  const { sampleWeight, classWeight } = options;
  if (sampleWeight === undefined && classWeight === undefined) return undefined;
  const given = sampleWeight instanceof Tensor ? sampleWeight.data : sampleWeight;
  const weights = new Float32Array(count).fill(1);
  if (given) {
    if (given.length !== count) {
      throw new TsunoError('DATA_MISMATCH', {
        where,
        what: 'sampleWeight',
        expected: `must have one number for each of ${count} samples`,
        found: String(given.length),
      });
    }
    weights.set(given);
  }
  if (classWeight) {
    const classes = classesOf(y[0], where);
    for (let i = 0; i < count; i++) weights[i]! *= classWeight[classes(i)] ?? 1;
  }
  const tensor = new Tensor('float32', [count], weights);
  checkFinite(tensor, where, 'sampleWeight');
  return tensor;
}

function classesOf(labels: Tensor | undefined, where: string): (sample: number) => number {
  if (!labels) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'classWeight',
      expected: 'given with labels',
      found: 'no y',
    });
  }
  const width = labels.size / labels.length;
  if (width === 1) return (sample) => labels.data[sample]!;
  const classes = labels.argMax();
  return (sample) => classes[sample]!;
}

/** @throws TsunoError `SHAPE` where inputs are not what the network takes. */
export function checkInputs(
  specs: readonly NetworkInput[] | undefined,
  x: readonly Tensor[],
  where: string,
): void {
  if (!specs) return;
  if (specs.length !== x.length) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'inputs',
      expected: `must be ${specs.length} tensors (${specs.map(({ name }) => name).join(', ')})`,
      found: String(x.length),
    });
  }
  specs.forEach(({ name, shape }, i) => {
    checkInputShape(shape, x[i]!.shape, `${where}, input "${name}"`);
  });
}

/** @throws TsunoError `LABEL_RANGE` or `LABEL_FORMAT` naming the sample, `ARGUMENT` where labels are missing. */
export function checkLabels(
  losses: readonly (Loss | undefined)[],
  y: readonly Tensor[],
  outputs: readonly { shape: readonly number[] }[],
  where: string,
): void {
  losses.forEach((loss, i) => {
    const labels = y[i];
    if (!loss) return;
    if (!labels) {
      throw new TsunoError('ARGUMENT', {
        where,
        what: `labels of output ${i}`,
        expected: 'given',
        found: 'nothing',
      });
    }
    const classes = outputs[i]!.shape.at(-1) ?? 1;
    if (loss.labelKind === 'sparse') {
      const { ignoreClass } = loss as { ignoreClass?: number | null };
      checkSparseLabels(labels, classes, {
        where,
        ...(typeof ignoreClass === 'number' ? { ignoreClass } : {}),
      });
    } else if (loss.labelKind === 'oneHot') checkOneHotLabels(labels, classes, where);
    else checkFinite(labels, where, 'y');
  });
}

/** The batch size as given, default 32, checked. */
export function batchSizeOf(given: number | undefined, where: string): number {
  const size = given ?? 32;
  checkBatchSize(size, where);
  return size;
}

/** The columns from sample `from` up to `to`: views. */
export function sliceColumns({ x, y, sampleWeight }: Columns, from: number, to?: number): Columns {
  const cut = (tensor: Tensor) => tensor.slice(from, to);
  return { x: x.map(cut), y: y.map(cut), sampleWeight: sampleWeight && cut(sampleWeight) };
}
