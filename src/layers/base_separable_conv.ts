/** @file The family of separable convolutions: a depthwise convolution, then one of size 1 that mixes the channels. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { conv2d } from '../ops/index.ts';
import { WindowedConv } from './base_conv.ts';
import { type DepthwiseConvOptions, depthwise } from './base_depthwise_conv.ts';
import { positiveInteger, type Sizes } from './checks.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';
import { asImage, asImageKernel, fromImage } from './window.ts';

export interface SeparableConvOptions extends DepthwiseConvOptions, RecipeOptions<'pointwise'> {}

export interface SeparableConvArguments extends SeparableConvOptions {
  filters: number;
  kernelSize: Sizes;
}

export abstract class BaseSeparableConv extends WindowedConv {
  readonly filters: number;
  readonly depthMultiplier: number;
  readonly depthwiseRecipe: Recipe;
  readonly pointwiseRecipe: Recipe;
  depthwiseKernel!: Variable;
  pointwiseKernel!: Variable;

  constructor(rank: number, options: SeparableConvArguments) {
    super(rank, options);
    this.filters = positiveInteger(this.where, 'filters', options.filters);
    const multiplier = options.depthMultiplier ?? 1;
    this.depthMultiplier = positiveInteger(this.where, 'depthMultiplier', multiplier);
    this.depthwiseRecipe = recipeOf(this.where, 'depthwise', options, 'glorot_uniform');
    this.pointwiseRecipe = recipeOf(this.where, 'pointwise', options, 'glorot_uniform');
  }

  override build(inputShape: PartialShape): void {
    this.outputShape(inputShape);
    const channels = this.takeChannels(inputShape);
    const { size } = this.window;
    this.depthwiseKernel = this.addWeight({
      name: 'depthwise_kernel',
      shape: [...size, channels, this.depthMultiplier],
      ...this.depthwiseRecipe,
    });
    this.pointwiseKernel = this.addWeight({
      name: 'pointwise_kernel',
      shape: [...size.map(() => 1), channels * this.depthMultiplier, this.filters],
      ...this.pointwiseRecipe,
    });
    this.addBias(this.filters);
  }

  override call(x: Value): Value {
    const { rank } = this.window;
    const spread = asImage(depthwise(x, this.read(this.depthwiseKernel), this.window));
    const kernel = asImageKernel(this.read(this.pointwiseKernel), rank);
    const none = [0, 0] as const;
    const y = conv2d(spread, kernel, {
      strides: [1, 1],
      dilation: [1, 1],
      padding: [none, none],
      groups: 1,
    });
    return this.finish(fromImage(y, rank));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return this.window.outputShape(inputShape, this.filters);
  }

  override config(): Config {
    return {
      ...super.config(),
      depth_multiplier: this.depthMultiplier,
      filters: this.filters,
      ...this.windowConfig(),
      ...recipeConfig('depthwise', this.depthwiseRecipe),
      ...recipeConfig('pointwise', this.pointwiseRecipe),
    };
  }
}
