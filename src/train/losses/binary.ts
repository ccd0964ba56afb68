/** @file Crossentropies of labels that are 0 or 1, each output by itself. */

import type { Value } from '../../ir/graph.ts';
import { flag } from '../../layers/checks.ts';
import {
  add,
  log,
  mul,
  neg,
  power,
  reduceMean,
  sigmoid,
  sigmoidOp,
  softplus,
  sub,
} from '../../ops/index.ts';
import { type BinaryOptions, type FocalOptions, focal, smoothing } from './crossentropy.ts';
import { lossOf } from './loss.ts';
import {
  axisNumber,
  clip,
  epsilon,
  expectSameShape,
  logitsBehind,
  smoothed,
} from './predictions.ts';

/** −y·log p − (1 − y)·log(1 − p), element by element. */
function elements(yTrue: Value, yPred: Value, fromLogits: boolean): Value {
  const logits = logitsBehind(yPred, sigmoidOp) ?? (fromLogits ? yPred : undefined);
  // With p = σ(x) this is softplus(x) − x·y.
  if (logits) return sub(softplus(logits), mul(logits, yTrue));
  const p = clip(yPred, epsilon, 1 - epsilon);
  return neg(add(mul(yTrue, log(p)), mul(sub(1, yTrue), log(sub(1, p)))));
}

/**
 * Mean of −y·log p − (1 − y)·log(1 − p) over the last axis.
 *
 * Probabilities made by a sigmoid are looked through to its logits; others are kept 1e-7 away from 0 and 1.
 *
 * @param yTrue labels 0 or 1, of the shape of `yPred`.
 */
export function binaryCrossentropy(
  yTrue: Value,
  yPred: Value,
  { fromLogits = false, labelSmoothing = 0, axis = -1 }: BinaryOptions = {},
): Value {
  expectSameShape('binary_crossentropy', yTrue, yPred);
  const labels = smoothed(yTrue, labelSmoothing, 0.5);
  return reduceMean(elements(labels, yPred, fromLogits), [axisNumber(yPred, axis)]);
}

/**
 * Crossentropy for labels that are 0 or 1: two classes with one output, or several labels at once.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.BinaryCrossentropy({ fromLogits: true }) });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class
 */
export class BinaryCrossentropy extends lossOf<BinaryOptions>(
  'binary_crossentropy',
  binaryCrossentropy,
  smoothing,
) {
  static override readonly className = 'BinaryCrossentropy';
  override readonly labelKind = 'binary';
}

export interface BinaryFocalOptions extends BinaryOptions, FocalOptions {
  /** Whether `alpha` weighs the ones and 1 − `alpha` the zeros; default false. */
  applyClassBalancing?: boolean | undefined;
}

/** Mean of (1 − p_t)^γ times the binary crossentropy, with p_t the probability given to the label. */
export function binaryFocalCrossentropy(
  yTrue: Value,
  yPred: Value,
  options: BinaryFocalOptions = {},
): Value {
  expectSameShape('binary_focal_crossentropy', yTrue, yPred);
  const { applyClassBalancing = false, alpha = 0.25, gamma = 2 } = options;
  const { fromLogits = false, labelSmoothing = 0, axis = -1 } = options;
  const labels = smoothed(yTrue, labelSmoothing, 0.5);
  const p = fromLogits ? sigmoid(yPred) : yPred;
  const given = (ones: Value | number, zeros: Value | number) =>
    add(mul(labels, ones), mul(sub(1, labels), zeros));
  const fading = power(sub(1, given(p, sub(1, p))), gamma);
  const focal = mul(fading, elements(labels, p, false));
  const balanced = applyClassBalancing ? mul(given(alpha, 1 - alpha), focal) : focal;
  return reduceMean(balanced, [axisNumber(yPred, axis)]);
}

/**
 * Binary crossentropy that fades for the well classified (Lin et al. 2018).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.BinaryFocalCrossentropy({ gamma: 2 }) });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#binaryfocalcrossentropy-class
 */
export class BinaryFocalCrossentropy extends lossOf<BinaryFocalOptions>(
  'binary_focal_crossentropy',
  binaryFocalCrossentropy,
  { ...smoothing, applyClassBalancing: [flag, false], ...focal },
) {
  static override readonly className = 'BinaryFocalCrossentropy';
  override readonly labelKind = 'binary';
}
