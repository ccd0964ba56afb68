/** @file Correlations of label and prediction along an axis. */

import type { Value } from '../../ir/graph.ts';
import { add, div, mul, reduceMean, sqrt, square, sub } from '../../ops/index.ts';
import { sameRank } from '../losses/loss.ts';
import { axisNumber, epsilon } from '../losses/predictions.ts';
import { meanAlong } from './mean.ts';

/** The deviation of `x` from its mean along `axis`, with the mean and the variance. */
function moments(x: Value, axis: number) {
  const mean = reduceMean(x, [axis], true);
  const deviation = sub(x, mean);
  return { mean, deviation, variance: reduceMean(square(deviation), [axis], true) };
}

/** Covariance over the product of the standard deviations. */
export function pearsonCorrelation(yTrue: Value, yPred: Value, axis = -1): Value {
  const [labels, predictions] = sameRank(yTrue, yPred);
  const along = axisNumber(predictions, axis);
  const [y, p] = [moments(labels, along), moments(predictions, along)];
  const scaled = (m: typeof y) => div(m.deviation, sqrt(m.variance));
  return reduceMean(mul(scaled(y), scaled(p)), [along]);
}

/** Lin's concordance: 1 where predictions equal labels, less where they lie on another line. */
export function concordanceCorrelation(yTrue: Value, yPred: Value, axis = -1): Value {
  const [labels, predictions] = sameRank(yTrue, yPred);
  const along = axisNumber(predictions, axis);
  const [y, p] = [moments(labels, along), moments(predictions, along)];
  const covariance = mul(sub(labels, p.mean), p.deviation);
  const norm = add(add(y.variance, p.variance), square(sub(y.mean, p.mean)));
  return reduceMean(div(mul(covariance, 2), add(norm, epsilon)), [along]);
}

/**
 * Pearson's correlation.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.PearsonCorrelation()] });
 * ```
 * @see https://keras.io/api/metrics/correlation_metrics/#pearsoncorrelation-class
 */
export class PearsonCorrelation extends meanAlong('pearson_correlation', pearsonCorrelation) {
  static override readonly className = 'PearsonCorrelation';
}

/**
 * Lin's concordance correlation (1989).
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.ConcordanceCorrelation()] });
 * ```
 * @see https://keras.io/api/metrics/correlation_metrics/#concordancecorrelation-class
 */
export class ConcordanceCorrelation extends meanAlong(
  'concordance_correlation',
  concordanceCorrelation,
) {
  static override readonly className = 'ConcordanceCorrelation';
}
