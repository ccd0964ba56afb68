/**
 * @file The family of depthwise convolutions: each input channel has `depthMultiplier` kernels of its own. As one
 * convolution in as many groups as there are channels: the kernel [...size, c, m] read as [...size, 1, c·m].
 */
import { internal } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { conv2d, reshape } from '../ops/index.ts';
import { type ConvWindowOptions, WindowedConv } from './base_conv.ts';
import { knownExtent, positiveInteger, type Sizes } from './checks.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';
import { asImage, fromImage, type Window } from './window.ts';

export interface DepthwiseConvOptions
  extends ConvWindowOptions,
    RecipeOptions<'depthwise'>,
    RecipeOptions<'bias'> {
  /** Output channels for each input channel, default 1. */
  depthMultiplier?: number | undefined;
}

export interface DepthwiseConvArguments extends DepthwiseConvOptions {
  kernelSize: Sizes;
}

/** Convolves each channel of `x` with its own kernels of `kernel` [...size, c, m]. */
export function depthwise(x: Value, kernel: Value, window: Window): Value {
  const image = asImage(x);
  const [channels, multiplier] = kernel.shape.slice(-2) as [number, number];
  if (channels !== x.shape.at(-1)) throw internal('depthwise kernel of other channels');
  const { window: size, strides, dilation, padding } = window.attrs(image.shape);
  const grouped = reshape(kernel, [...size, 1, channels * multiplier]);
  const y = conv2d(image, grouped, { strides, dilation, padding, groups: channels });
  return fromImage(y, window.rank);
}

export abstract class BaseDepthwiseConv extends WindowedConv {
  readonly depthMultiplier: number;
  readonly depthwiseRecipe: Recipe;
  kernel!: Variable;

  constructor(rank: number, options: DepthwiseConvArguments) {
    super(rank, options);
    const multiplier = options.depthMultiplier ?? 1;
    this.depthMultiplier = positiveInteger(this.where, 'depthMultiplier', multiplier);
    this.depthwiseRecipe = recipeOf(this.where, 'depthwise', options, 'glorot_uniform');
  }

  override build(inputShape: PartialShape): void {
    this.outputShape(inputShape);
    const channels = this.takeChannels(inputShape);
    const shape = [...this.window.size, channels, this.depthMultiplier];
    this.kernel = this.addWeight({ name: 'kernel', shape, ...this.depthwiseRecipe });
    this.addBias(channels * this.depthMultiplier);
  }

  override call(x: Value): Value {
    return this.finish(depthwise(x, this.read(this.kernel), this.window));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    const channels = knownExtent(this.where, -1, inputShape);
    return this.window.outputShape(inputShape, channels * this.depthMultiplier);
  }

  override config(): Config {
    return {
      ...super.config(),
      depth_multiplier: this.depthMultiplier,
      ...this.windowConfig(),
      ...recipeConfig('depthwise', this.depthwiseRecipe),
    };
  }
}
