/** @file Images bent as if on rubber: each pixel is read a little aside, by noise that is smooth over the image. */
import type { Value } from '../ir/graph.ts';
import {
  abs,
  add,
  cast,
  div,
  exp,
  floor,
  iota,
  lessEqual,
  maximum,
  mul,
  reduceSum,
  reshape,
  sample2d,
  select,
  slice,
  square,
  sub,
} from '../ops/index.ts';
import { type FillMode, gridOf, inside } from './affine_transform.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { finiteNumber, oneOf } from './checks.ts';
import { filtered } from './filtered.ts';
import type { Config } from './serialized.ts';

export interface RandomElasticTransformOptions extends ColorOptions {
  /** With which probability: drawn for each image up to this number (default 1), or between two. */
  factor?: Factor | undefined;
  /** How strong, 0 to 1: drawn for each batch up to this number (default 1), or between two. */
  scale?: Factor | undefined;
  /** `bilinear` (default) or `nearest`. */
  interpolation?: 'bilinear' | 'nearest' | undefined;
  /** What lies around the image: `reflect` (default), `mirror`, `wrap`, `nearest` or `constant`. */
  fillMode?: FillMode | 'mirror' | undefined;
  /** Of `constant`; default 0. */
  fillValue?: number | undefined;
}

export class RandomElasticTransform extends BaseColorAugmentation {
  static readonly className = 'RandomElasticTransform';
  readonly factor: Range;
  readonly scale: Range;
  readonly interpolation: 'bilinear' | 'nearest';
  readonly fillMode: FillMode | 'mirror';
  readonly fillValue: number;

  constructor(options: RandomElasticTransformOptions = {}) {
    super(options);
    const { factor = 1, scale = 1, interpolation = 'bilinear', fillMode = 'reflect' } = options;
    this.factor = factorOf(this.where, 'factor', factor, shares);
    this.scale = factorOf(this.where, 'scale', scale, shares);
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, ['bilinear', 'nearest']);
    this.fillMode = oneOf(this.where, 'fillMode', fillMode, [
      'reflect',
      'mirror',
      'wrap',
      'nearest',
      'constant',
    ]);
    this.fillValue = finiteNumber(this.where, 'fillValue', options.fillValue ?? 0);
  }

  protected override augment(images: Value): Value {
    if (this.factor[1] === 0 || this.scale[1] === 0) return images;
    const [n, h, w] = images.shape as readonly [number, number, number, number];
    const chosen = this.chosen(images, this.factor);
    const scale = this.drawnScale();
    const sigma = maximum(mul(scale, 0.05 * Math.min(h, w)), 1e-6);
    const shift = mul(scale, 0.1 * Math.max(h, w));
    const smooth = this.blurred(mul(this.noise([n, h, w, 2]), sigma), sigma);
    const grid = gridOf(images);
    const places = (along: Value, axis: 0 | 1, extent: number) => {
      const aside = slice(smooth, [0, 0, 0, axis], [n, h, w, 1]);
      return reshape(this.folded(add(along, mul(aside, shift)), extent), [n, h, w]);
    };
    const { interpolation, fillValue } = this;
    const reading = { interpolation, fillValue };
    const bent = sample2d(images, places(grid.y, 1, h), places(grid.x, 0, w), reading);
    return this.clip(select(chosen, bent, images));
  }

  private drawnScale(): Value {
    const [low, high] = this.scale;
    return add(mul(this.uniform([]), high - low), low);
  }

  /** How far pixels are moved across and down, before it is smoothed and scaled. */
  protected noise(shape: readonly number[]): Value {
    return this.normal(shape);
  }

  /** Smoothed by a bell curve of width `sigma`, that ends after three times its whole part; across, then down. */
  private blurred(x: Value, sigma: Value): Value {
    const [, h, w] = x.shape as readonly [number, number, number, number];
    const reach = 3 * Math.floor(0.05 * Math.min(h, w) * this.scale[1]);
    const size = 2 * reach + 1;
    const offsets = add(cast(iota(x, size), 'float32'), -reach);
    const within = lessEqual(abs(offsets), mul(floor(sigma), 3));
    const bell = select(within, exp(mul(square(div(offsets, sigma)), -0.5)), 0);
    const weights = div(bell, reduceSum(bell));
    return filtered(filtered(x, reshape(weights, [1, size])), reshape(weights, [size, 1]));
  }

  /** Places along an axis, brought into the image as the mode says. */
  private folded(place: Value, extent: number): Value {
    if (this.fillMode !== 'mirror') return inside(place, extent, this.fillMode);
    // (d c b | a b c d | c b a)
    const last = Math.max(extent - 1, 1e-6);
    const phase = sub(place, mul(floor(div(place, 2 * last)), 2 * last));
    return sub(last, abs(sub(phase, last)));
  }

  override config(): Config {
    return {
      ...super.config(),
      factor: [...this.factor],
      scale: [...this.scale],
      interpolation: this.interpolation,
      fill_mode: this.fillMode,
      fill_value: this.fillValue,
    };
  }
}

/**
 * In training, bends images as if they were drawn on rubber.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_elastic_transform/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 1] });
 * randomElasticTransform({ scale: 0.5 })(x).shape; // [null, 28, 28, 1]
 * ```
 */
export function randomElasticTransform(
  options: RandomElasticTransformOptions = {},
): RandomElasticTransform {
  return new RandomElasticTransform(options);
}
