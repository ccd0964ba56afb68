/** @file Batch normalization. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, batchNormalize, broadcast, mul, reshape, scalar } from '../ops/index.ts';
import { BaseNormalization, type ScaledOptions } from './base_normalization.ts';
import { absent, axisOf, flag, integer, knownExtent, rate } from './checks.ts';
import type { CallContext } from './layer.ts';
import { momentsOf, standardize } from './moments.ts';
import { type Recipe, type RecipeOptions, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import { currentTrace } from './trace.ts';
import type { Variable } from './variable.ts';

export interface BatchNormalizationOptions
  extends ScaledOptions,
    Pick<
      RecipeOptions<'movingMean'> & RecipeOptions<'movingVariance'>,
      'movingMeanInitializer' | 'movingVarianceInitializer'
    > {
  /** The axis of the features, default the last. */
  axis?: number | undefined;
  /** The part of the moving statistics that stays at each step, default 0.99. */
  momentum?: number | undefined;
  /** Left out: batches are normalized by their own statistics. */
  renorm?: boolean | undefined;
  renormClipping?: null | undefined;
  renormMomentum?: number | undefined;
  /** Has no meaning on one machine. */
  synchronized?: boolean | undefined;
}

export class BatchNormalization extends BaseNormalization {
  static readonly className = 'BatchNormalization';
  readonly axis: number;
  readonly momentum: number;
  readonly synchronized: boolean;
  readonly renormMomentum: number;
  readonly movingMeanRecipe: Recipe;
  readonly movingVarianceRecipe: Recipe;
  movingMean!: Variable;
  movingVariance!: Variable;

  constructor(options: BatchNormalizationOptions = {}) {
    super(options);
    this.axis = integer(this.where, 'axis', options.axis ?? -1);
    this.momentum = rate(this.where, 'momentum', options.momentum ?? 0.99);
    this.synchronized = flag(this.where, 'synchronized', options.synchronized ?? false);
    this.renormMomentum = rate(this.where, 'renormMomentum', options.renormMomentum ?? 0.99);
    for (const what of ['renorm', 'renormClipping'] as const)
      absent(this.where, what, options[what]);
    this.movingMeanRecipe = recipeOf(this.where, 'movingMean', options, 'zeros');
    this.movingVarianceRecipe = recipeOf(this.where, 'movingVariance', options, 'ones');
    this.inputSpec = { minRank: 2 };
  }

  override get acceptsMask(): boolean {
    return true;
  }

  override build(inputShape: PartialShape): void {
    const features = knownExtent(this.where, this.axis, inputShape);
    this.inputSpec = { rank: inputShape.length, axes: { [this.axis]: features } };
    const shape = [features];
    this.addScale(shape);
    const fixed = { shape, trainable: false };
    this.movingMean = this.addWeight({ name: 'moving_mean', ...fixed, ...this.movingMeanRecipe });
    this.movingVariance = this.addWeight({
      name: 'moving_variance',
      ...fixed,
      ...this.movingVarianceRecipe,
    });
  }

  override call(x: Value, { training }: CallContext): Value {
    const axis = axisOf(this.where, 'axis', this.axis, x.shape);
    const along = x.shape.map((extent, i) => (i === axis ? extent : 1));
    const wide = (variable: Variable) => reshape(this.read(variable), along);
    const gamma = this.gamma && wide(this.gamma);
    const beta = this.beta && wide(this.beta);
    if (!training || !this.trainable) {
      const moments = { mean: wide(this.movingMean), variance: wide(this.movingVariance) };
      return standardize(x, moments, this.epsilon, gamma, beta);
    }
    if (axis === x.shape.length - 1) {
      // One operation, whose gradient is known in closed form.
      const vector = (variable: Variable | undefined, fill: number) =>
        variable ? this.read(variable) : broadcast(scalar(x, fill), [x.shape[axis]!]);
      const { y, mean, variance } = batchNormalize(
        x,
        vector(this.gamma, 1),
        vector(this.beta, 0),
        this.epsilon,
      );
      this.move(this.movingMean, mean);
      this.move(this.movingVariance, variance);
      return y;
    }
    const others = [...x.shape.keys()].filter((i) => i !== axis);
    const moments = momentsOf(x, others);
    this.move(this.movingMean, moments.mean);
    this.move(this.movingVariance, moments.variance);
    return standardize(x, moments, this.epsilon, gamma, beta);
  }

  override config(): Config {
    return {
      ...super.config(),
      axis: this.axis,
      momentum: this.momentum,
      moving_mean_initializer: this.movingMeanRecipe.initializer.serialize(),
      moving_variance_initializer: this.movingVarianceRecipe.initializer.serialize(),
      synchronized: this.synchronized,
      renorm: false,
      renorm_clipping: null,
      renorm_momentum: this.renormMomentum,
    };
  }

  /** moving ← momentum·moving + (1 − momentum)·batch, once the step ends. */
  private move(variable: Variable, batch: Value): void {
    const kept = mul(this.read(variable), this.momentum);
    const moved = add(kept, mul(reshape(batch, variable.shape), 1 - this.momentum));
    currentTrace().update(variable, moved);
  }
}

/**
 * Brings each feature to mean 0 and variance 1: over the batch in training, by moving statistics otherwise (also where
 * `trainable` is false), then to a learned scale and offset (Ioffe and Szegedy 2015).
 *
 * @see https://keras.io/api/layers/normalization_layers/batch_normalization/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 32] });
 * batchNormalization({ momentum: 0.9 })(x).shape; // [null, 28, 28, 32]
 * ```
 */
export function batchNormalization(options: BatchNormalizationOptions = {}): BatchNormalization {
  return new BatchNormalization(options);
}
