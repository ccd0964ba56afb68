/** @file Images of other saturation. */
import type { Value } from '../ir/graph.ts';
import { div, mul, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  signedShares,
} from './base_image_augmentation.ts';
import { channelsOf, colorsOf, hsvOf } from './color_space.ts';
import type { Config } from './serialized.ts';

export interface RandomSaturationArguments extends ColorOptions {
  factor: Factor;
}

/** Keeps a factor of 1 from dividing by 0, as Keras's epsilon. */
const epsilon = 1e-7;

export class RandomSaturation extends BaseColorAugmentation {
  static readonly className = 'RandomSaturation';
  readonly factor: Range;

  constructor(options: RandomSaturationArguments) {
    super(options);
    this.inputSpec = { rank: 4, channels: [3] };
    this.factor = factorOf(this.where, 'factor', options.factor, signedShares);
  }

  protected override augment(images: Value): Value {
    const [hue, saturation, value] = hsvOf(channelsOf(images));
    const factor = this.perImage(images, this.factor);
    const strength =
      typeof factor === 'number'
        ? factor / (1 - factor + epsilon)
        : div(factor, sub(1 + epsilon, factor));
    return colorsOf([hue, this.clip(mul(saturation, strength)), value]);
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, multiplies the saturation of each image by f / (1 − f).
 *
 * @param factor range of f: at 0.5 colours stay, at 0 they vanish, towards 1 they are as strong as can be.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_saturation/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomSaturation([0.4, 0.6])(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomSaturation(factor: Factor, options: ColorOptions = {}): RandomSaturation {
  return new RandomSaturation({ ...options, factor });
}
