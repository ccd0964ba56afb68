/** @file Intersection over union of the areas of a class, from a matrix that counts labels against predictions. */
import type { Graph, Value } from '../../ir/graph.ts';
import {
  finiteNumber,
  flag,
  integer,
  integers,
  optional,
  positiveInteger,
  refuse,
} from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import {
  argMax,
  cast,
  equal,
  lessEqual,
  logicalAnd,
  logicalNot,
  matmul,
  mul,
  reshape,
} from '../../ops/index.ts';
import { axisLast, epsilon, oneHotMask } from '../losses/predictions.ts';
import { Metric, type MetricOptions } from './metric.ts';

export interface MeanIoUOptions extends MetricOptions {
  numClasses: number;
  /** A label whose elements do not count; default none. */
  ignoreClass?: number | null | undefined;
  /** Whether labels are class numbers, default true; else one-hot. */
  sparseYTrue?: boolean | undefined;
  /** Whether predictions are class numbers, default true; else scores. */
  sparseYPred?: boolean | undefined;
  /** Axis of the classes where labels or predictions are not class numbers; default the last. */
  axis?: number | undefined;
}

export interface IoUOptions extends MeanIoUOptions {
  /** The classes whose mean is taken. */
  targetClassIds: readonly number[];
}

const sizeOne = (x: Value) => [x.shape.reduce((size, extent) => size * extent, 1)];

/**
 * Mean over some classes of intersection over union.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'sparse_categorical_crossentropy', metrics: [new metrics.IoU({ numClasses: 10, targetClassIds: [0, 1], sparseYPred: false })] });
 * ```
 * @see https://keras.io/api/metrics/segmentation_metrics/#iou-class
 */
export class IoU extends Metric {
  static readonly className: string = 'IoU';
  readonly numClasses: number;
  readonly targetClassIds: readonly number[];
  readonly ignoreClass: number | null;
  readonly sparseYTrue: boolean;
  readonly sparseYPred: boolean;
  readonly axis: number;
  /** Rows are labels, columns predictions. */
  private readonly matrix: Variable<'float32'>;

  constructor(options: IoUOptions, name = 'io_u') {
    super(name, options, true);
    this.numClasses = positiveInteger(this.name, 'numClasses', options.numClasses);
    this.targetClassIds = integers(this.name, 'targetClassIds', options.targetClassIds);
    if (this.targetClassIds.some((id) => id >= this.numClasses))
      throw refuse(this.name, 'targetClassIds', `below ${this.numClasses}`, options.targetClassIds);
    this.ignoreClass = optional(integer, this.name, 'ignoreClass', options.ignoreClass);
    this.sparseYTrue = flag(this.name, 'sparseYTrue', options.sparseYTrue ?? true);
    this.sparseYPred = flag(this.name, 'sparseYPred', options.sparseYPred ?? true);
    this.axis = integer(this.name, 'axis', options.axis ?? -1);
    this.matrix = this.state('total_confusion_matrix', [this.numClasses, this.numClasses]);
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const numbers = (x: Value, sparse: boolean) => {
      const classes = sparse ? cast(x, 'int32') : argMax(axisLast(cast(x, 'float32'), this.axis));
      return reshape(classes, sizeOne(classes));
    };
    const labels = numbers(yTrue, this.sparseYTrue);
    const predictions = numbers(yPred, this.sparseYPred);
    // One-hot rows of labels and predictions: numbers outside the classes give rows of zeros, which do not count.
    const rows = oneHotMask(labels, this.numClasses);
    const counting =
      this.ignoreClass === null
        ? rows
        : logicalAnd(rows, logicalNot(this.ignored(labels, this.ignoreClass)));
    const columns = cast(oneHotMask(predictions, this.numClasses), 'float32');
    const weighted = sampleWeight ? mul(columns, wholeWeights(sampleWeight)) : columns;
    this.grow(graph, this.matrix, matmul(cast(counting, 'float32'), weighted, true));
  }

  private ignored(labels: Value, ignoreClass: number): Value {
    return equal(cast(reshape(labels, [...labels.shape, 1]), 'float32'), ignoreClass);
  }

