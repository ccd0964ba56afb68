/** @file Crossentropies over classes: labels as numbers or as rows of probabilities. */

import { show, TsunoError } from '../../core/errors.ts';
import type { Value } from '../../ir/graph.ts';
import { refuse } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  div,
  equal,
  log,
  logicalNot,
  logSoftmax,
  mul,
  neg,
  power,
  reduceSum,
  reshape,
  select,
  softmax,
  softmaxOp,
  sub,
} from '../../ops/index.ts';
import {
  type CategoricalOptions,
  type FocalOptions,
  focal,
  type SparseOptions,
  smoothing,
  sparse,
} from './crossentropy.ts';
import { lossOf } from './loss.ts';
import {
  axisLast,
  axisNumber,
  classNumbers,
  clip,
  epsilon,
  expectSameShape,
  lastAxis,
  logitsBehind,
  oneHotMask,
  smoothed,
} from './predictions.ts';

/** Rows of `yTrue` and `yPred` with the classes last, labels smoothed. */
function rows(where: string, yTrue: Value, yPred: Value, options: CategoricalOptions) {
  expectSameShape(where, yTrue, yPred);
  const { labelSmoothing = 0, axis = -1 } = options;
  const labels = axisLast(yTrue, axis);
  return [smoothed(labels, labelSmoothing, 1 / labels.shape.at(-1)!), axis] as const;
}

/** Each row divided by its sum. */
function normalized(x: Value): Value {
  return div(x, reduceSum(x, lastAxis(x), true));
}

/**
 * −Σ y·log p over the classes.
 *
 * Probabilities made by a softmax are looked through to its logits; others are divided by their sum and kept 1e-7 away
 * from 0 and 1.
 *
 * @param yTrue [..., classes], one-hot or probabilities.
 * @param yPred the same shape.
 * @returns the shape without the axis of the classes.
 */
export function categoricalCrossentropy(
  yTrue: Value,
  yPred: Value,
  options: CategoricalOptions = {},
): Value {
  const [labels, axis] = rows('categorical_crossentropy', yTrue, yPred, options);
  const behind = logitsBehind(yPred, softmaxOp);
  const logits = behind ?? (options.fromLogits ? yPred : undefined);
  const logarithms = logits
    ? logSoftmax(axisLast(logits, axis))
    : log(clip(normalized(axisLast(yPred, axis)), epsilon, 1 - epsilon));
  return neg(reduceSum(mul(labels, logarithms), lastAxis(labels)));
}

/**
 * Crossentropy for labels that are one-hot rows (or probabilities): the softmax classifier's loss.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.CategoricalCrossentropy({ labelSmoothing: 0.1 }) });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class
 */
export class CategoricalCrossentropy extends lossOf<CategoricalOptions>(
  'categorical_crossentropy',
  categoricalCrossentropy,
  smoothing,
) {
  static override readonly className = 'CategoricalCrossentropy';
  override readonly labelKind = 'oneHot';
}

/** −Σ α·(1 − p)^γ·y·log p over the classes. */
export function categoricalFocalCrossentropy(
  yTrue: Value,
  yPred: Value,
  options: CategoricalOptions & FocalOptions = {},
): Value {
  const [labels, axis] = rows('categorical_focal_crossentropy', yTrue, yPred, options);
  const { alpha = 0.25, gamma = 2, fromLogits = false } = options;
  const given = axisLast(yPred, axis);
  const p = clip(normalized(fromLogits ? softmax(given) : given), epsilon, 1 - epsilon);
  const crossentropy = mul(neg(labels), log(p));
  const weight = mul(power(sub(1, p), gamma), alpha);
  return reduceSum(mul(weight, crossentropy), lastAxis(labels));
}

/**
 * Crossentropy that fades for the well classified (Lin et al. 2018), for one-hot labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.CategoricalFocalCrossentropy({ gamma: 2 }) });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#categoricalfocalcrossentropy-class
 */
export class CategoricalFocalCrossentropy extends lossOf<CategoricalOptions & FocalOptions>(
  'categorical_focal_crossentropy',
  categoricalFocalCrossentropy,
  { ...smoothing, ...focal },
) {
  static override readonly className = 'CategoricalFocalCrossentropy';
  override readonly labelKind = 'oneHot';
}

