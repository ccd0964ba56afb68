/** @file Metrics over many thresholds: areas under curves, and the best of one rate where another is high enough. */
import { show, TsunoError } from '../../core/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import {
  flag,
  integer,
  numbers,
  oneOf,
  optional,
  positiveInteger,
  rate,
} from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import { Confusion, evenThresholds, ratios, weightedMean } from './confusion.ts';
import { Metric, type MetricOptions } from './metric.ts';

interface FourCounts {
  truePositives: Variable<'float32'>;
  falsePositives: Variable<'float32'>;
  trueNegatives: Variable<'float32'>;
  falseNegatives: Variable<'float32'>;
}

/** Rates at each threshold, from the four counts. */
const rates = {
  sensitivity: ({ truePositives: t, falseNegatives: f }: FourCounts) =>
    ratios(t.data, (i) => t.data[i]! + f.data[i]!),
  specificity: ({ trueNegatives: t, falsePositives: f }: FourCounts) =>
    ratios(t.data, (i) => t.data[i]! + f.data[i]!),
  precision: ({ truePositives: t, falsePositives: f }: FourCounts) =>
    ratios(t.data, (i) => t.data[i]! + f.data[i]!),
};

abstract class CurveMetric extends Metric {
  protected abstract readonly confusion: Confusion;
  /** Made by the first batch where their shape depends on it. */
  protected counts: FourCounts | undefined;

  protected makeCounts(shape: readonly number[]): FourCounts {
    return {
      truePositives: this.state('true_positives', shape),
      falsePositives: this.state('false_positives', shape),
      trueNegatives: this.state('true_negatives', shape),
      falseNegatives: this.state('false_negatives', shape),
    };
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const added = this.confusion.count(graph, yTrue, yPred, sampleWeight);
    this.counts ??= this.makeCounts(added.truePositives.shape);
    for (const key of Object.keys(added) as (keyof FourCounts)[])
      this.grow(graph, this.counts[key], added[key]);
  }
}

export interface RateOptions extends MetricOptions {
  /** Default 200, evenly from 0 to 1. */
  numThresholds?: number | undefined;
  /** Only this class counts; default all. */
  classId?: number | null | undefined;
}

/** The largest of one rate over the thresholds at which another is at least `least`. */
abstract class BestRate extends CurveMetric {
  protected override readonly confusion: Confusion;
  private readonly best: keyof typeof rates;
  private readonly bounded: keyof typeof rates;
  private readonly bound: string;
  private readonly least: number;
  private readonly numThresholds: number;
  private readonly classId: number | null;

  constructor(
    name: string,
    best: keyof typeof rates,
    [bounded, bound, least]: [keyof typeof rates, string, number],
    options: RateOptions,
  ) {
    super(name, options, true);
    this.best = best;
    this.bounded = bounded;
    this.bound = bound;
    this.least = rate(this.name, bound, least);
    const { numThresholds = 200 } = options;
    this.numThresholds = positiveInteger(this.name, 'numThresholds', numThresholds);
    this.classId = optional(integer, this.name, 'classId', options.classId);
    const thresholds = numThresholds === 1 ? [0.5] : evenThresholds(numThresholds);
    this.confusion = new Confusion({ thresholds, classId: this.classId });
    this.counts = this.makeCounts([numThresholds]);
  }

  override result(): number {
    const best = rates[this.best](this.counts!);
    const bounded = rates[this.bounded](this.counts!);
    return Math.max(0, ...best.filter((_, i) => bounded[i]! >= this.least));
  }

  override config(): Config {
    return {
      ...super.config(),
      num_thresholds: this.numThresholds,
      class_id: this.classId,
      [this.bound]: this.least,
    };
  }
}

/**
 * The best sensitivity where the specificity is at least `specificity`.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.SensitivityAtSpecificity({ specificity: 0.9 })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#sensitivityatspecificity-class
 */
export class SensitivityAtSpecificity extends BestRate {
  static readonly className = 'SensitivityAtSpecificity';
  constructor(options: RateOptions & { specificity: number }) {
    const bound = ['specificity', 'specificity', options.specificity] as const;
    super('sensitivity_at_specificity', 'sensitivity', [...bound], options);
  }
}

/**
 * The best specificity where the sensitivity is at least `sensitivity`.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.SpecificityAtSensitivity({ sensitivity: 0.9 })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#specificityatsensitivity-class
 */
