/** @file What normalization layers with a learned scale (gamma) and offset (beta) have in common. */
import type { PartialShape, Shape } from '../core/shape.ts';
import { atLeast, flag } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

export interface ScaledOptions extends LayerOptions, RecipeOptions<'beta'>, RecipeOptions<'gamma'> {
  /** Added to the variance, default 0.001. */
  epsilon?: number | undefined;
  /** Whether an offset is learned, default true. */
  center?: boolean | undefined;
  /** Whether a scale is learned, default true. */
  scale?: boolean | undefined;
}

export abstract class BaseNormalization extends Layer {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaRecipe: Recipe;
  readonly gammaRecipe: Recipe;
  gamma: Variable | undefined;
  beta: Variable | undefined;

  constructor(options: ScaledOptions) {
    super(options);
    this.epsilon = atLeast(this.where, 'epsilon', options.epsilon ?? 1e-3, 0);
    this.center = flag(this.where, 'center', options.center ?? true);
    this.scale = flag(this.where, 'scale', options.scale ?? true);
    this.betaRecipe = recipeOf(this.where, 'beta', options, 'zeros');
    this.gammaRecipe = recipeOf(this.where, 'gamma', options, 'ones');
  }

  /** Adds gamma and beta of `shape`, where they are learned. */
  protected addScale(shape: Shape): void {
    if (this.scale) this.gamma = this.addWeight({ name: 'gamma', shape, ...this.gammaRecipe });
    if (this.center) this.beta = this.addWeight({ name: 'beta', shape, ...this.betaRecipe });
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }

  override config(): Config {
    return {
      ...super.config(),
      epsilon: this.epsilon,
      center: this.center,
      scale: this.scale,
      ...recipeConfig('beta', this.betaRecipe),
      ...recipeConfig('gamma', this.gammaRecipe),
    };
  }
}
