/** @file Losses as metrics: their values, averaged over the samples. */

import type { Graph, Value } from '../../ir/graph.ts';
import { cast, equal, logicalNot, mul, neg, square, sub } from '../../ops/index.ts';
import { binaryCrossentropy } from '../losses/binary.ts';
import { categoricalCrossentropy, sparseCategoricalCrossentropy } from '../losses/categorical.ts';
import {
  type BinaryOptions,
  type CategoricalOptions,
  type SparseOptions,
  smoothing,
  sparse,
} from '../losses/crossentropy.ts';
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
import { Mean, meanAlong, meanOf, meanWith } from './mean.ts';
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
export class BinaryCrossentropy extends meanWith<Omit<BinaryOptions, 'axis'>>(
  'binary_crossentropy',
  (yTrue, yPred, options) => binaryCrossentropy(...sameRank(yTrue, yPred), options),
  { fromLogits: smoothing.fromLogits, labelSmoothing: smoothing.labelSmoothing },
) {
  static override readonly className = 'BinaryCrossentropy';
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
export class CategoricalCrossentropy extends meanWith<CategoricalOptions>(
  'categorical_crossentropy',
  categoricalCrossentropy,
  smoothing,
) {
  static override readonly className = 'CategoricalCrossentropy';
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
export class SparseCategoricalCrossentropy extends meanWith<SparseOptions>(
  'sparse_categorical_crossentropy',
  sparseCategoricalCrossentropy,
  sparse,
) {
  static override readonly className = 'SparseCategoricalCrossentropy';

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
}
