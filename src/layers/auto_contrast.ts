/** @file Each channel of each image stretched to the full range. */
import type { Value } from '../ir/graph.ts';
import { add, div, equal, mul, neg, reduceMax, select, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  clip,
  type Range,
  rescaled,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export type AutoContrastOptions = Omit<ColorOptions, 'seed'>;

const bytes: Range = [0, 255];

export class AutoContrast extends BaseColorAugmentation {
  static readonly className = 'AutoContrast';

  constructor(options: AutoContrastOptions = {}) {
    super(options);
  }

  /** In inference too: nothing here is random. */
  override call(images: Value): Value {
    return this.augment(images);
  }

  protected override augment(images: Value): Value {
    const x = rescaled(images, this.valueRange, bytes);
    const low = neg(reduceMax(neg(x), [1, 2], true));
    const range = sub(reduceMax(x, [1, 2], true), low);
    const isFlat = equal(range, 0);
    const scale = div(255, select(isFlat, 1, range));
    const stretched = clip(add(mul(x, scale), neg(mul(low, scale))), bytes);
    return select(isFlat, images, rescaled(stretched, bytes, this.valueRange));
  }

  override config(): Config {
    const { seed: _, ...rest } = super.config();
    return rest;
  }
}

/**
 * Stretches each channel of each image so that its darkest pixel is black and its brightest white.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/auto_contrast/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * autoContrast()(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function autoContrast(options: AutoContrastOptions = {}): AutoContrast {
  return new AutoContrast(options);
}
