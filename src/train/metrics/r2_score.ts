/** @file The coefficient of determination. */
import { show, TsunoError } from '../../core/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { atLeast, oneOf } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import { broadcast, cast, mul, reduceSum, reshape, scalar, square, sub } from '../../ops/index.ts';
import { sameRank } from '../losses/loss.ts';
import { Metric, type MetricOptions, type MetricResult } from './metric.ts';

const aggregations = ['uniform_average', 'variance_weighted_average'] as const;

export interface R2Options extends MetricOptions {
  /** How outputs become one number: default their mean; `null`: a number for each. */
  classAggregation?: (typeof aggregations)[number] | null | undefined;
  /** Number of independent predictors, for the adjusted score; default 0: not adjusted. */
  numRegressors?: number | undefined;
}

interface Sums {
  squared: Variable<'float32'>;
  plain: Variable<'float32'>;
  residual: Variable<'float32'>;
  count: Variable<'float32'>;
}

/**
 * 1 − the squared error over the variance of the labels: 1 is perfect, 0 is as good as the mean.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.R2Score()] });
 * ```
 * @see https://keras.io/api/metrics/regression_metrics/#r2score-class
 */
export class R2Score extends Metric {
  static readonly className = 'R2Score';
  readonly classAggregation: (typeof aggregations)[number] | null;
  readonly numRegressors: number;
  private readonly samples = this.state('num_samples');
  private sums: Sums | undefined;

  constructor(options: R2Options = {}) {
    super('r2_score', options);
    const { classAggregation = 'uniform_average', numRegressors = 0 } = options;
    this.classAggregation =
      classAggregation && oneOf(this.name, 'classAggregation', classAggregation, aggregations);
    this.numRegressors = atLeast(this.name, 'numRegressors', numRegressors, 0);
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const [labels, predictions] = sameRank(cast(yTrue, 'float32'), cast(yPred, 'float32'));
    if (labels.shape.length !== 2 || predictions.shape.length !== 2) {
      throw new TsunoError('SHAPE', {
        where: this.name,
        what: 'labels and predictions',
        expected: 'must be of shape [n, outputs]',
        found: `${show([...labels.shape])} and ${show([...predictions.shape])}`,
      });
    }
    this.sums ??= {
      squared: this.state('squared_sum', [predictions.shape[1]!]),
      plain: this.state('sum', [predictions.shape[1]!]),
      residual: this.state('residual', [predictions.shape[1]!]),
      count: this.state('count', [predictions.shape[1]!]),
    };
    const given = sampleWeight ? cast(sampleWeight, 'float32') : scalar(labels, 1);
    const column = given.shape.length === 1 ? reshape(given, [...given.shape, 1]) : given;
    const weight = broadcast(column, labels.shape);
    const weighted = mul(labels, weight);
    this.grow(graph, this.sums.plain, reduceSum(weighted, [0]));
    this.grow(graph, this.sums.squared, reduceSum(mul(labels, weighted), [0]));
    const residual = mul(square(sub(labels, predictions)), weight);
    this.grow(graph, this.sums.residual, reduceSum(residual, [0]));
    this.grow(graph, this.sums.count, reduceSum(weight, [0]));
    const { shape } = labels;
    this.grow(graph, this.samples, scalar(labels, shape[0]! * shape[1]!));
  }

  override result(): MetricResult {
    if (!this.sums) return 0;
    const { squared, plain, residual, count } = this.sums;
    const totals = Array.from(
      plain.data,
      (sum, i) => squared.data[i]! - (sum * sum) / count.data[i]!,
    );
    const scores = totals.map((total, i) => {
      const score = 1 - residual.data[i]! / total;
      return Number.isFinite(score) || Number.isNaN(score) ? score : 0;
    });
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    if (this.classAggregation === null) return scores.map((score) => this.adjusted(score));
    const average =
      this.classAggregation === 'uniform_average'
        ? sum(scores) / scores.length
        : sum(scores.map((score, i) => score * totals[i]!)) / sum(totals);
    return this.adjusted(average);
  }

  /** As it is where there are too few samples to adjust it. */
  private adjusted(score: number): number {
    const free = this.samples.data[0]! - this.numRegressors - 1;
    if (this.numRegressors === 0 || free <= 0) return score;
    return 1 - ((1 - score) * (this.samples.data[0]! - 1)) / free;
  }

  override config(): Config {
    return {
      ...super.config(),
      class_aggregation: this.classAggregation,
      num_regressors: this.numRegressors,
    };
  }
}
