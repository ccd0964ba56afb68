/** @file Images shifted. */
import type { Value } from '../ir/graph.ts';
import { mul, type Operand } from '../ops/index.ts';
import {
  type AffineMap,
  BaseGeometricAugmentation,
  type GeometricOptions,
} from './affine_transform.ts';
import { type Factor, factorOf, type Range } from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomTranslationArguments extends GeometricOptions {
  heightFactor: Factor;
  widthFactor: Factor;
}

const rule = { least: -1, most: 1 } as const;

export class RandomTranslation extends BaseGeometricAugmentation {
  static readonly className = 'RandomTranslation';
  readonly heightFactor: Factor;
  readonly widthFactor: Factor;
  private readonly heightRange: Range;
  private readonly widthRange: Range;

  constructor(options: RandomTranslationArguments) {
    super(options);
    this.heightFactor = options.heightFactor;
    this.widthFactor = options.widthFactor;
    this.heightRange = factorOf(this.where, 'heightFactor', this.heightFactor, rule);
    this.widthRange = factorOf(this.where, 'widthFactor', this.widthFactor, rule);
  }

  override map(images: Value): AffineMap {
    const [, h, w] = images.shape as readonly [number, number, number, number];
    const shift = (extent: number, range: Range): Operand => {
      const share = this.perImage(images, range);
      return typeof share === 'number' ? -share * extent : mul(share, -extent);
    };
    return { x: [1, 0, shift(w, this.widthRange)], y: [0, 1, shift(h, this.heightRange)] };
  }

  override config(): Config {
    return {
      ...super.config(),
      height_factor: this.heightFactor,
      width_factor: this.widthFactor,
    };
  }
}

/**
 * In training, shifts each image.
 *
 * @param heightFactor share of the height, positive downwards; a number alone stands for both signs.
 * @param widthFactor share of the width, positive to the right.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_translation/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomTranslation(0.1, 0.1, { fillMode: 'constant' })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomTranslation(
  heightFactor: Factor,
  widthFactor: Factor,
  options: GeometricOptions = {},
): RandomTranslation {
  return new RandomTranslation({ ...options, heightFactor, widthFactor });
}
