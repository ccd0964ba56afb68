/** @file Losses as metrics: their values, averaged over the samples. */

import type { Graph, Value } from '../../ir/graph.ts';
import { flag, integer, optional, rate } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import { cast, equal, logicalNot, mul, neg, square, sub } from '../../ops/index.ts';
import { type BinaryOptions, binaryCrossentropy } from '../losses/binary.ts';
import {
  type CategoricalOptions,
  categoricalCrossentropy,
  type SparseOptions,
  sparseCategoricalCrossentropy,
} from '../losses/categorical.ts';
import { categoricalHinge, hinge, squaredHinge } from '../losses/hinge.ts';
import { sameRank } from '../losses/loss.ts';
import { classNumbers } from '../losses/predictions.ts';
import {
  cosineSimilarity,
  klDivergence,
  logCosh,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredError,
  meanSquaredLogarithmicError,
  poisson,
} from '../losses/regression.ts';
import { Mean, meanAlong, meanOf } from './mean.ts';
import type { MetricOptions } from './metric.ts';

/**
 * Mean of squared differences.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.MeanSquaredError()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#meansquarederror-class
 */
export class MeanSquaredError extends meanOf('mean_squared_error', meanSquaredError) {
  static override readonly className = 'MeanSquaredError';
}

/**
 * Mean of absolute differences.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.MeanAbsoluteError()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#meanabsoluteerror-class
 */
export class MeanAbsoluteError extends meanOf('mean_absolute_error', meanAbsoluteError) {
  static override readonly className = 'MeanAbsoluteError';
}

/**
 * Mean of differences in percent of the label.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.MeanAbsolutePercentageError()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#meanabsolutepercentageerror-class
 */