/**
 * −log p of the true class.
 *
 * @param yTrue class numbers, [...] or [..., 1].
 * @param yPred [..., classes].
 * @returns [...]; 0 for the ignored class.
 */
export function sparseCategoricalCrossentropy(
  yTrue: Value,
  yPred: Value,
  { fromLogits = false, ignoreClass, axis = -1 }: SparseOptions = {},
): Value {
  if (axisNumber(yPred, axis) !== yPred.shape.length - 1) {
    throw new TsunoError('UNSUPPORTED', {
      where: 'sparse_categorical_crossentropy',
      what: 'axis',
      expected: 'that of the classes, the last one',
      found: String(axis),
    });
  }
  const given = classNumbers(yTrue, yPred);
  expectRows(given, yPred);
  const counts = countingSamples(given, ignoreClass);
  const labels = counts ? select(counts, given, 0) : given;
  const predictions = counts ? select(reshape(counts, [...counts.shape, 1]), yPred, 0) : yPred;
  const behind = logitsBehind(predictions, softmaxOp);
  const logits =
    behind ?? (fromLogits ? predictions : log(clip(predictions, epsilon, 1 - epsilon)));
  const chosen = select(oneHotMask(labels, yPred.shape.at(-1)!), logSoftmax(logits), 0);
  const values = neg(reduceSum(chosen, lastAxis(chosen)));
  return counts ? select(counts, values, 0) : values;
}

function countingSamples(labels: Value, ignoreClass: number | null | undefined): Value | undefined {
  return ignoreClass === undefined || ignoreClass === null
    ? undefined
    : logicalNot(equal(labels, ignoreClass));
}

function expectRows(labels: Value, yPred: Value): void {
  const fits =
    labels.shape.length === yPred.shape.length - 1 &&
    labels.shape.every((extent, axis) => extent === yPred.shape[axis]);
  if (fits) return;
  throw new TsunoError('SHAPE', {
    where: 'sparse_categorical_crossentropy',
    what: 'labels',
    expected: `class numbers of shape ${show(yPred.shape.slice(0, -1))}`,
    found: show([...labels.shape]),
    repair: 'One-hot labels want categorical_crossentropy.',
  });
}

/**
 * Crossentropy for labels that are class numbers.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.SparseCategoricalCrossentropy({ fromLogits: true }) });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class
 */
export class SparseCategoricalCrossentropy extends lossOf<SparseOptions>(
  'sparse_categorical_crossentropy',
  sparseCategoricalCrossentropy,
  sparse,
) {
  static override readonly className = 'SparseCategoricalCrossentropy';
  override readonly labelKind = 'sparse';

  protected override mask(yTrue: Value, yPred: Value): Value | undefined {
    return countingSamples(classNumbers(yTrue, yPred), this.ignoreClass);
  }

  override config(): Config {
    const { axis: _, ...rest } = super.config();
    return rest;
  }
}

/** (1 − p^q)/q of the true class. */
export function categoricalGeneralizedCrossEntropy(yTrue: Value, yPred: Value, q = 0.5): Value {
  const labels = classNumbers(yTrue, yPred);
  expectRows(labels, yPred);
  const chosen = select(oneHotMask(labels, yPred.shape.at(-1)!), yPred, 0);
  return div(sub(1, power(reduceSum(chosen, lastAxis(chosen)), q)), q);
}

function betweenZeroAndOne(where: string, what: string, value: unknown): number {
  if (!((value as number) > 0 && (value as number) < 1))
    throw refuse(where, what, 'between 0 and 1', value);
  return value as number;
}

/**
 * Between crossentropy (q → 0) and mean absolute error (q → 1), default 0.5: for noisy class numbers (Zhang and Sabuncu
 * 2018).
 *
 * @param options `q`, above 0 and below 1.
 * @throws TsunoError `ARGUMENT` for q outside (0, 1).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.CategoricalGeneralizedCrossEntropy({ q: 0.7 }) });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#categoricalgeneralizedcrossentropy-class
 */
export class CategoricalGeneralizedCrossEntropy extends lossOf<{ q?: number | undefined }>(
  'categorical_generalized_cross_entropy',
  (yTrue, yPred, { q }) => categoricalGeneralizedCrossEntropy(yTrue, yPred, q),
  { q: [betweenZeroAndOne, 0.5] },
) {
  static override readonly className = 'CategoricalGeneralizedCrossEntropy';
  override readonly labelKind = 'sparse';
}
