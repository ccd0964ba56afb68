/**
 * @file What a loss is: values a sample from labels and predictions, then weights, mask and reduction, as Keras orders
 * them. Classes here have one method of their own, `samples`.
 */

import { show, TsunoError } from '../../core/errors.ts';
import { sizeOf } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { optional, text } from '../../layers/checks.ts';
import { classNameOf } from '../../layers/layer.ts';
import { type Config, type Serialized, serialized } from '../../layers/serialized.ts';
import { cast, div, equal, mul, reduceSum, reshape, scalar, select } from '../../ops/index.ts';
import { configOf, type OptionTable, type Settled, settle } from './options.ts';

const reductions = [
  'sum_over_batch_size',
  'sum',
  'mean',
  'mean_with_sample_weight',
  'none',
  null,
] as const;

/**
 * How the values of samples become one: their sum; the sum divided by their number (`sum_over_batch_size` and `mean`)
 * or by the sum of the weights (`mean_with_sample_weight`); or not at all (`none`, `null`).
 */
export type Reduction = (typeof reductions)[number];

/** What labels a loss wants: class numbers, one row of probabilities, zeros and ones, or numbers. */
export type LabelKind = 'sparse' | 'oneHot' | 'binary' | 'any';

export interface LossOptions {
  /** Default `sum_over_batch_size`. */
  reduction?: Reduction | undefined;
  /** Default: the class's, in snake case. */
  name?: string | undefined;
}

/** Values a sample, from labels and predictions. */
export type LossFunction = (yTrue: Value, yPred: Value) => Value;

/**
 * Base of all losses; a loss of yours extends it with `samples`.
 *
 * @example
 * ```ts no-run
 * class Cubic extends Loss {
 *   static readonly className = 'Cubic';
 *   constructor(options: LossOptions = {}) {
 *     super('cubic', options);
 *   }
 *   samples(yTrue: Value, yPred: Value) {
 *     return ops.reduceMean(ops.power(ops.abs(ops.sub(yTrue, yPred)), 3), [1]);
 *   }
 * }
 * ```
 * @see https://keras.io/api/losses/#base-loss-api
 */
export abstract class Loss {
  readonly name: string;
  readonly reduction: Reduction;
  /** What the labels must be, for checks before training. */
  readonly labelKind: LabelKind = 'any';

  /** @throws TsunoError `ARGUMENT` for an unknown reduction. */
  constructor(name: string, options: LossOptions = {}) {
    this.name = optional(text, name, 'name', options.name) ?? name;
    const { reduction = 'sum_over_batch_size' } = options;
    if (!reductions.includes(reduction)) {
      throw new TsunoError('ARGUMENT', {
        where: this.name,
        what: 'reduction',
        expected: `one of ${reductions.map(show).join(', ')}`,
        found: show(reduction),
      });
    }
    this.reduction = reduction;
  }

  /** One value a sample (or more, e.g. a pixel): labels and predictions are `float32` of the same rank where they can be. */
  abstract samples(yTrue: Value, yPred: Value): Value;

  /** Samples that count (`bool`, of the shape of `values`); default all. */
  protected mask(_yTrue: Value, _yPred: Value, _values: Value): Value | undefined {
    return undefined;
  }

  /**
   * The loss of a batch.
   *
   * @param yTrue labels, of whatever type.
   * @param yPred what the model gives.
   * @param sampleWeight [n], or what broadcasts to the values of the samples.
   * @returns a scalar, or the weighted values where the reduction is `none`.
   */
  call(yTrue: Value, yPred: Value, sampleWeight?: Value): Value {
    const [labels, predictions] = sameRank(cast(yTrue, 'float32'), cast(yPred, 'float32'));
    const values = this.samples(labels, predictions);
    const mask = this.mask(labels, predictions, values);
    return reduceWeighted(values, this.reduction, sampleWeight, mask);
  }

  /** The arguments of the constructor under Keras's names. */
  config(): Config {
    return { name: this.name, reduction: this.reduction };
  }

