/**
 * @file What `compile` makes of its arguments: an optimizer, a loss and metrics for each output, and how they are named
 * in logs.
 *
 * @see https://keras.io/api/models/model_training_apis/#compile-method
 */
import { show, TsunoError } from '../core/errors.ts';
import type { Graph, TensorType, Value } from '../ir/graph.ts';
import { add, cast, mul, scalar } from '../ops/index.ts';
import { type LossIdentifier, get as lossOf } from './losses/index.ts';
import type { Loss } from './losses/loss.ts';
import { type MetricIdentifier, get as metricOf } from './metrics/index.ts';
import { Mean } from './metrics/mean.ts';
import type { Metric, MetricResult } from './metrics/metric.ts';
import { type OptimizerIdentifier, get as optimizerOf } from './optimizers/index.ts';
import type { Optimizer } from './optimizers/optimizer.ts';

/** One for the only output (or each output), a list in the order of outputs, or by output name. */
export type PerOutput<T> = T | readonly (T | null)[] | { readonly [output: string]: T };

/** Metrics of the only output, or lists by order or name of outputs. */
export type MetricsOption =
  | readonly MetricIdentifier[]
  | readonly (readonly MetricIdentifier[])[]
  | { readonly [output: string]: MetricIdentifier | readonly MetricIdentifier[] };

export interface CompileOptions {
  /** Default `'rmsprop'`, as in Keras. */
  optimizer?: OptimizerIdentifier | undefined;
  loss?: PerOutput<LossIdentifier> | undefined;
  /** Factor of each output's loss; default 1. */
  lossWeights?: readonly number[] | { readonly [output: string]: number } | undefined;
  /** Not weighted by sample weights. */
  metrics?: MetricsOption | undefined;
  /** As `metrics`, weighted by sample and class weights. */
  weightedMetrics?: MetricsOption | undefined;
}

/** Labels, predictions and weights of a batch, one of each an output. */
export interface BatchValues {
  yTrue: readonly Value[];
  yPred: readonly Value[];
  sampleWeight: Value | undefined;
  /** Scalars that layers add to the loss. */
  added: readonly Value[];
}

interface PlacedMetric {
  key: string;
  metric: Metric;
  output: number;
  weighted: boolean;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || 'class_name' in value) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** An entry for each output out of a list or a record. @throws TsunoError `ARGUMENT` where they do not match. */
function spread(what: string, given: unknown, names: readonly string[]): unknown[] {
  const refuse = (expected: string, found: unknown) =>
    new TsunoError('ARGUMENT', { where: 'compile', what, expected, found: show(found) });
  if (Array.isArray(given)) {
    if (given.length === names.length) return given;
    throw refuse(`must have one entry for each of ${names.length} outputs`, given);
  }
  if (isRecord(given)) {
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown !== undefined) throw refuse(`must name outputs (${names.join(', ')})`, unknown);
    return names.map((name) => given[name]);
  }
  return names.map(() => given);
}

function metricLists(
  given: MetricsOption | undefined,
  names: readonly string[],
): MetricIdentifier[][] {
  const flat = Array.isArray(given) && !given.some(Array.isArray);
  const lists = flat && names.length === 1 ? [given] : spread('metrics', given, names);
  return lists.map((list) =>
    list === undefined || list === null ? [] : ([list].flat() as MetricIdentifier[]),
  );
}

export class Compiled {
  readonly options: CompileOptions;
  readonly optimizer: Optimizer;
  readonly outputNames: readonly string[];
  private readonly lossGiven: readonly (LossIdentifier | null | undefined)[];
  private readonly lossWeights: readonly number[];
  private readonly total = new Mean({ name: 'loss' });
  private readonly lossMeans: readonly Mean[];
  /** Known once shapes are. */
  private losses: readonly (Loss | undefined)[] | undefined;
  private placed: readonly PlacedMetric[] | undefined;