export class MeanAbsolutePercentageError extends meanOf(
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
 * model.compile({ loss: 'mse', metrics: [new metrics.MeanSquaredLogarithmicError()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/
 */
export class MeanSquaredLogarithmicError extends meanOf(
  'mean_squared_logarithmic_error',
  meanSquaredLogarithmicError,
) {
  static override readonly className = 'MeanSquaredLogarithmicError';
}

/**
 * Mean logarithm of the hyperbolic cosine of the difference.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.LogCoshError()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#logcosherror-class
 */
export class LogCoshError extends meanOf('logcosh', logCosh) {
  static override readonly className = 'LogCoshError';
}

/**
 * Poisson's loss as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'poisson', metrics: [new metrics.Poisson()] });
 * ```
 * @see https://keras.io/api/metrics/probabilistic_metrics/#poisson-class
 */
export class Poisson extends meanOf('poisson', poisson) {
  static override readonly className = 'Poisson';
}

/**
 * Kullback and Leibler's divergence as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.KLDivergence()] });
 * ```
 * @see https://keras.io/api/metrics/probabilistic_metrics/#kldivergence-class
 */
export class KLDivergence extends meanOf('kl_divergence', klDivergence) {
  static override readonly className = 'KLDivergence';
}

/**
 * The hinge loss as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'hinge', metrics: [new metrics.Hinge()] });
 * ```
 * @see https://keras.io/api/metrics/hinge_metrics/#hinge-class
 */
export class Hinge extends meanOf('hinge', hinge) {
  static override readonly className = 'Hinge';
}

/**
 * The squared hinge loss as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'hinge', metrics: [new metrics.SquaredHinge()] });
 * ```
 * @see https://keras.io/api/metrics/hinge_metrics/#squaredhinge-class
 */
export class SquaredHinge extends meanOf('squared_hinge', squaredHinge) {
  static override readonly className = 'SquaredHinge';
}

/**
 * The categorical hinge loss as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.CategoricalHinge()] });
 * ```
 * @see https://keras.io/api/metrics/hinge_metrics/#categoricalhinge-class
 */
export class CategoricalHinge extends meanOf('categorical_hinge', categoricalHinge) {
  static override readonly className = 'CategoricalHinge';
}

/**
 * Root of the mean of squared differences.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.RootMeanSquaredError()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#rootmeansquarederror-class
 */
export class RootMeanSquaredError extends Mean {
  static override readonly className = 'RootMeanSquaredError';
  constructor(options: MetricOptions = {}) {
    super({ name: options.name ?? 'root_mean_squared_error' });
  }
  protected override values(yTrue: Value, yPred: Value): Value {
    return square(sub(...sameRank(yTrue, yPred)));
  }
  override result(): number {
    return Math.sqrt(super.result());
  }
}

/**
 * Mean cosine of the angle between label and prediction: 1 alike.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.CosineSimilarity()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#cosinesimilarity-class
 */
export class CosineSimilarity extends meanAlong('cosine_similarity', (yTrue, yPred, axis) =>
  neg(cosineSimilarity(yTrue, yPred, axis)),
) {
  static override readonly className = 'CosineSimilarity';
}

/**
 * The binary crossentropy as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.BinaryCrossentropy()] });
 * ```
 * @see https://keras.io/api/metrics/probabilistic_metrics/#binarycrossentropy-class
 */
export class BinaryCrossentropy extends Mean {
  static override readonly className = 'BinaryCrossentropy';
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;

  constructor(options: MetricOptions & Omit<BinaryOptions, 'axis'> = {}) {
    super({ name: options.name ?? 'binary_crossentropy' });
    this.fromLogits = flag(this.name, 'fromLogits', options.fromLogits ?? false);
    this.labelSmoothing = rate(this.name, 'labelSmoothing', options.labelSmoothing ?? 0);
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return binaryCrossentropy(...sameRank(yTrue, yPred), this);
  }

  override config(): Config {
    const { fromLogits, labelSmoothing } = this;
    return { ...super.config(), from_logits: fromLogits, label_smoothing: labelSmoothing };
  }
}

/**
 * The categorical crossentropy as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.CategoricalCrossentropy({ labelSmoothing: 0.1 })] });
 * ```
 * @see https://keras.io/api/metrics/probabilistic_metrics/#categoricalcrossentropy-class
 */
export class CategoricalCrossentropy extends Mean {
  static override readonly className = 'CategoricalCrossentropy';
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;

  constructor(options: MetricOptions & CategoricalOptions = {}) {
    super({ name: options.name ?? 'categorical_crossentropy' });
    this.fromLogits = flag(this.name, 'fromLogits', options.fromLogits ?? false);
    this.labelSmoothing = rate(this.name, 'labelSmoothing', options.labelSmoothing ?? 0);
    this.axis = integer(this.name, 'axis', options.axis ?? -1);
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return categoricalCrossentropy(yTrue, yPred, this);
  }

  override config(): Config {
    return {
      ...super.config(),
      from_logits: this.fromLogits,
      label_smoothing: this.labelSmoothing,
      axis: this.axis,
    };
  }
}

/**
 * The sparse categorical crossentropy as a metric.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'sparse_categorical_crossentropy', metrics: [new metrics.SparseCategoricalCrossentropy()] });
 * ```
 * @see https://keras.io/api/metrics/probabilistic_metrics/#sparsecategoricalcrossentropy-class
 */
export class SparseCategoricalCrossentropy extends Mean {
  static override readonly className = 'SparseCategoricalCrossentropy';
  readonly fromLogits: boolean;
  readonly ignoreClass: number | null;
  readonly axis: number;

  constructor(options: MetricOptions & SparseOptions = {}) {
    super({ name: options.name ?? 'sparse_categorical_crossentropy' });
    this.fromLogits = flag(this.name, 'fromLogits', options.fromLogits ?? false);
    this.ignoreClass = optional(integer, this.name, 'ignoreClass', options.ignoreClass);
    this.axis = integer(this.name, 'axis', options.axis ?? -1);
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return sparseCategoricalCrossentropy(yTrue, yPred, this);
  }

  /** Where weights are given, samples of the ignored class weigh nothing; else they count, with value 0. */
  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    super.update(
      graph,
      yTrue,
      yPred,
      sampleWeight && this.countingWeight(yTrue, yPred, sampleWeight),
    );
  }

  private countingWeight(yTrue: Value, yPred: Value, sampleWeight: Value): Value {
    const weight = cast(sampleWeight, 'float32');
    if (this.ignoreClass === null) return weight;
    const labels = classNumbers(cast(yTrue, 'float32'), yPred);
    const counts = cast(logicalNot(equal(labels, this.ignoreClass)), 'float32');
    return mul(...sameRank(counts, weight));
  }

  override config(): Config {
    return {
      ...super.config(),
      from_logits: this.fromLogits,
      ignore_class: this.ignoreClass,
      axis: this.axis,
    };
  }
}
