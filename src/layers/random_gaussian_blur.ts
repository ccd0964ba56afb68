/** @file Some images blurred. */
import type { Value } from '../ir/graph.ts';
import {
  add,
  cast,
  div,
  exp,
  iota,
  mul,
  reduceSum,
  reshape,
  scalar,
  select,
  square,
} from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { refuse, sizes } from './checks.ts';
import { filtered } from './filtered.ts';
import type { Config } from './serialized.ts';

export interface RandomGaussianBlurOptions extends ColorOptions {
  /** With which probability: drawn for each image up to this number (default 1), or between two. */
  factor?: Factor | undefined;
  /** Extent of the filter, odd, or [width, height]; default 3. */
  kernelSize?: number | readonly number[] | undefined;
  /** Width of the blur in pixels, up to 1: drawn for each batch up to this number (default 1), or between two. */
  sigma?: Factor | undefined;
}

export class RandomGaussianBlur extends BaseColorAugmentation {
  static readonly className = 'RandomGaussianBlur';
  readonly factor: Range;
  readonly kernelSize: readonly number[];
  readonly sigma: Range;

  constructor(options: RandomGaussianBlurOptions = {}) {
    super(options);
    const { factor = 1, kernelSize = 3, sigma = 1 } = options;
    this.factor = factorOf(this.where, 'factor', factor, shares);
    this.kernelSize = sizes(this.where, 'kernelSize', kernelSize, 2);
    if (this.kernelSize.some((extent) => extent % 2 === 0))
      throw refuse(this.where, 'kernelSize', 'odd', kernelSize);
    this.sigma = factorOf(this.where, 'sigma', sigma, shares);
  }

  protected override augment(images: Value): Value {
    const chosen = this.chosen(images, this.factor);
    const [width, height] = this.kernelSize as readonly [number, number];
    const [across, down] = [this.bell(images, width), this.bell(images, height)];
    const product = mul(reshape(down, [height, 1]), reshape(across, [1, width]));
    // As in Keras, the numbers of height × width stand in a filter of width × height.
    const blurred = filtered(images, reshape(product, [width, height]));
    return this.clip(select(chosen, blurred, images));
  }

  /** Weights [size] of a bell curve, their sum 1. */
  private bell(images: Value, size: number): Value {
    const [low, high] = this.sigma;
    const sigma =
      low === high
        ? scalar(images, low + 1e-6)
        : add(mul(this.uniform([]), high - low), low + 1e-6);
    const offsets = add(cast(iota(images, size), 'float32'), -(size - 1) / 2);
    const weights = exp(mul(square(div(offsets, sigma)), -0.5));
    return div(weights, reduceSum(weights));
  }

  override config(): Config {
    return {
      ...super.config(),
      factor: [...this.factor],
      kernel_size: [...this.kernelSize],
      sigma: [...this.sigma],
    };
  }
}

/**
 * In training, blurs images with a bell-shaped filter.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_gaussian_blur/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomGaussianBlur({ kernelSize: 5 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomGaussianBlur(options: RandomGaussianBlurOptions = {}): RandomGaussianBlur {
  return new RandomGaussianBlur(options);
}
