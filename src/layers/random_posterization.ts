/** @file Images of fewer tones. */
import type { Value } from '../ir/graph.ts';
import { add, div, exp, floor, minimum, mul, scalar } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  clip,
  type Factor,
  type FactorRule,
  factorOf,
  type Range,
  rescaled,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomPosterizationArguments extends ColorOptions {
  factor: Factor;
}

const bytes: Range = [0, 255];
const rule: FactorRule = { least: 1, most: 8, loose: true };

export class RandomPosterization extends BaseColorAugmentation {
  static readonly className = 'RandomPosterization';
  readonly factor: Range;

  constructor(options: RandomPosterizationArguments) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor, rule);
  }

  protected override augment(images: Value): Value {
    const pixels = floor(clip(rescaled(images, this.valueRange, bytes), bytes));
    const step = this.step(images);
    return rescaled(mul(floor(div(pixels, step)), step), bytes, this.valueRange);
  }

  /** 2^(8 − bits), a whole number, for each image. */
  private step(images: Value): Value {
    const [low, high] = this.factor;
    if (low === high) return scalar(images, 2 ** (8 - Math.floor(low)));
    // As Keras's random integers, without the upper bound itself.
    const drawn = this.perImage(images, this.factor) as Value;
    const bits = minimum(floor(drawn), Math.max(low, high - 1));
    const power = exp(mul(add(mul(bits, -1), 8), Math.LN2));
    return floor(add(power, 0.5));
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, keeps only the highest bits of each pixel.
 *
 * @param factor how many of 8: drawn for each image from 1 up to below this number, or between two.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_posterization/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomPosterization([3, 6])(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomPosterization(
  factor: Factor,
  options: ColorOptions = {},
): RandomPosterization {
  return new RandomPosterization({ ...options, factor });
}
