/** @file Precision, recall, and the four counts of the confusion matrix. */

import type { Graph, Value } from '../../ir/graph.ts';
import { integer, optional, positiveInteger } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  Confusion,
  type ConfusionCounts,
  checkedThresholds,
  ratios,
  thresholdOfTopK,
} from './confusion.ts';
import { Metric, type MetricOptions, type MetricResult } from './metric.ts';

export interface ThresholdOptions extends MetricOptions {
  /** One or more numbers from 0 to 1; predictions above count as positive. Default ½. */
  thresholds?: number | readonly number[] | null | undefined;
}

/** A number where there is one threshold, else a number for each. */
function oneOrMany(values: ArrayLike<number>): MetricResult {
  return values.length === 1 ? values[0]! : Array.from(values);
}

/** One of the four counts. */
class ConditionCount extends Metric {
  private readonly given: ThresholdOptions['thresholds'];
  private readonly condition: keyof ConfusionCounts;
  private readonly confusion: Confusion;
  private readonly accumulator;

  constructor(name: string, condition: keyof ConfusionCounts, options: ThresholdOptions) {
    super(name, options, true);
    this.given = options.thresholds ?? null;
    this.condition = condition;
    const thresholds = checkedThresholds(this.name, options.thresholds, 0.5);
    this.confusion = new Confusion({ thresholds });
    this.accumulator = this.state('accumulator', [thresholds.length]);
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const counts = this.confusion.count(graph, yTrue, yPred, sampleWeight);
    this.grow(graph, this.accumulator, counts[this.condition]);
  }

  override result(): MetricResult {
    return oneOrMany(this.accumulator.data);
  }

  override config(): Config {
    return { ...super.config(), thresholds: this.given };
  }
}

/**
 * Number of ones predicted 1.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.TruePositives({ thresholds: [0.3, 0.7] })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#truepositives-class
 */
export class TruePositives extends ConditionCount {
  static readonly className = 'TruePositives';
  constructor(options: ThresholdOptions = {}) {
    super('true_positives', 'truePositives', options);
  }
}

/**
 * Number of zeros predicted 0.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.TrueNegatives({ thresholds: [0.3, 0.7] })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#truenegatives-class
 */
export class TrueNegatives extends ConditionCount {
  static readonly className = 'TrueNegatives';
  constructor(options: ThresholdOptions = {}) {
    super('true_negatives', 'trueNegatives', options);
  }
}

/**
 * Number of zeros predicted 1.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.FalsePositives({ thresholds: [0.3, 0.7] })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#falsepositives-class
 */
export class FalsePositives extends ConditionCount {
  static readonly className = 'FalsePositives';
  constructor(options: ThresholdOptions = {}) {
    super('false_positives', 'falsePositives', options);
  }
}

/**
 * Number of ones predicted 0.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.FalseNegatives({ thresholds: [0.3, 0.7] })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#falsenegatives-class
 */
export class FalseNegatives extends ConditionCount {
  static readonly className = 'FalseNegatives';
  constructor(options: ThresholdOptions = {}) {
    super('false_negatives', 'falseNegatives', options);
  }
}

export interface PrecisionOptions extends ThresholdOptions {
  /** Only so many predictions of a sample, the largest, can be positive; default all. */
  topK?: number | null | undefined;
  /** Only this class counts; default all. */
  classId?: number | null | undefined;
}

/** True positives over those and another count. */
class PositiveShare extends Metric {
  private readonly given: PrecisionOptions;
  private readonly against: 'falsePositives' | 'falseNegatives';
  private readonly confusion: Confusion;
  private readonly truePositives;
  private readonly others;

  constructor(
    name: string,
    against: 'falsePositives' | 'falseNegatives',
    stateName: string,
    options: PrecisionOptions,
  ) {
    super(name, options, true);
    this.given = options;
    this.against = against;
    const topK = optional(positiveInteger, this.name, 'topK', options.topK);
    const classId = optional(integer, this.name, 'classId', options.classId);
    const otherwise = topK === null ? 0.5 : thresholdOfTopK;
    const thresholds = checkedThresholds(this.name, options.thresholds, otherwise);
    this.confusion = new Confusion({ thresholds, topK, classId });
    this.truePositives = this.state('true_positives', [thresholds.length]);
    this.others = this.state(stateName, [thresholds.length]);
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const counts = this.confusion.count(graph, yTrue, yPred, sampleWeight);
    this.grow(graph, this.truePositives, counts.truePositives);
    this.grow(graph, this.others, counts[this.against]);
  }

  override result(): MetricResult {
    const [hits, others] = [this.truePositives.data, this.others.data];
    return oneOrMany(ratios(hits, (i) => hits[i]! + others[i]!));
  }

  override config(): Config {
    const { thresholds = null, topK = null, classId = null } = this.given;
    return { ...super.config(), thresholds, top_k: topK, class_id: classId };
  }
}

/**
 * Share of the positive predictions that are right.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.Precision(), new metrics.Recall()] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#precision-class
 */
export class Precision extends PositiveShare {
  static readonly className = 'Precision';
  constructor(options: PrecisionOptions = {}) {
    super('precision', 'falsePositives', 'false_positives', options);
  }
}

/**
 * Share of the ones that are found.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.Recall({ thresholds: 0.7 })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#recall-class
 */
export class Recall extends PositiveShare {
  static readonly className = 'Recall';
  constructor(options: PrecisionOptions = {}) {
    super('recall', 'falseNegatives', 'false_negatives', options);
  }
}
