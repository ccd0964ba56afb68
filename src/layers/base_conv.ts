/**
 * @file The family of convolutions: kernel [...size, in/groups, filters], bias, activation. A member is its rank.
 */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, conv2d } from '../ops/index.ts';
import { type Activation, type ActivationLike, activationOf } from './activations.ts';
import { channelsLast, flag, knownExtent, positiveInteger, refuse, type Sizes } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';
import { asImage, asImageKernel, fromImage, type PaddingMode, Window } from './window.ts';

/** Options of every convolution but the sizes that come first. */
export interface ConvWindowOptions extends LayerOptions {
  /** Steps of the window, one number for all axes or one for each; default 1. */
  strides?: Sizes | undefined;
  /** `valid` (default): no padding; `same`: zeros so that ⌈size/stride⌉ positions result; `causal` (1D): zeros before. */
  padding?: PaddingMode | undefined;
  /** Distance of the kernel's taps, default 1. */
  dilationRate?: Sizes | undefined;
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
  /** Applied to the result; default none. */
  activation?: ActivationLike | null | undefined;
  /** Default true. */
  useBias?: boolean | undefined;
}

export interface ConvOptions
  extends ConvWindowOptions,
    RecipeOptions<'kernel'>,
    RecipeOptions<'bias'> {
  /** Input and output channels fall into this many groups that do not mix; default 1. */
  groups?: number | undefined;
}

export interface ConvArguments extends ConvOptions {
  filters: number;
  kernelSize: Sizes;
}

/** What the convolution layers have in common: window, activation, bias, and their part of the config. */
export abstract class WindowedConv extends Layer {
  readonly window: Window;
  readonly dataFormat: 'channels_last';
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly biasRecipe: Recipe;
  bias: Variable | undefined;

  constructor(
    rank: number,
    options: ConvWindowOptions & RecipeOptions<'bias'> & { kernelSize: Sizes },
    modes: readonly PaddingMode[] = ['valid', 'same'],
  ) {
    super(options);
    this.window = new Window(this.where, rank, {
      what: 'kernelSize',
      size: options.kernelSize,
      strides: options.strides ?? 1,
      padding: options.padding ?? 'valid',
      dilation: options.dilationRate,
      modes,
    });
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.activation = activationOf(this.where, options.activation);
    this.useBias = flag(this.where, 'useBias', options.useBias ?? true);
    this.biasRecipe = recipeOf(this.where, 'bias', options, 'zeros');
    this.inputSpec = { rank: rank + 2 };
  }

  /** Notes the channels that the weights are made for, and returns their number. */
  protected takeChannels(inputShape: PartialShape): number {
    const channels = knownExtent(this.where, -1, inputShape);
    this.inputSpec = { rank: this.window.rank + 2, axes: { [-1]: channels } };
    return channels;
  }

  protected addBias(filters: number): void {
    if (this.useBias)
      this.bias = this.addWeight({ name: 'bias', shape: [filters], ...this.biasRecipe });
  }

  /** Bias and activation. */
  protected finish(y: Value): Value {
    return this.activation.apply(this.bias ? add(y, this.read(this.bias)) : y);
  }

  protected windowConfig(): Config {
    return {
      kernel_size: [...this.window.size],
      strides: [...this.window.strides],
      padding: this.window.padding,
      data_format: this.dataFormat,
      dilation_rate: [...this.window.dilation],
      activation: this.activation.serialize(),
      use_bias: this.useBias,
      ...recipeConfig('bias', this.biasRecipe),
      activity_regularizer: this.activityRegularizer?.serialize() ?? null,
    };
  }
}

export abstract class BaseConv extends WindowedConv {
  readonly filters: number;
  readonly groups: number;
  readonly kernelRecipe: Recipe;
  kernel!: Variable;

  constructor(rank: number, options: ConvArguments, modes?: readonly PaddingMode[]) {
    super(rank, options, modes);
    this.filters = positiveInteger(this.where, 'filters', options.filters);
    this.groups = positiveInteger(this.where, 'groups', options.groups ?? 1);
    if (this.filters % this.groups !== 0)
      throw refuse(this.where, 'groups', `must divide the ${this.filters} filters`, this.groups);
    this.kernelRecipe = recipeOf(this.where, 'kernel', options, 'glorot_uniform');
  }

  override build(inputShape: PartialShape): void {
    const channels = knownExtent(this.where, -1, inputShape);
    if (channels % this.groups !== 0)
      throw refuse(this.where, 'groups', `must divide the ${channels} input channels`, this.groups);
    this.window.outputShape(inputShape, this.filters);
    this.takeChannels(inputShape);
    const shape = [...this.window.size, channels / this.groups, this.filters];
    this.kernel = this.addWeight({ name: 'kernel', shape, ...this.kernelRecipe });
    this.addBias(this.filters);
  }

  override call(x: Value): Value {
    const image = asImage(x);
    const kernel = asImageKernel(this.read(this.kernel), this.window.rank);
    const { strides, dilation, padding } = this.window.attrs(image.shape);
    const y = conv2d(image, kernel, { strides, dilation, padding, groups: this.groups });
    return this.finish(fromImage(y, this.window.rank));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return this.window.outputShape(inputShape, this.filters);
  }

  override config(): Config {
    return {
      ...super.config(),
      filters: this.filters,
      groups: this.groups,
      ...this.windowConfig(),
      ...recipeConfig('kernel', this.kernelRecipe),
    };
  }
}
