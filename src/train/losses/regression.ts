/** @file Losses of numbers: means over the last axis of what separates label and prediction. */

import type { Value } from '../../ir/graph.ts';
import { finiteNumber, integer } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  abs,
  add,
  div,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  power,
  reduceMean,
  reduceSum,
  select,
  softplus,
  square,
  sub,
} from '../../ops/index.ts';
import { Loss, type LossOptions, lossOf, sameRank } from './loss.ts';
import { axisNumber, clip, epsilon, lastAxis } from './predictions.ts';

/** Mean over the last axis of `distance(yTrue, yPred)`. */
function meanOf(
  yTrue: Value,
  yPred: Value,
  distance: (yTrue: Value, yPred: Value) => Value,
): Value {
  const values = distance(...sameRank(yTrue, yPred));
  return values.shape.length === 0 ? values : reduceMean(values, lastAxis(values));
}

/** Mean of (y − ŷ)² over the last axis. */
export function meanSquaredError(yTrue: Value, yPred: Value): Value {
  return meanOf(yTrue, yPred, (y, p) => square(sub(y, p)));
}

/** Mean of |y − ŷ| over the last axis. */
export function meanAbsoluteError(yTrue: Value, yPred: Value): Value {
  return meanOf(yTrue, yPred, (y, p) => abs(sub(y, p)));
}

/** Mean of 100·|y − ŷ|/|y| over the last axis. */
export function meanAbsolutePercentageError(yTrue: Value, yPred: Value): Value {
  const relative = meanOf(yTrue, yPred, (y, p) => abs(div(sub(y, p), maximum(abs(y), epsilon))));
  return mul(relative, 100);
}

/** Mean of (log(1 + y) − log(1 + ŷ))² over the last axis; numbers below 1e-7 count as that. */
export function meanSquaredLogarithmicError(yTrue: Value, yPred: Value): Value {
  const logarithm = (x: Value) => log(add(maximum(x, epsilon), 1));
  return meanOf(yTrue, yPred, (y, p) => square(sub(logarithm(p), logarithm(y))));
}

/** Mean of ½e² where |e| ≤ δ and δ·|e| − ½δ² beyond, with e = ŷ − y. */
export function huber(yTrue: Value, yPred: Value, delta = 1): Value {
  return meanOf(yTrue, yPred, (y, p) => {
    const error = sub(p, y);
    const size = abs(error);
    const far = sub(mul(size, delta), 0.5 * delta * delta);
    return select(lessEqual(size, delta), mul(square(error), 0.5), far);
  });
}

/** Mean of log cosh(ŷ − y) over the last axis. */
export function logCosh(yTrue: Value, yPred: Value): Value {
  return meanOf(yTrue, yPred, (y, p) => {
    const error = sub(p, y);
    return sub(add(error, softplus(mul(error, -2))), Math.LN2);
  });
}

/** Mean of ŷ − y·log ŷ over the last axis. */
export function poisson(yTrue: Value, yPred: Value): Value {
  return meanOf(yTrue, yPred, (y, p) => sub(p, mul(y, log(add(p, epsilon)))));
}

/** Σ y·log(y/ŷ) over the last axis, both kept within [1e-7, 1]. */
export function klDivergence(yTrue: Value, yPred: Value): Value {
  const [y, p] = sameRank(yTrue, yPred).map((x) => clip(x, epsilon, 1)) as [Value, Value];
  return reduceSum(mul(y, log(div(y, p))), lastAxis(y));
}

/** `x` divided by its length along `axis`; a row of zeros stays. */
function unit(x: Value, axis: number): Value {
  const inverse = power(reduceSum(square(x), [axis], true), -0.5);
  return mul(x, minimum(inverse, 1 / epsilon));
}

/** −Σ y·ŷ of unit rows: −1 alike, 0 at right angles, 1 opposed. */
export function cosineSimilarity(yTrue: Value, yPred: Value, axis = -1): Value {
  const [y, p] = sameRank(yTrue, yPred);
  const chosen = axisNumber(p, axis);
  return neg(reduceSum(mul(unit(y, chosen), unit(p, chosen)), [chosen]));
}

/**
 * Mean of squared differences.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.MeanSquaredError() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#meansquarederror-class
 */
export class MeanSquaredError extends lossOf('mean_squared_error', meanSquaredError) {
  static override readonly className = 'MeanSquaredError';
}

/**
 * Mean of absolute differences.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.MeanAbsoluteError() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class
 */
export class MeanAbsoluteError extends lossOf('mean_absolute_error', meanAbsoluteError) {
  static override readonly className = 'MeanAbsoluteError';
}

/**
 * Mean of differences in percent of the label.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.MeanAbsolutePercentageError() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#meanabsolutepercentageerror-class
 */
export class MeanAbsolutePercentageError extends lossOf(
  'mean_absolute_percentage_error',
  meanAbsolutePercentageError,
) {
  static override readonly className = 'MeanAbsolutePercentageError';
}

/**
 * Mean of squared differences of logarithms.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.MeanSquaredLogarithmicError() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#meansquaredlogarithmicerror-class
 */
export class MeanSquaredLogarithmicError extends lossOf(
  'mean_squared_logarithmic_error',
  meanSquaredLogarithmicError,
) {
  static override readonly className = 'MeanSquaredLogarithmicError';
}

/**
 * Squared near 0, absolute beyond `delta` (default 1; Huber 1964).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.Huber({ delta: 2 }) });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#huber-class
 */
export class Huber extends Loss {
  static readonly className = 'Huber';
  readonly delta: number;

  /** `delta` (default 1): where the square ends. */
  constructor(options: LossOptions & { delta?: number | undefined } = {}) {
    super('huber_loss', options);
    this.delta = finiteNumber(this.name, 'delta', options.delta ?? 1);
  }

  override samples(yTrue: Value, yPred: Value): Value {
    return huber(yTrue, yPred, this.delta);
  }

  override config(): Config {
    return { ...super.config(), delta: this.delta };
  }
}

/**
 * Logarithm of the hyperbolic cosine of the difference: a smooth Huber loss.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.LogCosh() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#logcosh-class
 */
export class LogCosh extends lossOf('log_cosh', logCosh) {
  static override readonly className = 'LogCosh';
}

/**
 * For counts: predictions are rates.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.Poisson() });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#poisson-class
 */
export class Poisson extends lossOf('poisson', poisson) {
  static override readonly className = 'Poisson';
}

/**
 * Kullback and Leibler's divergence of the predicted distribution from that of the labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.KLDivergence() });
 * ```
 * @see https://keras.io/api/losses/probabilistic_losses/#kldivergence-class
 */
export class KLDivergence extends lossOf('kl_divergence', klDivergence) {
  static override readonly className = 'KLDivergence';
}

/**
 * The negative cosine of the angle between label and prediction.
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.CosineSimilarity() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#cosinesimilarity-class
 */
export class CosineSimilarity extends Loss {
  static readonly className = 'CosineSimilarity';
  readonly axis: number;

  /** `axis` (default the last): along which the vectors lie. */
  constructor(options: LossOptions & { axis?: number | undefined } = {}) {
    super('cosine_similarity', options);
    this.axis = integer(this.name, 'axis', options.axis ?? -1);
  }

  override samples(yTrue: Value, yPred: Value): Value {
    return cosineSimilarity(yTrue, yPred, this.axis);
  }

  override config(): Config {
    return { ...super.config(), axis: this.axis };
  }
}
