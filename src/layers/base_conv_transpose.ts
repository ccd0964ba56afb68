/**
 * @file The family of transposed convolutions: the gradient of a convolution with respect to its images, used forward.
 * Kernel [...size, filters, in].
 */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { conv2dInputGradient, type Padding2D, type Pair } from '../ops/index.ts';
import { type ConvWindowOptions, WindowedConv } from './base_conv.ts';
import { positiveInteger, refuse, type Sizes, sizes } from './checks.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';
import { asImage, asImageKernel, asPair, fromImage } from './window.ts';

export interface ConvTransposeOptions
  extends ConvWindowOptions,
    RecipeOptions<'kernel'>,
    RecipeOptions<'bias'> {
  /** Extent added at the end of each axis, less than the stride; default: as much as the other arguments leave open. */
  outputPadding?: Sizes | null | undefined;
}

export interface ConvTransposeArguments extends ConvTransposeOptions {
  filters: number;
  kernelSize: Sizes;
}

export abstract class BaseConvTranspose extends WindowedConv {
  readonly filters: number;
  readonly outputPadding: readonly number[] | undefined;
  readonly kernelRecipe: Recipe;
  kernel!: Variable;

  constructor(rank: number, options: ConvTransposeArguments) {
    super(rank, options);
    this.filters = positiveInteger(this.where, 'filters', options.filters);
    this.outputPadding =
      options.outputPadding === undefined || options.outputPadding === null
        ? undefined
        : sizes(this.where, 'outputPadding', options.outputPadding, rank, 0);
    if (this.outputPadding?.some((padding, i) => padding >= this.window.strides[i]!)) {
      const expected = `less than strides ${JSON.stringify(this.window.strides)}`;
      throw refuse(this.where, 'outputPadding', expected, options.outputPadding);
    }
    this.kernelRecipe = recipeOf(this.where, 'kernel', options, 'glorot_uniform');
  }

  override build(inputShape: PartialShape): void {
    const channels = this.takeChannels(inputShape);
    const shape = [...this.window.size, this.filters, channels];
    this.kernel = this.addWeight({ name: 'kernel', shape, ...this.kernelRecipe });
    this.addBias(this.filters);
  }

  override call(x: Value): Value {
    const { rank, strides, dilation } = this.window;
    const image = asImage(x);
    const kernel = asImageKernel(this.read(this.kernel), rank);
    const spatial = image.shape.slice(3 - rank, 3);
    const extents = spatial.map((extent, i) => this.outputExtent(i, extent));
    const paddings = spatial.map((extent, i) => this.padding(i, extent, extents[i]!));
    const padding: Padding2D = rank === 1 ? [[0, 0], paddings[0]!] : [paddings[0]!, paddings[1]!];
    const y = conv2dInputGradient(
      image,
      kernel,
      [image.shape[0]!, ...asPair(extents, 1), this.filters],
      { strides: asPair(strides, 1), dilation: asPair(dilation, 1), padding, groups: 1 },
    );
    return this.finish(fromImage(y, rank));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    const extents = inputShape
      .slice(1, -1)
      .map((extent, i) => (extent === null ? null : this.outputExtent(i, extent)));
    return [inputShape[0]!, ...extents, this.filters];
  }

  override config(): Config {
    return {
      ...super.config(),
      filters: this.filters,
      output_padding: this.outputPadding ? [...this.outputPadding] : null,
      ...this.windowConfig(),
      ...recipeConfig('kernel', this.kernelRecipe),
    };
  }

  /** Reach of the kernel along spatial axis `i`, its holes included. */
  private reach(i: number): number {
    return (this.window.size[i]! - 1) * this.window.dilation[i]! + 1;
  }

  private outputExtent(i: number, extent: number): number {
    const stride = this.window.strides[i]!;
    const reach = this.reach(i);
    const added = this.outputPadding?.[i];
    if (this.window.padding === 'same')
      return added === undefined ? extent * stride : (extent - 1) * stride + (reach % 2) + added;
    return (extent - 1) * stride + reach + (added ?? Math.max(reach, stride) - reach);
  }

  /** The padding of the convolution this one is the adjoint of: what makes `output` shrink to `extent`. */
  private padding(i: number, extent: number, output: number): Pair {
    if (this.window.padding !== 'same') return [0, 0];
    const stride = this.window.strides[i]!;
    const reach = this.reach(i);
    const added = this.outputPadding?.[i];
    const total = added === undefined ? stride + reach - 2 : reach + (reach % 2) - 2 + added;
    const before = reach - 1 - Math.min(Math.ceil(total / 2), reach - 1);
    return [before, Math.max(0, (extent - 1) * stride + reach - output - before)];
  }
}
