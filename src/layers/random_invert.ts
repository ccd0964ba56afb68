/** @file Some images as negatives. */
import type { Value } from '../ir/graph.ts';
import { select, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomInvertOptions extends ColorOptions {
  factor?: Factor | undefined;
}

export class RandomInvert extends BaseColorAugmentation {
  static readonly className = 'RandomInvert';
  readonly factor: Range;

  constructor(options: RandomInvertOptions = {}) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor ?? 1, shares);
  }

  protected override augment(images: Value): Value {
    return select(this.chosen(images, this.factor), sub(this.valueRange[1], images), images);
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, turns images into their negatives.
 *
 * @param factor with which probability: drawn for each image up to this number (default 1), or between two.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_invert/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomInvert([0.5, 0.5])(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomInvert(factor: Factor = 1, options: ColorOptions = {}): RandomInvert {
  return new RandomInvert({ ...options, factor });
}
