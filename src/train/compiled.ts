/**
 * @file What `compile` makes of its arguments: an optimizer, a loss and metrics for each output, and how they are named
 * in logs.
 *
 * @see https://keras.io/api/models/model_training_apis/#compile-method
 */
import { show, TsunoError } from '../core/errors.ts';
import type { Graph, TensorType, Value } from '../ir/graph.ts';
import type { Variable } from '../layers/variable.ts';
import { add, cast, mul, scalar } from '../ops/index.ts';
import { type Direction, directionOf } from './directions.ts';
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
  /** One for each output, or one for all of them, or none. */
  sampleWeights: readonly (Value | undefined)[];
  /** Scalars that layers add to the loss. */
  added: readonly Value[];
}

interface PlacedMetric {
  /** Its name in logs. */
  key: string;
  /** The output's name and `_`, where there are several. */
  prefix: string;
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

/** Entries of the options by output. */
interface Spread {
  names: readonly string[];
  losses: readonly (LossIdentifier | null | undefined)[];
  lossWeights: readonly number[];
  /** Of each output that has a loss, where there are several. */
  lossMeans: readonly (Mean | undefined)[];
}

export class Compiled {
  readonly options: CompileOptions;
  readonly optimizer: Optimizer;
  private readonly outputNames: () => readonly string[] | undefined;
  private readonly total = new Mean({ name: 'loss' });
  private spreadNow: Spread | undefined;
  /** Known once shapes are. */
  private losses: readonly (Loss | undefined)[] | undefined;
  private placed: readonly PlacedMetric[] | undefined;

  /**
   * @param outputNames `undefined` as long as a model does not know its outputs.
   * @throws TsunoError `ARGUMENT` for unknown names, or entries that do not match the outputs.
   */
  constructor(options: CompileOptions, outputNames: () => readonly string[] | undefined) {
    this.options = options;
    this.outputNames = outputNames;
    this.optimizer = optimizerOf(options.optimizer ?? 'rmsprop');
    const names = outputNames();
    if (!names) return;
    for (const loss of this.byOutput.losses) if (loss && !isLateName(loss)) lossOf(loss);
    for (const list of [options.metrics, options.weightedMetrics]) {
      for (const metric of metricLists(list, names).flat()) metricOf(metric, anyShapes);
    }
  }

  private get byOutput(): Spread {
    this.spreadNow ??= this.spreadOptions(this.outputNames() ?? ['output']);
    return this.spreadNow;
  }

  private spreadOptions(names: readonly string[]): Spread {
    const { loss, lossWeights = 1 } = this.options;
    const losses = spread('loss', loss, names) as Spread['losses'];
    const weights = spread('lossWeights', lossWeights, names) as (number | null | undefined)[];
    const wrong = weights.find((weight) => !Number.isFinite(weight ?? 1));
    if (wrong !== undefined) {
      throw new TsunoError('ARGUMENT', {
        where: 'compile',
        what: 'lossWeights',
        expected: 'finite numbers',
        found: show(wrong),
      });
    }
    const several = losses.filter((given) => given).length > 1;
    const lossMeans = names.map((name, i) =>
      several && losses[i] ? new Mean({ name: `${name}_loss` }) : undefined,
    );
    return { names, losses, lossWeights: weights.map((weight) => weight ?? 1), lossMeans };
  }

  /** The losses, once a batch has shown its shapes. */
  lossesFor(
    yTrue: readonly { shape: readonly number[] }[],
    yPred: readonly TensorType[],
  ): readonly (Loss | undefined)[] {
    this.losses ??= this.byOutput.losses.map((given, i) => {
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
  build(graph: Graph, { yTrue, yPred, sampleWeights, added }: BatchValues): Value | undefined {
    const batch = yPred[0]!.shape[0] ?? 1;
    const { lossWeights, lossMeans } = this.byOutput;
    const weightOf = (output: number) =>
      sampleWeights.length === 1 ? sampleWeights[0] : sampleWeights[output];
    const parts = this.lossesFor(yTrue, yPred).flatMap((loss, i) => {
      if (!loss || !yTrue[i]) return [];
      const value = loss.call(yTrue[i], yPred[i]!, weightOf(i));
      // As in Keras, a mean over batches, also where the last one is smaller; the total is one over samples.
      lossMeans[i]?.add(graph, value);
      return [lossWeights[i] === 1 ? value : mul(value, lossWeights[i]!)];
    });
    const [first, ...rest] = [...parts, ...added.map((value) => cast(value, 'float32'))];
    const total = first && rest.reduce((sum, part) => add(sum, part), first);
    if (total) this.total.add(graph, total, scalar(total, batch));
    for (const { metric, output, weighted } of this.metricsFor(yTrue, yPred)) {
      if (!yTrue[output]) continue;
      const weight = weighted ? weightOf(output) : undefined;
      metric.update(graph, yTrue[output], yPred[output]!, weight);
    }
    return total;
  }

  private metricsFor(yTrue: readonly Value[], yPred: readonly Value[]): readonly PlacedMetric[] {
    this.placed ??= [
      ...this.place(this.options.metrics, false, yTrue, yPred),
      ...this.place(this.options.weightedMetrics, true, yTrue, yPred),
    ];
    numberNames(this.placed);
    return this.placed;
  }

  private place(
    given: MetricsOption | undefined,
    weighted: boolean,
    yTrue: readonly Value[],
    yPred: readonly Value[],
  ): PlacedMetric[] {
    const { names } = this.byOutput;
    return metricLists(given, names).flatMap((list, output) =>
      list.map((which) => {
        const shapes = yTrue[output] && { yTrue: yTrue[output], yPred: yPred[output]! };
        const metric = metricOf(which, shapes);
        const prefix = names.length > 1 ? `${names[output]}_` : '';
        return { key: `${prefix}${metric.name}`, prefix, metric, output, weighted };
      }),
    );
  }

  private all(): { key: string; metric: Metric }[] {
    const means = (this.spreadNow?.lossMeans ?? []).flatMap((metric) =>
      metric ? [{ key: metric.name, metric }] : [],
    );
    return [{ key: 'loss', metric: this.total }, ...means, ...(this.placed ?? [])];
  }

  /** The sums behind all means; those of metrics are known once a batch has shown its shapes. */
  get variables(): readonly Variable[] {
    return this.all().flatMap(({ metric }) => metric.variables);
  }

  /** Sets all means to zero. */
  reset(): void {
    for (const { metric } of this.all()) metric.reset();
  }

  /** All means so far, sorted by name as Keras sorts them; a metric of several values gives `name_0`, `name_1`, … */
  logs(): Record<string, number> {
    const found = this.all().flatMap(({ key, metric }) => entries(key, metric.result()));
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Whether `name` gets better upwards or downwards: losses fall; `undefined` where not known. */
  directionOf(name: string): Direction | undefined {
    const isLoss = this.spreadNow?.lossMeans.some((mean) => mean?.name === name) ?? false;
    if (name === 'loss' || isLoss) return 'down';
    const found = this.placed?.find(({ key }) => key === name);
    return found && directionOf(found.metric);
  }
}

/** Names that are used twice, as Keras tells them apart: `weighted_` before, then `_1`, `_2` behind. */
function numberNames(placed: readonly PlacedMetric[]): void {
  const used = new Set<string>();
  for (const one of placed) {
    if (one.weighted && used.has(one.key)) one.key = `${one.prefix}weighted_${one.metric.name}`;
    const base = one.key;
    for (let i = 1; used.has(one.key); i++) one.key = `${base}_${i}`;
    used.add(one.key);
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
