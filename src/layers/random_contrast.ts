/** @file Images of more or less contrast. */
import type { Value } from '../ir/graph.ts';
import { add, mul, reduceMean, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomContrastArguments extends ColorOptions {
  factor: Factor;
}

export class RandomContrast extends BaseColorAugmentation {
  static readonly className = 'RandomContrast';
  readonly factor: Range;

  constructor(options: RandomContrastArguments) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor, shares);
  }

  protected override augment(images: Value): Value {
    const [less, more] = this.factor;
    const mean = reduceMean(images, [1, 2], true);
    const strength = this.perImage(images, [1 - less, 1 + more]);
    return this.clip(add(mul(sub(images, mean), strength), mean));
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, moves each channel of each image away from its mean, or towards it.
 *
 * @param factor [0.3, 0.2] draws a strength from 1 − 0.3 to 1 + 0.2; as in Keras, 0.2 alone stands for [0, 0.2].
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_contrast/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomContrast(0.2)(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomContrast(factor: Factor, options: ColorOptions = {}): RandomContrast {
  return new RandomContrast({ ...options, factor });
}