  override result(): number {
    const n = this.numClasses;
    const at = (row: number, column: number) => this.matrix.data[row * n + column]!;
    const all = Array.from({ length: n }, (_, i) => i);
    const areas = this.targetClassIds.map((id) => {
      const both = at(id, id);
      const union = all.reduce((sum, i) => sum + at(id, i) + at(i, id), 0) - both;
      return { both, union };
    });
    const valid = areas.filter(({ union }) => union > 1e-9);
    const sum = valid.reduce((total, { both, union }) => total + both / (union + epsilon), 0);
    return sum / (valid.length + epsilon);
  }

  override config(): Config {
    return {
      ...super.config(),
      dtype: 'int32',
      num_classes: this.numClasses,
      target_class_ids: [...this.targetClassIds],
      ignore_class: this.ignoreClass,
      sparse_y_true: this.sparseYTrue,
      sparse_y_pred: this.sparseYPred,
      axis: this.axis,
    };
  }
}

/** Weights as columns, without their fractions, as Keras counts here. */
function wholeWeights(sampleWeight: Value): Value {
  return cast(cast(reshape(sampleWeight, [...sizeOne(sampleWeight), 1]), 'int32'), 'float32');
}

/**
 * {@link IoU} over all classes.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'sparse_categorical_crossentropy', metrics: [new metrics.MeanIoU({ numClasses: 10, sparseYPred: false })] });
 * ```
 * @see https://keras.io/api/metrics/segmentation_metrics/#meaniou-class
 */
export class MeanIoU extends IoU {
  static override readonly className: string = 'MeanIoU';

  constructor(options: MeanIoUOptions, name = 'mean_io_u') {
    const length = positiveInteger(name, 'numClasses', options.numClasses);
    const targetClassIds = Array.from({ length }, (_, i) => i);
    super({ ...options, targetClassIds }, name);
  }

  override config(): Config {
    const { target_class_ids: _, ...rest } = super.config();
    return rest;
  }
}

/**
 * {@link IoU} for one-hot labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.OneHotIoU({ numClasses: 10, targetClassIds: [0, 1] })] });
 * ```
 * @see https://keras.io/api/metrics/segmentation_metrics/#onehotiou-class
 */
export class OneHotIoU extends IoU {
  static override readonly className = 'OneHotIoU';

  /** `sparseYPred`: default false, predictions are scores. */
  constructor(options: Omit<IoUOptions, 'sparseYTrue'>) {
    super(
      { ...options, sparseYTrue: false, sparseYPred: options.sparseYPred ?? false },
      'one_hot_io_u',
    );
  }

  override config(): Config {
    const { sparse_y_true: _, ...rest } = super.config();
    return rest;
  }
}

/**
 * {@link MeanIoU} for one-hot labels.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'categorical_crossentropy', metrics: [new metrics.OneHotMeanIoU({ numClasses: 10 })] });
 * ```
 * @see https://keras.io/api/metrics/segmentation_metrics/#onehotmeaniou-class
 */
export class OneHotMeanIoU extends MeanIoU {
  static override readonly className = 'OneHotMeanIoU';

  /** `sparseYPred`: default false, predictions are scores. */
  constructor(options: Omit<MeanIoUOptions, 'sparseYTrue'>) {
    super(
      { ...options, sparseYTrue: false, sparseYPred: options.sparseYPred ?? false },
      'one_hot_mean_io_u',
    );
  }

  override config(): Config {
    const { sparse_y_true: _, ...rest } = super.config();
    return rest;
  }
}

export interface BinaryIoUOptions extends MetricOptions {
  /** Default `[0, 1]`: both. */
  targetClassIds?: readonly number[] | undefined;
  /** Predictions from it on count as 1; default ½. */
  threshold?: number | undefined;
}

/**
 * {@link IoU} of zeros and ones.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.BinaryIoU({ threshold: 0.7 })] });
 * ```
 * @see https://keras.io/api/metrics/segmentation_metrics/#binaryiou-class
 */
export class BinaryIoU extends IoU {
  static override readonly className = 'BinaryIoU';
  readonly threshold: number;

  constructor(options: BinaryIoUOptions = {}) {
    const { targetClassIds = [0, 1] } = options;
    super({ name: options.name, targetClassIds, numClasses: 2 }, 'binary_io_u');
    this.threshold = finiteNumber(this.name, 'threshold', options.threshold ?? 0.5);
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const ones = lessEqual(this.threshold, cast(yPred, 'float32'));
    super.update(graph, yTrue, cast(ones, 'int32'), sampleWeight);
  }

  override config(): Config {
    const { name, dtype, target_class_ids } = super.config();
    return { name, dtype, target_class_ids, threshold: this.threshold };
  }
}
