/** @file Lighter or darker images. */
import type { Value } from '../ir/graph.ts';
import { add, mul } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  signedShares,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomBrightnessArguments extends ColorOptions {
  factor: Factor;
}

export class RandomBrightness extends BaseColorAugmentation {
  static readonly className = 'RandomBrightness';
  readonly factor: Range;

  constructor(options: RandomBrightnessArguments) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor, signedShares);
  }

  protected override augment(images: Value): Value {
    const [dark, bright] = this.valueRange;
    const share = this.perImage(images, this.factor);
    const shift = typeof share === 'number' ? share * (bright - dark) : mul(share, bright - dark);
    return this.clip(add(images, shift));
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, adds a share of the value range to all pixels of an image.
 *
 * @param factor 0.2 draws from −20 % to 20 %, [0, 0.3] only brightens.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_brightness/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomBrightness(0.2, { valueRange: [0, 1] })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomBrightness(factor: Factor, options: ColorOptions = {}): RandomBrightness {
  return new RandomBrightness({ ...options, factor });
}
