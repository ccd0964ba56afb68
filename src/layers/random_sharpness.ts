/** @file Sharper or softer images. */
import type { Value } from '../ir/graph.ts';
import { add, intEqual, iota, mul, reshape, select, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { filtered } from './filtered.ts';
import type { Config } from './serialized.ts';

export interface RandomSharpnessArguments extends ColorOptions {
  factor: Factor;
}

export class RandomSharpness extends BaseColorAugmentation {
  static readonly className = 'RandomSharpness';
  readonly factor: Range;

  constructor(options: RandomSharpnessArguments) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor, shares);
  }

  protected override augment(images: Value): Value {
    const isMiddle = intEqual(iota(images, 9), 4);
    const smooth = filtered(images, reshape(select(isMiddle, 5 / 13, 1 / 13), [3, 3]));
    const factor = this.perImage(images, this.factor);
    const share = typeof factor === 'number' ? 1 - 2 * factor : sub(1, mul(factor, 2));
    return this.clip(add(images, mul(sub(smooth, images), share)));
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, mixes each image with itself smoothed: more of it, or less than none.
 *
 * @param factor 0 is smooth, 0.5 the image as it is, 1 sharper: up to this number, or between two.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_sharpness/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomSharpness([0.3, 0.7])(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomSharpness(factor: Factor, options: ColorOptions = {}): RandomSharpness {
  return new RandomSharpness({ ...options, factor });
}
