/** @file Some images without colour. */
import type { Value } from '../ir/graph.ts';
import { less, select } from '../ops/index.ts';
import { type AugmentationOptions, BaseImageAugmentation } from './base_image_augmentation.ts';
import { rate } from './checks.ts';
import { grayscale } from './color_space.ts';
import type { Config } from './serialized.ts';

export interface RandomGrayscaleOptions extends AugmentationOptions {
  factor?: number | undefined;
}

export class RandomGrayscale extends BaseImageAugmentation {
  static readonly className = 'RandomGrayscale';
  readonly factor: number;

  constructor(options: RandomGrayscaleOptions = {}) {
    super(options);
    this.inputSpec = { rank: 4, channels: [1, 3] };
    this.factor = rate(this.where, 'factor', options.factor ?? 0.5);
  }

  protected override augment(images: Value): Value {
    const chosen = less(this.uniform([images.shape[0]!, 1, 1, 1]), this.factor);
    return select(chosen, grayscale(images), images);
  }

  override config(): Config {
    const { seed: _, ...rest } = super.config();
    return { ...rest, factor: this.factor };
  }
}

/**
 * In training, takes the colour from images; they keep three channels.
 *
 * @param factor share of images, default 0.5.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_grayscale/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomGrayscale(0.2)(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomGrayscale(factor = 0.5, options: AugmentationOptions = {}): RandomGrayscale {
  return new RandomGrayscale({ ...options, factor });
}
