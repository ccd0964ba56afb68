/** @file Images of fainter or stronger colours. */
import type { Value } from '../ir/graph.ts';
import { add, mul, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  signedShares,
} from './base_image_augmentation.ts';
import { grayscale } from './color_space.ts';
import type { Config } from './serialized.ts';

export interface RandomColorDegenerationArguments extends ColorOptions {
  factor: Factor;
}

export class RandomColorDegeneration extends BaseColorAugmentation {
  static readonly className = 'RandomColorDegeneration';
  readonly factor: Range;

  constructor(options: RandomColorDegenerationArguments) {
    super(options);
    this.inputSpec = { rank: 4, channels: [1, 3] };
    this.factor = factorOf(this.where, 'factor', options.factor, signedShares);
  }

  protected override augment(images: Value): Value {
    const grey = grayscale(images);
    return this.clip(add(images, mul(sub(grey, images), this.perImage(images, this.factor))));
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, mixes each image with itself in grey.
 *
 * @param factor share of grey: 0.5 draws from −0.5 to 0.5, [0.5, 1] always takes colour away.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_color_degeneration/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomColorDegeneration([0, 0.5])(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomColorDegeneration(
  factor: Factor,
  options: ColorOptions = {},
): RandomColorDegeneration {
  return new RandomColorDegeneration({ ...options, factor });
}
