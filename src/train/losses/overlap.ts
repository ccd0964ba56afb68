/** @file Losses of overlap between two masks, and the circle loss between embeddings. */

import type { Value } from '../../ir/graph.ts';
import { axisList, finiteNumber, flag, optional } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  add,
  cast,
  div,
  exp,
  intEqual,
  iota,
  less,
  log,
  logicalAnd,
  logicalNot,
  matmul,
  maximum,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  select,
  softplus,
  stopGradient,
  sub,
} from '../../ops/index.ts';
import { Loss, type LossOptions } from './loss.ts';
import { axisNumber, epsilon } from './predictions.ts';

/** Axes to sum over; default all. */
type Axes = number | readonly number[] | null | undefined;

function sumOver(x: Value, axis: Axes): Value {
  if (axis === null || axis === undefined) return reduceSum(x);
  const along = typeof axis === 'number' ? [axis] : axis;
  return reduceSum(
    x,
    along.map((a) => axisNumber(x, a)),
  );
}

/** 1 − 2·Σ y·ŷ/(Σ y + Σ ŷ). */
export function dice(yTrue: Value, yPred: Value, axis?: Axes): Value {
  const both = mul(sumOver(mul(yTrue, yPred), axis), 2);
  const all = add(sumOver(yTrue, axis), sumOver(yPred, axis));
  return sub(1, div(both, add(all, epsilon)));
}

/** 1 − t/(t + α·f + β·m) with t the overlap, f the labels missed and m the predictions without label. */
export function tversky(yTrue: Value, yPred: Value, alpha = 0.5, beta = 0.5, axis?: Axes): Value {
  const both = sumOver(mul(yTrue, yPred), axis);
  const missed = sumOver(mul(sub(1, yPred), yTrue), axis);
  const extra = sumOver(mul(yPred, sub(1, yTrue)), axis);
  const all = add(add(both, mul(missed, alpha)), mul(extra, beta));
  return sub(1, div(both, add(all, epsilon)));
}

/**
 * One less than the overlap of two masks, twice over their sizes (Dice 1945).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.Dice() });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#dice-class
 */
export class Dice extends Loss {
  static readonly className = 'Dice';
  readonly axis: Axes;

  /** `axis` (default all): the axes of one mask. */
  constructor(options: LossOptions & { axis?: Axes } = {}) {
    super('dice', options);
    this.axis = optional(axisList, this.name, 'axis', options.axis);
  }

  override samples(yTrue: Value, yPred: Value): Value {
    return dice(yTrue, yPred, this.axis);
  }

  override config(): Config {
    return { ...super.config(), axis: this.axis };
  }
}

/**
 * Dice's loss with weights for what is missed (`alpha`, default 0.5) and what is too much (`beta`, default 0.5; Salehi et
 * al. 2017).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.Tversky({ alpha: 0.3, beta: 0.7 }) });
 * ```
 * @see https://keras.io/api/losses/regression_losses/#tversky-class
 */
export class Tversky extends Loss {
  static readonly className = 'Tversky';
  readonly alpha: number;
  readonly beta: number;
  readonly axis: Axes;

  /** `alpha`, `beta` (default ½): weights of labels missed and of predictions without label; `axis` as in Dice. */
  constructor(
    options: LossOptions & {
      alpha?: number | undefined;
      beta?: number | undefined;
      axis?: Axes;
    } = {},
  ) {
    super('tversky', options);
    this.alpha = finiteNumber(this.name, 'alpha', options.alpha ?? 0.5);
    this.beta = finiteNumber(this.name, 'beta', options.beta ?? 0.5);
    this.axis = optional(axisList, this.name, 'axis', options.axis);
  }

  override samples(yTrue: Value, yPred: Value): Value {
    return tversky(yTrue, yPred, this.alpha, this.beta, this.axis);
  }

  override config(): Config {
    return { ...super.config(), alpha: this.alpha, beta: this.beta, axis: this.axis };
  }
}

export interface CircleOptions {
  /** Scale of the distances, default 80. */
  gamma?: number | undefined;
  /** Relaxation, default 0.4. */
  margin?: number | undefined;
  /** Whether a sample is no partner of itself, default true. */
  removeDiagonal?: boolean | undefined;
}

/** log Σ eˣ over each row where `mask`, and 0 where the row has none. */
function maskedLogSumExp(x: Value, mask: Value): Value {
  const top = stopGradient(reduceMax(select(mask, x, -1e30), [1], true));
  const sum = reduceSum(select(mask, exp(select(mask, sub(x, top), 0)), 0), [1]);
  const some = less(0, sum);
  return select(some, add(log(select(some, sum, 1)), reshape(top, sum.shape)), 0);
}

/** A row's partners in a mask: whether there is one. */
function hasPartner(mask: Value): Value {
  return less(0, reduceSum(cast(mask, 'float32'), [1]));
}

/** Circle loss of rows of unit embeddings [n, d] with class numbers [n] or [n, 1]; 0 for rows without a partner. */
export function circle(
  yTrue: Value,
  yPred: Value,
  { gamma = 80, margin = 0.4, removeDiagonal = true }: CircleOptions = {},
): Value {
  const n = yPred.shape[0]!;
  const labels = cast(yTrue, 'int32');
  const same = intEqual(reshape(labels, [n, 1]), reshape(labels, [1, n]));
  const rows = iota(yPred, n);
  const self = intEqual(reshape(rows, [n, 1]), rows);
  const positive = removeDiagonal ? logicalAnd(same, logicalNot(self)) : same;
  const negative = logicalNot(same);
  const distance = maximum(sub(1, matmul(yPred, yPred, false, true)), 0); // [n, n]
  const near = mul(
    mul(maximum(mul(add(distance, margin), cast(positive, 'float32')), 0), -gamma),
    sub(margin, distance),
  );
  const far = mul(
    mul(maximum(mul(sub(1 + margin, distance), cast(negative, 'float32')), 0), gamma),
    sub(1 - margin, distance),
  );
  const both = logicalAnd(hasPartner(positive), hasPartner(negative));
  const sum = add(maskedLogSumExp(near, positive), maskedLogSumExp(far, negative));
  return select(both, softplus(sum), 0);
}

/**
 * Pulls embeddings of one class together and others apart (Sun et al. 2020).
 *
 * @example
 * ```ts
 * model.compile({ loss: new losses.Circle({ gamma: 80 }) });
 * ```
 * @see https://keras.io/api/losses/metric_losses/#circle-class
 */
export class Circle extends Loss {
  static readonly className = 'Circle';
  override readonly labelKind = 'sparse';
  readonly gamma: number;
  readonly margin: number;
  readonly removeDiagonal: boolean;

  constructor(options: LossOptions & CircleOptions = {}) {
    super('circle', options);
    this.gamma = finiteNumber(this.name, 'gamma', options.gamma ?? 80);
    this.margin = finiteNumber(this.name, 'margin', options.margin ?? 0.4);
    this.removeDiagonal = flag(this.name, 'removeDiagonal', options.removeDiagonal ?? true);
  }

  override samples(yTrue: Value, yPred: Value): Value {
    return circle(yTrue, yPred, this);
  }

  /** Only rows with a loss count. */
  protected override mask(_yTrue: Value, _yPred: Value, values: Value): Value {
    return less(0, values);
  }

  override config(): Config {
    return {
      ...super.config(),
      gamma: this.gamma,
      margin: this.margin,
      remove_diagonal: this.removeDiagonal,
    };
  }
}
