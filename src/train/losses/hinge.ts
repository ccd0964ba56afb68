/** @file Margins: hinge losses. Labels are −1 or 1; a batch of zeros and ones is understood too. */
import type { Value } from '../../ir/graph.ts';
import {
  add,
  cast,
  equal,
  logicalNot,
  maximum,
  mul,
  reduceMax,
  reduceMean,
  reduceSum,
  select,
  square,
  sub,
} from '../../ops/index.ts';
import { lossOf } from './loss.ts';
import { lastAxis } from './predictions.ts';

/** 2y − 1 if every label is 0 or 1, else the labels. */
function signs(yTrue: Value): Value {
  const isBinary = equal(mul(yTrue, sub(yTrue, 1)), 0);
  const others = reduceSum(cast(logicalNot(isBinary), 'float32'));
  return select(equal(others, 0), sub(mul(yTrue, 2), 1), yTrue);
}

/** max(0, 1 − y·ŷ), element by element. */
function shortfall(yTrue: Value, yPred: Value): Value {
  return maximum(sub(1, mul(signs(yTrue), yPred)), 0);
}

/** Mean of max(0, 1 − y·ŷ) over the last axis. */
export function hinge(yTrue: Value, yPred: Value): Value {
  return reduceMean(shortfall(yTrue, yPred), lastAxis(yPred));
}

/** Mean of max(0, 1 − y·ŷ)² over the last axis. */
export function squaredHinge(yTrue: Value, yPred: Value): Value {
  return reduceMean(square(shortfall(yTrue, yPred)), lastAxis(yPred));
}

/** max(0, 1 + the largest ŷ of the wrong classes − ŷ of the true one). */
export function categoricalHinge(yTrue: Value, yPred: Value): Value {
  const right = reduceSum(mul(yTrue, yPred), lastAxis(yPred));
  const wrong = reduceMax(mul(sub(1, yTrue), yPred), lastAxis(yPred));
  return maximum(add(sub(wrong, right), 1), 0);
}

/**
 * Mean of max(0, 1 − y·ŷ).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.Hinge() });
 * ```
 * @see https://keras.io/api/losses/hinge_losses/#hinge-class
 */
export class Hinge extends lossOf('hinge', hinge) {
  static override readonly className = 'Hinge';
}

/**
 * Mean of max(0, 1 − y·ŷ)².
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.SquaredHinge() });
 * ```
 * @see https://keras.io/api/losses/hinge_losses/#squaredhinge-class
 */
export class SquaredHinge extends lossOf('squared_hinge', squaredHinge) {
  static override readonly className = 'SquaredHinge';
}

/**
 * The margin between the true class and the strongest other, for one-hot labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.CategoricalHinge() });
 * ```
 * @see https://keras.io/api/losses/hinge_losses/#categoricalhinge-class
 */
export class CategoricalHinge extends lossOf('categorical_hinge', categoricalHinge) {
  static override readonly className = 'CategoricalHinge';
  override readonly labelKind = 'oneHot';
}