  /** @throws TsunoError `ARGUMENT` for unknown names, or entries that do not match the outputs. */
  constructor(options: CompileOptions, outputNames: readonly string[]) {
    this.options = options;
    this.outputNames = outputNames;
    this.optimizer = optimizerOf(options.optimizer ?? 'rmsprop');
    this.lossGiven = spread('loss', options.loss, outputNames) as (
      | LossIdentifier
      | null
      | undefined
    )[];
    const weights = spread('lossWeights', options.lossWeights ?? 1, outputNames) as (
      | number
      | undefined
    )[];
    this.lossWeights = weights.map((weight) => weight ?? 1);
    this.lossMeans =
      outputNames.length > 1 ? outputNames.map((name) => new Mean({ name: `${name}_loss` })) : [];
    for (const loss of this.lossGiven) if (loss && !isLateName(loss)) lossOf(loss);
    for (const list of [options.metrics, options.weightedMetrics]) {
      for (const metric of metricLists(list, outputNames).flat()) metricOf(metric, anyShapes);
    }
  }

  /** The losses, once a batch has shown its shapes. */
  lossesFor(
    yTrue: readonly { shape: readonly number[] }[],
    yPred: readonly TensorType[],
  ): readonly (Loss | undefined)[] {
    this.losses ??= this.lossGiven.map((given, i) => {
      const labels = { shape: yTrue[i]?.shape ?? [], dtype: 'float32' } as const;
      return given ? lossOf(given, { yTrue: labels, yPred: yPred[i]! }) : undefined;
    });
    return this.losses;
  }

  /**
   * Appends losses and metrics of a batch; their means are noted in `graph.updates`.
   *
   * @returns the scalar to minimise; `undefined` where there is nothing to minimise.
   */
  build(graph: Graph, { yTrue, yPred, sampleWeight, added }: BatchValues): Value | undefined {
    const batch = yPred[0]!.shape[0] ?? 1;
    const parts = this.lossesFor(yTrue, yPred).flatMap((loss, i) => {
      if (!loss) return [];
      const value = loss.call(yTrue[i]!, yPred[i]!, sampleWeight);
      this.lossMeans[i]?.add(graph, value, scalar(value, batch));
      const factor = this.lossWeights[i]!;
      return [factor === 1 ? value : mul(value, factor)];
    });
    const [first, ...rest] = [...parts, ...added.map((value) => cast(value, 'float32'))];
    const total = first && rest.reduce((sum, part) => add(sum, part), first);
    if (total) this.total.add(graph, total, scalar(total, batch));
    for (const { metric, output, weighted } of this.metricsFor(yTrue, yPred)) {
      if (yTrue[output])
        metric.update(graph, yTrue[output], yPred[output]!, weighted ? sampleWeight : undefined);
    }
    return total;
  }

  private metricsFor(yTrue: readonly Value[], yPred: readonly Value[]): readonly PlacedMetric[] {
    if (this.placed) return this.placed;
    const many = this.outputNames.length > 1;
    const place = (given: MetricsOption | undefined, weighted: boolean): PlacedMetric[] =>
      metricLists(given, this.outputNames).flatMap((list, output) =>
        list.map((which) => {
          const shapes = yTrue[output] && { yTrue: yTrue[output], yPred: yPred[output]! };
          const metric = metricOf(which, shapes);
          const key = many ? `${this.outputNames[output]}_${metric.name}` : metric.name;
          return { key, metric, output, weighted };
        }),
      );
    this.placed = [
      ...place(this.options.metrics, false),
      ...place(this.options.weightedMetrics, true),
    ];
    return this.placed;
  }

  private all(): { key: string; metric: Metric }[] {
    const means = this.lossMeans.map((metric) => ({ key: metric.name, metric }));
    return [{ key: 'loss', metric: this.total }, ...means, ...(this.placed ?? [])];
  }

  /** Sets all means to zero. */
  reset(): void {
    for (const { metric } of this.all()) metric.reset();
  }

  /** All means so far; a metric of several values gives `name_0`, `name_1`, … */
  logs(): Record<string, number> {
    return Object.fromEntries(
      this.all().flatMap(({ key, metric }) => entries(key, metric.result())),
    );
  }
}

function entries(key: string, result: MetricResult): [string, number][] {
  if (typeof result === 'number') return [[key, result]];
  return result.length === 1
    ? [[key, result[0]!]]
    : result.map((value, i) => [`${key}_${i}`, value]);
}

/** Names whose meaning depends on shapes. */
function isLateName(loss: LossIdentifier): boolean {
  return loss === 'crossentropy' || loss === 'ce';
}

/** Stand-ins, to check metric names before any shape is known. */
const anyShapes = {
  yTrue: { shape: [1, 2], dtype: 'float32' },
  yPred: { shape: [1, 2], dtype: 'float32' },
} as const;