export class SpecificityAtSensitivity extends BestRate {
  static readonly className = 'SpecificityAtSensitivity';
  constructor(options: RateOptions & { sensitivity: number }) {
    const bound = ['sensitivity', 'sensitivity', options.sensitivity] as const;
    super('specificity_at_sensitivity', 'specificity', [...bound], options);
  }
}

/**
 * The best precision where the recall is at least `recall`.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.PrecisionAtRecall({ recall: 0.9 })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#precisionatrecall-class
 */
export class PrecisionAtRecall extends BestRate {
  static readonly className = 'PrecisionAtRecall';
  constructor(options: RateOptions & { recall: number }) {
    const bound = ['sensitivity', 'recall', options.recall] as const;
    super('precision_at_recall', 'precision', [...bound], options);
  }
}

/**
 * The best recall where the precision is at least `precision`.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.RecallAtPrecision({ precision: 0.9 })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#recallatprecision-class
 */
export class RecallAtPrecision extends BestRate {
  static readonly className = 'RecallAtPrecision';
  constructor(options: RateOptions & { precision: number }) {
    const bound = ['precision', 'precision', options.precision] as const;
    super('recall_at_precision', 'sensitivity', [...bound], options);
  }
}

const curves = ['roc', 'pr', 'prgain'] as const;
const summations = ['interpolation', 'minoring', 'majoring'] as const;

/** A tensor in a config of Keras. */
export interface SerializedTensor {
  class_name: '__tensor__';
  config: { value: readonly number[] };
}

export interface AUCOptions extends MetricOptions {
  /** Default 200, evenly from 0 to 1. */
  numThresholds?: number | undefined;
  /** `'ROC'` (default), `'PR'` (precision over recall) or `'PRGAIN'`. */
  curve?: string | undefined;
  /** `'interpolation'` (default), `'minoring'` or `'majoring'`: below, at or above each step of the curve. */
  summationMethod?: string | undefined;
  /** Numbers from 0 to 1 instead of evenly spaced ones. */
  thresholds?: readonly number[] | null | undefined;
  /** Whether columns are labels with a curve each; the result is their mean. Default false. */
  multiLabel?: boolean | undefined;
  /** Number of columns, if known beforehand. */
  numLabels?: number | null | undefined;
  /** A weight for each column; also as Keras's files hold them. */
  labelWeights?: readonly number[] | SerializedTensor | null | undefined;
  /** Whether predictions are logits, default false. */
  fromLogits?: boolean | undefined;
}

/**
 * The area under a curve drawn by moving the threshold.
 *
 * @example
 * ```ts
 * model.compile({ loss: 'binary_crossentropy', metrics: [new metrics.AUC({ curve: 'PR' })] });
 * ```
 * @see https://keras.io/api/metrics/classification_metrics/#auc-class
 */
export class AUC extends CurveMetric {
  static readonly className = 'AUC';
  protected override readonly confusion: Confusion;
  private readonly options: AUCOptions;
  private readonly curve: (typeof curves)[number];
  private readonly summation: (typeof summations)[number];
  private readonly size: number;
  private readonly labelWeights: readonly number[] | null;

  constructor(options: AUCOptions = {}) {
    super('auc', options, true);
    this.options = options;
    const { numThresholds = 200, thresholds, labelWeights } = options;
    const multiLabel = flag(this.name, 'multiLabel', options.multiLabel ?? false);
    const isTensor = typeof labelWeights === 'object' && labelWeights && 'config' in labelWeights;
    const weights = isTensor ? labelWeights.config.value : labelWeights;
    this.labelWeights = optional(numbers, this.name, 'labelWeights', weights);
    this.curve = oneOf(this.name, 'curve', options.curve ?? 'ROC', curves);
    this.summation = oneOf(
      this.name,
      'summationMethod',
      options.summationMethod ?? 'interpolation',
      summations,
    );
    if (!thresholds && !(Number.isInteger(numThresholds) && numThresholds > 1)) {
      throw new TsunoError('ARGUMENT', {
        where: this.name,
        what: 'numThresholds',
        expected: 'a whole number above 1',
        found: show(numThresholds),
      });
    }
    const inner = thresholds
      ? numbers(this.name, 'thresholds', thresholds).sort((a, b) => a - b)
      : evenThresholds(numThresholds).slice(1, -1);
    this.size = inner.length + 2;
    this.confusion = new Confusion({
      thresholds: [-1e-7, ...inner, 1 + 1e-7],
      multiLabel,
      labelWeights: multiLabel ? null : this.labelWeights,
      fromLogits: flag(this.name, 'fromLogits', options.fromLogits ?? false),
    });
    if (!multiLabel) this.counts = this.makeCounts([this.size]);
    const columns = optional(positiveInteger, this.name, 'numLabels', options.numLabels);
    if (multiLabel && columns !== null) this.counts = this.makeCounts([this.size, columns]);
  }

