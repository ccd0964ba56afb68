/** @file Inputs brought to mean 0 and variance 1 by statistics that are known or taken from data. */
import { show, TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape, stridesOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Value } from '../ir/graph.ts';
import { add, concat, div, maximum, mul, reshape, scalar, sqrt, sub } from '../ops/index.ts';
import { axisList, finiteNumber, flag, knownExtent, optional, refuse } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { along, sortedAxes } from './layer_normalization.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

type Statistic = number | readonly number[];

export interface NormalizationOptions extends LayerOptions {
  /** The axes along which each position has statistics of its own, default the last; `null`: one for all. */
  axis?: number | readonly number[] | null | undefined;
  /** Known means: one number, or one for each position of the axis. */
  mean?: Statistic | null | undefined;
  /** Known variances, as many. */
  variance?: Statistic | null | undefined;
  /** The way back: multiply and add. */
  invert?: boolean | undefined;
}

export class Normalization extends Layer {
  static readonly className = 'Normalization';
  readonly axis: readonly number[];
  readonly mean: Statistic | undefined;
  readonly variance: Statistic | undefined;
  readonly invert: boolean;
  private adapted: { mean: Variable; variance: Variable; count: Variable } | undefined;

  constructor(options: NormalizationOptions = {}) {
    super(options);
    const { axis = -1 } = options;
    this.axis = [optional(axisList, this.where, 'axis', axis) ?? []].flat();
    this.mean = this.statistic('mean', options.mean);
    this.variance = this.statistic('variance', options.variance);
    this.invert = flag(this.where, 'invert', options.invert ?? false);
    const lengths = [this.mean, this.variance].map((given) =>
      typeof given === 'object' ? given.length : given === undefined ? 'none' : 'one',
    );
    if (lengths[0] !== lengths[1]) {
      const found = `${lengths[0]} and ${lengths[1]}`;
      throw refuse(this.where, 'mean and variance', 'given both, as many of each', found);
    }
  }

  override build(inputShape: PartialShape): void {
    const axes = sortedAxes(this.where, this.axis, inputShape);
    const shape = axes.map((axis) => knownExtent(this.where, axis, inputShape));
    for (const given of [this.mean, this.variance])
      if (typeof given === 'object') this.checkCount(given, shape, inputShape);
    if (this.mean !== undefined) return;
    const fixed = { trainable: false };
    this.adapted = {
      mean: this.addWeight({ name: 'mean', shape, ...fixed, initializer: 'zeros' }),
      variance: this.addWeight({ name: 'variance', shape, ...fixed, initializer: 'ones' }),
      count: this.addWeight({ name: 'count', shape: [], ...fixed, dtype: 'int32' }),
    };
  }

  /**
   * Takes mean and variance from `data`, whose first axis is samples.
   *
   * @throws TsunoError `STATE` where they were given to the constructor; `DATA_EMPTY` where there are no samples.
   */
  adapt(data: Tensor): void {
    if (this.mean !== undefined) {
      throw new TsunoError('STATE', {
        where: this.where,
        what: 'a layer that adapts',
        expected: 'must be made without mean and variance',
        found: 'both',
      });
    }
    if (data.size === 0) {
      throw new TsunoError('DATA_EMPTY', {
        where: this.where,
        what: 'data',
        expected: 'at least one sample',
        found: show([...data.shape]),
      });
    }
    this.build([null, ...data.shape.slice(1)]);
    const { mean, variance, count } = this.adapted!;
    const axes = sortedAxes(this.where, this.axis, data.shape);
    const sums = new Float64Array(mean.size);
    const cells = positions(data, axes, mean.shape);
    const share = data.size / mean.size;
    data.data.forEach((x, i) => {
      sums[cells[i]!]! += x / share;
    });
    const spread = new Float64Array(mean.size);
    data.data.forEach((x, i) => {
      spread[cells[i]!]! += (x - sums[cells[i]!]!) ** 2 / share;
    });
    mean.assign(sums);
    variance.assign(spread);
    count.assign([share]);
  }

  override call(x: Value): Value {
    const wide = along(x.shape, sortedAxes(this.where, this.axis, x.shape));
    const mean = this.statisticValue(x, wide, this.mean, this.adapted?.mean);
    const variance = this.statisticValue(x, wide, this.variance, this.adapted?.variance);
    const deviation = maximum(sqrt(variance), 1e-7);
    return this.invert ? add(mul(x, deviation), mean) : div(sub(x, mean), deviation);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }

  override config(): Config {
    return {
      ...super.config(),
      axis: [...this.axis],
      invert: this.invert,
      mean: this.mean ?? null,
      variance: this.variance ?? null,
    };
  }

  private statistic(what: string, given: unknown): Statistic | undefined {
    if (given === undefined || given === null) return undefined;
    if (!Array.isArray(given)) return finiteNumber(this.where, what, given);
    return given.flat(8).map((x) => finiteNumber(this.where, what, x));
  }

  private statisticValue(
    like: Value,
    wide: readonly number[],
    given: Statistic | undefined,
    adapted: Variable | undefined,
  ): Value {
    if (given === undefined) return reshape(this.read(adapted!), wide);
    if (typeof given === 'number') return scalar(like, given);
    const elements = given.map((number) => reshape(scalar(like, number), [1]));
    const vector = concat(elements as [Value, ...Value[]], 0);
    this.checkCount(given, wide, like.shape);
    return reshape(vector, wide);
  }

  /** One number for each position of the axes, whose extents `shape` has. */
  private checkCount(
    given: readonly number[],
    shape: readonly number[],
    inputShape: PartialShape,
  ): void {
    if (given.length === shape.reduce((a, b) => a * b, 1)) return;
    throw new TsunoError('SHAPE', {
      where: this.where,
      what: 'mean and variance',
      expected: `must be one for each position of axis ${show([...this.axis])}`,
      found: `${given.length} for ${showShape(inputShape)}`,
    });
  }
}

/** For each element of `data`, its place in a tensor of `shape` over `axes`. */
function positions(data: Tensor, axes: readonly number[], shape: readonly number[]): Uint32Array {
  const strides = stridesOf(data.shape);
  const own = stridesOf(shape);
  return Uint32Array.from({ length: data.size }, (_, i) =>
    axes.reduce(
      (at, axis, k) => at + (Math.floor(i / strides[axis]!) % data.shape[axis]!) * own[k]!,
      0,
    ),
  );
}

/**
 * (x − mean)/√variance, by statistics given here or taken from data with `adapt`.
 *
 * @throws TsunoError `ARGUMENT` where only one of mean and variance is given.
 * @see https://keras.io/api/layers/preprocessing_layers/numerical/normalization/
 * @example
 * ```ts
 * const layer = normalization();
 * layer.adapt(tensor([[0, 7], [2, 9]]));
 * layer.getWeights()[0].toArray(); // [1, 8]
 * ```
 */
export function normalization(options: NormalizationOptions = {}): Normalization {
  return new Normalization(options);
}