  /** As Keras writes it into a model's file. */
  serialize(): Serialized {
    const className = classNameOf(this.constructor as { name: string; className?: string });
    return serialized('keras.losses', className, this.config());
  }
}

/** A loss that is whole: the values of its samples are known. */
interface WholeLoss extends Loss {
  samples(yTrue: Value, yPred: Value): Value;
}

/** A class whose objects take the options of every loss and those of `O`, which are their properties. */
export interface LossClass<O> {
  readonly className: string;
  new (options?: LossOptions & O): WholeLoss & Settled<O>;
}

/** What a loss extends: `name`, `compute` and its `own` options are all it is. */
export function lossOf<O extends object = object>(
  name: string,
  compute: (yTrue: Value, yPred: Value, options: Settled<O>) => Value,
  own: OptionTable<O> = {} as OptionTable<O>,
): LossClass<O> {
  const made = class extends Loss {
    static readonly className: string = 'Loss';
    constructor(options: LossOptions & O = {} as O) {
      super(name, options);
      Object.assign(this, settle(this.name, own, options));
    }
    override samples(yTrue: Value, yPred: Value): Value {
      return compute(yTrue, yPred, this as unknown as Settled<O>);
    }
    override config(): Config {
      return { ...super.config(), ...configOf(own, this) };
    }
  };
  return made as unknown as LossClass<O>;
}

/** A function of labels and predictions as a loss. */
export class FunctionLoss extends Loss {
  private readonly compute: LossFunction;

  constructor(compute: LossFunction, options: LossOptions = {}) {
    super(compute.name || 'loss', options);
    this.compute = compute;
  }

  override samples(yTrue: Value, yPred: Value): Value {
    return this.compute(yTrue, yPred);
  }
}

/** Where ranks differ by one and the longer shape ends in 1, the shapes become of one rank. */
export function sameRank(a: Value, b: Value, expandVectors = true): [Value, Value] {
  const [rankA, rankB] = [a.shape.length, b.shape.length];
  if (Math.abs(rankA - rankB) !== 1) return [a, b];
  const [long, short] = rankA > rankB ? [a, b] : [b, a];
  if (long.shape.at(-1) !== 1) return [a, b];
  const expand = short.shape.length === 1 && expandVectors;
  const newLong = expand ? long : reshape(long, long.shape.slice(0, -1));
  const newShort = expand ? reshape(short, [...short.shape, 1]) : short;
  return rankA > rankB ? [newLong, newShort] : [newShort, newLong];
}

/** a / b, and 0 where b is 0. */
export function divideOrZero(a: Value, b: Value): Value {
  const zero = equal(b, 0);
  return select(zero, 0, div(a, select(zero, 1, b)));
}

/** Weights and mask into the values, then the reduction. */
export function reduceWeighted(
  values: Value,
  reduction: Reduction,
  sampleWeight?: Value,
  mask?: Value,
): Value {
  const weight = mask
    ? maskedWeight(mask, reduction, sampleWeight)
    : sampleWeight && cast(sampleWeight, 'float32');
  const weighted = weight ? mul(...sameRank(values, weight)) : values;
  if (reduction === 'none' || reduction === null || weighted.shape.length === 0) return weighted;
  const sum = reduceSum(weighted);
  if (reduction === 'sum') return sum;
  if (reduction === 'mean_with_sample_weight' && weight) {
    return divideOrZero(sum, reduceSum(weight));
  }
  return div(sum, sizeOf(weighted.shape));
}

/** For means the samples that count weigh total/count, so that dividing by the total gives their mean. */
function maskedWeight(mask: Value, reduction: Reduction, sampleWeight?: Value): Value {
  const counts = cast(mask, 'float32');
  const isMean = reduction === 'mean' || reduction === 'sum_over_batch_size';
  const total = scalar(mask, sizeOf(mask.shape));
  const share = isMean ? mul(counts, divideOrZero(total, reduceSum(counts))) : counts;
  if (!sampleWeight) return share;
  return mul(...sameRank(share, cast(sampleWeight, 'float32')));
}