  override result(): number {
    if (!this.counts) return 0;
    const columns = this.counts.truePositives.shape[1] ?? 1;
    const areas = Array.from({ length: columns }, (_, column) => this.area(column, columns));
    return columns === 1 ? areas[0]! : weightedMean(areas, this.labelWeights);
  }

  /** The area of one column. */
  private area(column: number, columns: number): number {
    const pick = (variable: Variable<'float32'>) =>
      Array.from({ length: this.size }, (_, i) => variable.data[i * columns + column]!);
    const { truePositives, falsePositives, trueNegatives, falseNegatives } = this.counts!;
    const points: Points = {
      tp: pick(truePositives),
      fp: pick(falsePositives),
      tn: pick(trueNegatives),
      fn: pick(falseNegatives),
    };
    if (this.curve === 'pr' && this.summation === 'interpolation') return interpolatedPr(points);
    const { x, y } = curvePoints[this.curve](points);
    const height = heights[this.summation];
    return steps(x, (i) => (x[i]! - x[i + 1]!) * height(y[i]!, y[i + 1]!));
  }

  override config(): Config {
    const { thresholds, multiLabel = false, fromLogits = false } = this.options;
    const names = { roc: 'ROC', pr: 'PR', prgain: 'PRGAIN' } as const;
    return {
      ...super.config(),
      num_thresholds: this.size,
      curve: names[this.curve],
      summation_method: this.summation,
      multi_label: multiLabel,
      num_labels: this.options.numLabels ?? null,
      label_weights: this.labelWeights,
      from_logits: fromLogits,
      ...(thresholds ? { thresholds: [...thresholds].sort((a, b) => a - b) } : {}),
    };
  }
}

interface Points {
  tp: number[];
  fp: number[];
  tn: number[];
  fn: number[];
}

/** Σ over neighbouring thresholds. */
function steps(x: readonly number[], term: (i: number) => number): number {
  return x.slice(1).reduce((sum, _, i) => sum + term(i), 0);
}

const heights = {
  interpolation: (a: number, b: number) => (a + b) / 2,
  minoring: Math.min,
  majoring: Math.max,
};

const curvePoints = {
  roc: ({ tp, fp, tn, fn }: Points) => ({
    x: ratios(fp, (i) => fp[i]! + tn[i]!),
    y: ratios(tp, (i) => tp[i]! + fn[i]!),
  }),
  pr: ({ tp, fp, fn }: Points) => ({
    x: ratios(tp, (i) => tp[i]! + fn[i]!),
    y: ratios(tp, (i) => tp[i]! + fp[i]!),
  }),
  // Flach and Kull, "Precision-Recall-Gain Curves" (2015).
  prgain: ({ tp, fp, tn, fn }: Points) => {
    const scale = ratios(
      tp.map((value, i) => value + fn[i]!),
      (i) => tn[i]! + fp[i]!,
    );
    const gain = (misses: number[], atZero: number) =>
      ratios(misses, (i) => tp[i]!).map((share, i) =>
        tp[i] === 0 ? atZero : 1 - scale[i]! * share,
      );
    return { x: gain(fn, 0).map((value) => Math.max(0, value)), y: gain(fp, 1) };
  },
};

/** Between thresholds true positives grow linearly with positives (Davis and Goadrich 2006). */
function interpolatedPr({ tp, fp, fn }: Points): number {
  const positives = tp.map((value, i) => value + fp[i]!);
  return steps(tp, (i) => {
    const [gained, widened] = [tp[i]! - tp[i + 1]!, positives[i]! - positives[i + 1]!];
    const slope = widened > 0 ? gained / widened : 0;
    const intercept = tp[i + 1]! - slope * positives[i + 1]!;
    const both = positives[i]! > 0 && positives[i + 1]! > 0;
    const growth = both ? positives[i]! / positives[i + 1]! : 1;
    const ones = Math.max(0, tp[i + 1]! + fn[i + 1]!);
    return ones === 0 ? 0 : (slope * (gained + intercept * Math.log(growth))) / ones;
  });
}
