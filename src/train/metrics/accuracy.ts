/** @file Accuracies: the share of samples that are right. */

import type { Value } from '../../ir/graph.ts';
import { finiteNumber, flag, positiveInteger } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  argMax,
  cast,
  equal,
  intEqual,
  less,
  reduceSum,
  reshape,
  select,
  slice,
} from '../../ops/index.ts';
import { sameRank } from '../losses/loss.ts';
import { classNumbers, lastAxis, oneHotMask } from '../losses/predictions.ts';
import { Mean, meanOf } from './mean.ts';
import type { MetricOptions } from './metric.ts';

/** 1 where label and prediction are equal, else 0. */
export function accuracy(yTrue: Value, yPred: Value): Value {
  return cast(equal(...sameRank(yTrue, yPred)), 'float32');
}

/** 1 where the prediction is above `threshold` just where the label is 1. */
export function binaryAccuracy(yTrue: Value, yPred: Value, threshold = 0.5): Value {
  const [labels, predictions] = sameRank(yTrue, yPred);
  return cast(equal(labels, cast(less(threshold, predictions), 'float32')), 'float32');
}

/** 1 where the largest prediction is at the largest label. */
export function categoricalAccuracy(yTrue: Value, yPred: Value): Value {
  return cast(intEqual(argMax(yTrue), argMax(yPred)), 'float32');
}

/** 1 where the largest prediction is at the class `yTrue`. */
export function sparseCategoricalAccuracy(yTrue: Value, yPred: Value): Value {
  const labels = classNumbers(yTrue, yPred);
  return cast(equal(labels, cast(argMax(yPred), 'float32')), 'float32');
}

/** 1 where fewer than `k` predictions are larger than that of class `yTrue`. */
export function sparseTopKCategoricalAccuracy(yTrue: Value, yPred: Value, k = 5): Value {
  const labels = classNumbers(yTrue, yPred);
  const right = oneHotMask(labels, yPred.shape.at(-1)!);
  const score = reduceSum(select(right, yPred, 0), lastAxis(yPred), true);
  const larger = reduceSum(cast(less(score, yPred), 'float32'), lastAxis(yPred));
  return cast(less(larger, k), 'float32');
}

/** 1 where the class of the largest label is among the `k` largest predictions. */
export function topKCategoricalAccuracy(yTrue: Value, yPred: Value, k = 5): Value {
  return sparseTopKCategoricalAccuracy(cast(argMax(yTrue), 'float32'), yPred, k);
}

/** 1 where class `yTrue` is among the first `k` of the class numbers `yPred`. */
function amongFirst(yTrue: Value, yPred: Value, k: number): Value {
  const labels = classNumbers(yTrue, yPred);
  const first = slice(
    yPred,
    yPred.shape.map(() => 0),
    [...yPred.shape.slice(0, -1), Math.min(k, yPred.shape.at(-1)!)],
  );
  const hits = cast(equal(reshape(labels, [...labels.shape, 1]), first), 'float32');
  return cast(less(0, reduceSum(hits, lastAxis(hits))), 'float32');
}

/**
 * Share of predictions that equal their label.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'mse', metrics: [new metrics.Accuracy()] });
 * ```
 * @see https://keras.io/api/metrics/accuracy_metrics/#accuracy-class
 */
export class Accuracy extends meanOf('accuracy', accuracy) {
  static override readonly className = 'Accuracy';
}

/**
 * Share of outputs on the right side of a `threshold` (default 0.5), for labels 0 and 1.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.BinaryAccuracy({ threshold: 0.7 })] });
 * ```
 * @see https://keras.io/api/metrics/accuracy_metrics/#binaryaccuracy-class
 */
export class BinaryAccuracy extends Mean {
  static override readonly className = 'BinaryAccuracy';
  readonly threshold: number;

  /** `threshold` (default ½): predictions above it count as 1. */
  constructor(options: MetricOptions & { threshold?: number | undefined } = {}) {
    super({ name: options.name ?? 'binary_accuracy' });
    this.threshold = finiteNumber(this.name, 'threshold', options.threshold ?? 0.5);
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return binaryAccuracy(yTrue, yPred, this.threshold);
  }

  override config(): Config {
    return { ...super.config(), threshold: this.threshold };
  }
}

/**
 * Share of samples whose largest output is at the label, for one-hot labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.CategoricalAccuracy()] });
 * ```
 * @see https://keras.io/api/metrics/accuracy_metrics/#categoricalaccuracy-class
 */
export class CategoricalAccuracy extends meanOf('categorical_accuracy', categoricalAccuracy) {
  static override readonly className = 'CategoricalAccuracy';
}

/**
 * Share of samples whose largest output is at the label, for class numbers.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'sparse_categorical_crossentropy', metrics: [new metrics.SparseCategoricalAccuracy()] });
 * ```
 * @see https://keras.io/api/metrics/accuracy_metrics/#sparsecategoricalaccuracy-class
 */
export class SparseCategoricalAccuracy extends meanOf(
  'sparse_categorical_accuracy',
  sparseCategoricalAccuracy,
) {
  static override readonly className = 'SparseCategoricalAccuracy';
}

/**
 * Share of samples whose label is among the `k` (default 5) largest outputs, for one-hot labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.TopKCategoricalAccuracy({ k: 3 })] });
 * ```
 * @see https://keras.io/api/metrics/accuracy_metrics/#topkcategoricalaccuracy-class
 */
export class TopKCategoricalAccuracy extends Mean {
  static override readonly className = 'TopKCategoricalAccuracy';
  readonly k: number;

  /** `k`: default 5. */
  constructor(options: MetricOptions & { k?: number | undefined } = {}) {
    super({ name: options.name ?? 'top_k_categorical_accuracy' });
    this.k = positiveInteger(this.name, 'k', options.k ?? 5);
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return topKCategoricalAccuracy(yTrue, yPred, this.k);
  }

  override config(): Config {
    return { ...super.config(), k: this.k };
  }
}

/**
 * Share of samples whose label is among the `k` (default 5) largest outputs, for class numbers.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'sparse_categorical_crossentropy', metrics: [new metrics.SparseTopKCategoricalAccuracy({ k: 3 })] });
 * ```
 * @see https://keras.io/api/metrics/accuracy_metrics/#sparsetopkcategoricalaccuracy-class
 */
export class SparseTopKCategoricalAccuracy extends Mean {
  static override readonly className = 'SparseTopKCategoricalAccuracy';
  readonly k: number;
  readonly fromSortedIds: boolean;

  /** `k`: default 5; `fromSortedIds`: whether predictions are class numbers, the best first; default false. */
  constructor(
    options: MetricOptions & {
      k?: number | undefined;
      fromSortedIds?: boolean | undefined;
    } = {},
  ) {
    super({ name: options.name ?? 'sparse_top_k_categorical_accuracy' });
    this.k = positiveInteger(this.name, 'k', options.k ?? 5);
    this.fromSortedIds = flag(this.name, 'fromSortedIds', options.fromSortedIds ?? false);
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return this.fromSortedIds
      ? amongFirst(yTrue, yPred, this.k)
      : sparseTopKCategoricalAccuracy(yTrue, yPred, this.k);
  }

  override config(): Config {
    const sorted = this.fromSortedIds ? { from_sorted_ids: true } : {};
    return { ...super.config(), k: this.k, ...sorted };
  }
}
