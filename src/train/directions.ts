/** @file Which way a metric gets better, for callbacks that watch one. */
import { classNameOf } from '../layers/layer.ts';
import * as metrics from './metrics/index.ts';
import type { Metric } from './metrics/metric.ts';

/** `up`: more is better. */
export type Direction = 'up' | 'down';

/** Classes of which more is better, by their names. */
const upward =
  /Accuracy|AUC|Precision|Recall|Sensitivity|Specificity|Score|IoU|Correlation|CosineSimilarity/;
/** Sums and counts are neither good nor bad; of a function nothing is known. */
const neither = /^(Sum|Mean|MeanMetricWrapper|(True|False)(Positives|Negatives))$/;

/**
 * The direction of a metric of tsuno; those of users have none.
 *
 * @see https://keras.io/api/callbacks/early_stopping/ where `mode="auto"` infers the same
 */
export function directionOf(metric: Metric): Direction | undefined {
  const own: readonly unknown[] = Object.values(metrics);
  const name = classNameOf(metric.constructor as { name: string; className?: string });
  if (!own.includes(metric.constructor) || neither.test(name)) return undefined;
  return upward.test(name) ? 'up' : 'down';
}
