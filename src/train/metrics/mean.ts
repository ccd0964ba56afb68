/** @file Means and sums of values a sample: what most metrics are. */
import type { Graph, Value } from '../../ir/graph.ts';
import { integer } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import { broadcast, cast, mul, reduceMean, reduceSum, scalar } from '../../ops/index.ts';
import { sameRank } from '../losses/loss.ts';
import { configOf, type OptionTable, type Settled, settle } from '../losses/options.ts';
import { Metric, type MetricOptions } from './metric.ts';

/** Values a sample, from labels and predictions. */
export type MetricFunction = (yTrue: Value, yPred: Value) => Value;

type Reduce = (x: Value, axes: readonly number[]) => Value;

const axesFrom = (first: number, x: Value) =>
  x.shape.flatMap((_, axis) => (axis >= first ? [axis] : []));

/** One value a sample, weighted, and the weight of each: what goes beyond the rank of the weights is reduced. */
function samplewise(given: Value, sampleWeight: Value | undefined, reduce: Reduce) {
  let values = cast(given, 'float32');
  let weight: Value | undefined;
  if (sampleWeight) {
    [values, weight] = sameRank(values, cast(sampleWeight, 'float32'));
    const rank = weight.shape.length;
    if (values.shape.length > rank) values = reduce(values, axesFrom(rank, values));
    weight = broadcast(weight, values.shape);
    values = mul(values, weight);
    if (rank > 1) weight = reduce(weight, axesFrom(1, weight));
  }
  if (values.shape.length > 1) values = reduce(values, axesFrom(1, values));
  return { values, weight };
}

/**
 * The weighted mean of values: of the loss, or with `update` of the predictions.
 *
 * @example
 * ```ts no-run
 * const mean = new metrics.Mean({ name: 'loss' });
 * const note = (loss: Value, batchSize: number) => mean.add(loss.graph, loss, ops.scalar(loss, batchSize));
 * ```
 * @see https://keras.io/api/metrics/reduction_metrics/#mean-class
 */
export class Mean extends Metric {
  static readonly className: string = 'Mean';
  readonly total = this.state('total');
  readonly count = this.state('count');

  constructor(options: MetricOptions = {}) {
    super('mean', options);
  }

  /** Adds values: a scalar, or one or more for each sample. */
  add(graph: Graph, given: Value, sampleWeight?: Value): void {
    const { values, weight } = samplewise(given, sampleWeight, reduceMean);
    const samples = scalar(values, values.shape[0] ?? 1);
    this.grow(graph, this.total, reduceSum(values));
    this.grow(graph, this.count, weight ? reduceSum(weight) : samples);
  }

  /** What is averaged. */
  protected values(_yTrue: Value, yPred: Value): Value {
    return yPred;
  }

  override update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    const [labels, predictions] = [cast(yTrue, 'float32'), cast(yPred, 'float32')];
    this.add(graph, this.values(labels, predictions), sampleWeight);
  }

  override result(): number {
    return ratio(this.total.data[0]!, this.count.data[0]!);
  }
}

/** a / b, and 0 where b is 0. */
export function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

/** A class of means that take the options `O`, which are their properties. */
export interface MeanClass<O> {
  readonly className: string;
  new (options?: MetricOptions & O): Mean & Settled<O>;
}

/** What a mean extends: `name`, `compute` and its `own` options are all it is. */
export function meanWith<O extends object>(
  name: string,
  compute: (yTrue: Value, yPred: Value, options: Settled<O>) => Value,
  own: OptionTable<O>,
): MeanClass<O> {
  const made = class extends Mean {
    constructor(options: MetricOptions & O = {} as O) {
      super({ name: options.name ?? name });
      Object.assign(this, settle(this.name, own, options));
    }
    protected override values(yTrue: Value, yPred: Value): Value {
      return compute(yTrue, yPred, this as unknown as Settled<O>);
    }
    override config(): Config {
      return { ...super.config(), ...configOf(own, this) };
    }
  };
  return made as unknown as MeanClass<O>;
}

/** {@link meanWith} no options, of label and prediction of one rank. */
export function meanOf(name: string, compute: MetricFunction): MeanClass<object> {
  return meanWith(name, (yTrue, yPred) => compute(...sameRank(yTrue, yPred)), {});
}

export interface AxisOptions {
  /** Along which label and prediction are compared, default the last. */
  axis?: number | undefined;
}

/** {@link meanWith} one option, the axis along which vectors lie. */
export function meanAlong(
  name: string,
  compute: (yTrue: Value, yPred: Value, axis: number) => Value,
): MeanClass<AxisOptions> {
  return meanWith<AxisOptions>(name, (yTrue, yPred, { axis }) => compute(yTrue, yPred, axis), {
    axis: [integer, -1],
  });
}

/** A function of labels and predictions, averaged over the samples. */
export class MeanMetricWrapper extends Mean {
  static override readonly className = 'MeanMetricWrapper';
  private readonly compute: MetricFunction;

  constructor(compute: MetricFunction, options: MetricOptions = {}) {
    super({ name: options.name ?? (compute.name || 'metric') });
    this.compute = compute;
  }

  protected override values(yTrue: Value, yPred: Value): Value {
    return this.compute(yTrue, yPred);
  }
}

/**
 * The weighted sum of values.
 *
 * @see https://keras.io/api/metrics/reduction_metrics/#sum-class
 */
export class Sum extends Metric {
  static readonly className = 'Sum';
  readonly total = this.state('total');

  constructor(options: MetricOptions = {}) {
    super('sum', options);
  }

  /** Adds values: a scalar, or one or more for each sample. */
  add(graph: Graph, given: Value, sampleWeight?: Value): void {
    this.grow(graph, this.total, reduceSum(samplewise(given, sampleWeight, reduceSum).values));
  }

  override update(graph: Graph, _yTrue: Value, yPred: Value, sampleWeight?: Value): void {
    this.add(graph, yPred, sampleWeight);
  }

  override result(): number {
    return this.total.data[0]!;
  }
}
