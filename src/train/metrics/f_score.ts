/** @file F-scores: precision and recall in one number. */
import { show, TsunoError } from '../../core/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { oneOf, positive, refuse } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import {
  abs,
  cast,
  less,
  lessEqual,
  logicalAnd,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  sub,
} from '../../ops/index.ts';
import { epsilon, lastAxis } from '../losses/predictions.ts';
import { weightedMean } from './confusion.ts';
import { Metric, type MetricOptions, type MetricResult } from './metric.ts';

const averages = ['micro', 'macro', 'weighted'] as const;

export interface F1Options extends MetricOptions {
  /**
   * How classes become one number: `'macro'` their mean, `'weighted'` by how often they occur, `'micro'` from counts
   * over all of them; default `null`: a number for each.
   */
  average?: (typeof averages)[number] | null | undefined;
  /** Predictions above it are positive; default `null`: the largest of each row is. */
  threshold?: number | null | undefined;
}

export interface FBetaOptions extends F1Options {
  /** How much more recall counts than precision, default 1. */
  beta?: number | undefined;
}

interface Counts {
  truePositives: Variable<'float32'>;
  falsePositives: Variable<'float32'>;
  falseNegatives: Variable<'float32'>;
  ones: Variable<'float32'>;
}

/**
 * (1 + β²)·precision·recall/(β²·precision + recall), for labels and predictions [n, classes].
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.FBetaScore({ beta: 2 })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#fbetascore-class
 */
export class FBetaScore extends Metric {
  static readonly className: string = 'FBetaScore';
  readonly average: (typeof averages)[number] | null;
  readonly beta: number;
  readonly threshold: number | null;
  private counts: Counts | undefined;

  constructor(options: FBetaOptions = {}) {
    super('fbeta_score', options);
    const { average = null, beta = 1, threshold = null } = options;
    this.average = average === null ? null : oneOf(this.name, 'average', average, averages);
    this.beta = beta;
    this.threshold = threshold;
    positive(this.name, 'beta', beta);
    if (threshold !== null && !(threshold > 0 && threshold <= 1))
      throw refuse(this.name, 'threshold', 'above 0 and at most 1', threshold);
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const [labels, scores] = [cast(yTrue, 'float32'), cast(yPred, 'float32')];
    if (labels.shape.length !== 2 || scores.shape.length !== 2) {
      throw new TsunoError('SHAPE', {
        where: this.name,
        what: 'labels and predictions',
        expected: 'must be of shape [n, classes]',
        found: `${show([...labels.shape])} and ${show([...scores.shape])}`,
      });
    }
    const shape = this.average === 'micro' ? [] : [scores.shape[1]!];
    this.counts ??= {
      truePositives: this.state('true_positives', shape),
      falsePositives: this.state('false_positives', shape),
      falseNegatives: this.state('false_negatives', shape),
      ones: this.state('intermediate_weights', shape),
    };
    const positive = cast(this.positive(scores), 'float32');
    const total = (x: Value) => {
      const weighted = sampleWeight
        ? mul(x, reshape(cast(sampleWeight, 'float32'), [scores.shape[0]!, 1]))
        : x;
      return reduceSum(weighted, this.average === 'micro' ? [0, 1] : [0]);
    };
    const { truePositives, falsePositives, falseNegatives, ones } = this.counts;
    this.grow(graph, truePositives, total(mul(positive, labels)));
    this.grow(graph, falsePositives, total(mul(positive, sub(1, labels))));
    this.grow(graph, falseNegatives, total(mul(sub(1, positive), labels)));
    this.grow(graph, ones, total(labels));
  }

  private positive(scores: Value): Value {
    if (this.threshold !== null) return less(this.threshold, scores);
    const top = reduceMax(scores, lastAxis(scores), true);
    return logicalAnd(lessEqual(top, scores), less(1e-9, abs(scores)));
  }

  override result(): MetricResult {
    if (!this.counts) return 0;
    const { truePositives, falsePositives, falseNegatives, ones } = this.counts;
    const squared = this.beta ** 2;
    const scores = Array.from(truePositives.data, (hits, i) => {
      const precision = hits / (hits + falsePositives.data[i]! + epsilon);
      const recall = hits / (hits + falseNegatives.data[i]! + epsilon);
      const weighted = squared * precision + recall + epsilon;
      return ((1 + squared) * precision * recall) / weighted;
    });
    if (this.average === null) return scores;
    return weightedMean(scores, this.average === 'weighted' ? [...ones.data] : null);
  }

  override config(): Config {
    const { average, beta, threshold } = this;
    return { ...super.config(), average, beta, threshold };
  }
}

/**
 * The harmonic mean of precision and recall.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.F1Score({ average: 'macro' })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#f1score-class
 */
export class F1Score extends FBetaScore {
  static override readonly className = 'F1Score';

  constructor(options: F1Options = {}) {
    const { average, threshold, name = 'f1_score' } = options;
    super({ average, threshold, name });
  }

  override config(): Config {
    const { beta: _, ...rest } = super.config();
    return rest;
  }
}
