/** @file Every metric, and how one is found: by Keras's name, by class, by function, by object, by Keras's serialised form. */
import { show, TsunoError } from '../../core/errors.ts';
import { identifier, snakeCase } from '../../core/names.ts';
import {
  Family,
  isSerialized,
  type Member,
  type Serialized,
  serialized,
} from '../../layers/serialized.ts';
import { isCrossentropy, type LabelShapes, labelsByShape } from '../losses/index.ts';
import * as accuracies from './accuracy.ts';
import { ConcordanceCorrelation, PearsonCorrelation } from './correlation.ts';
import * as curves from './curves.ts';
import { F1Score, FBetaScore } from './f_score.ts';
import * as ious from './iou.ts';
import { Mean, MeanMetricWrapper, type MetricFunction, Sum } from './mean.ts';
import * as means from './means_of_losses.ts';
import { Metric } from './metric.ts';
import * as counts from './precision.ts';
import { R2Score } from './r2_score.ts';

const members: readonly Member<Metric>[] = [
  accuracies.Accuracy,
  accuracies.BinaryAccuracy,
  accuracies.CategoricalAccuracy,
  accuracies.SparseCategoricalAccuracy,
  accuracies.SparseTopKCategoricalAccuracy,
  accuracies.TopKCategoricalAccuracy,
  ConcordanceCorrelation,
  PearsonCorrelation,
  curves.AUC,
  curves.PrecisionAtRecall,
  curves.RecallAtPrecision,
  curves.SensitivityAtSpecificity,
  curves.SpecificityAtSensitivity,
  F1Score,
  FBetaScore,
  ious.BinaryIoU,
  ious.IoU,
  ious.MeanIoU,
  ious.OneHotIoU,
  ious.OneHotMeanIoU,
  Mean,
  Sum,
  means.BinaryCrossentropy,
  means.CategoricalCrossentropy,
  means.CategoricalHinge,
  means.CosineSimilarity,
  means.Hinge,
  means.KLDivergence,
  means.LogCoshError,
  means.MeanAbsoluteError,
  means.MeanAbsolutePercentageError,
  means.MeanSquaredError,
  means.MeanSquaredLogarithmicError,
  means.Poisson,
  means.RootMeanSquaredError,
  means.SparseCategoricalCrossentropy,
  means.SquaredHinge,
  counts.FalseNegatives,
  counts.FalsePositives,
  counts.Precision,
  counts.Recall,
  counts.TrueNegatives,
  counts.TruePositives,
  R2Score,
];

/** Metrics by name; `register` adds one of yours. */
export const metricFamily = new Family<Metric>('metric', members, {
  ...Object.fromEntries(members.map((member) => [snakeCase(member.className), member])),
  kl_divergence: means.KLDivergence,
  fbeta_score: FBetaScore,
  bce: means.BinaryCrossentropy,
  mae: means.MeanAbsoluteError,
  mse: means.MeanSquaredError,
  mape: means.MeanAbsolutePercentageError,
  msle: means.MeanSquaredLogarithmicError,
});

/** What names a metric: `'accuracy'`, a class, a function of labels and predictions, a metric. */
export type MetricIdentifier = string | Metric | MetricFunction | (new () => Metric) | Serialized;

/**
 * The metric that `which` names; a string is also its name in logs.
 *
 * @param at shapes; with them `'accuracy'`, `'acc'`, `'crossentropy'` and `'ce'` name the class that fits.
 * @example
 * ```ts
 * metrics.get('mae').name; // 'mae'
 * ```
 * @throws TsunoError `ARGUMENT` for an unknown name.
 * @see https://keras.io/api/metrics/#usage-with-compile--fit
 */
export function get(which: MetricIdentifier, at?: LabelShapes): Metric {
  if (which instanceof Metric) return which;
  if (typeof which === 'function') {
    return isMetricClass(which) ? new which() : new MeanMetricWrapper(which);
  }
  if (typeof which === 'string') return at ? fitting(which, at) : named(which);
  if (isSerialized(which)) return metricFamily.make('compile', 'metrics', which);
  throw new TsunoError('ARGUMENT', {
    where: 'compile',
    what: 'metrics',
    expected: 'names, metrics, classes of metrics or functions of labels and predictions',
    found: show(which),
  });
}

function named(name: string): Metric {
  return metricFamily.make('compile', 'metrics', serialized('keras.metrics', name, { name }));
}

function fitting(name: string, at: LabelShapes): Metric {
  const kind = labelsByShape(at);
  if (['accuracy', 'acc'].includes(identifier(name))) return new accuracyOf[kind]({ name });
  return isCrossentropy(name) ? new crossentropyOf[kind]({ name }) : named(name);
}

function isMetricClass(which: MetricFunction | (new () => Metric)): which is new () => Metric {
  return which.prototype instanceof Metric;
}

const accuracyOf = {
  binary: accuracies.BinaryAccuracy,
  sparse: accuracies.SparseCategoricalAccuracy,
  oneHot: accuracies.CategoricalAccuracy,
};
const crossentropyOf = {
  binary: means.BinaryCrossentropy,
  sparse: means.SparseCategoricalCrossentropy,
  oneHot: means.CategoricalCrossentropy,
};

export * from './accuracy.ts';
export * from './correlation.ts';
export * from './curves.ts';
export * from './f_score.ts';
export * from './iou.ts';
export { Mean, MeanMetricWrapper, type MetricFunction, Sum } from './mean.ts';
export * from './means_of_losses.ts';
export { Metric, type MetricOptions, type MetricResult } from './metric.ts';
export * from './precision.ts';
export * from './r2_score.ts';
