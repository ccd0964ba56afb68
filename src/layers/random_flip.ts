/** @file Images mirrored, each by the toss of a coin. */
import type { Value } from '../ir/graph.ts';
import { broadcast, lessEqual, reshape, sample2d, select, sub } from '../ops/index.ts';
import { gridOf } from './affine_transform.ts';
import { type AugmentationOptions, BaseImageAugmentation } from './base_image_augmentation.ts';
import { oneOf } from './checks.ts';
import type { Config } from './serialized.ts';

export type FlipMode = 'horizontal' | 'vertical' | 'horizontal_and_vertical';

export interface RandomFlipOptions extends AugmentationOptions {
  mode?: FlipMode | undefined;
}

export class RandomFlip extends BaseImageAugmentation {
  static readonly className = 'RandomFlip';
  readonly mode: FlipMode;

  constructor(options: RandomFlipOptions = {}) {
    super(options);
    const modes = ['horizontal', 'vertical', 'horizontal_and_vertical'] as const;
    this.mode = oneOf(this.where, 'mode', options.mode ?? 'horizontal_and_vertical', modes);
  }

  protected override augment(images: Value): Value {
    const [n, h, w] = images.shape as readonly [number, number, number, number];
    // As in Keras, one toss decides both directions.
    const flips = lessEqual(this.uniform([n, 1, 1, 1]), 0.5);
    const { x, y } = gridOf(images);
    const places = (place: Value, last: number, mode: FlipMode) => {
      const flipped =
        this.mode === mode || this.mode === 'horizontal_and_vertical'
          ? select(flips, sub(last, place), place)
          : place;
      return broadcast(reshape(flipped, flipped.shape.slice(0, 3)), [n, h, w]);
    };
    const exact = { interpolation: 'nearest', fillValue: 0 } as const;
    const rows = places(y, h - 1, 'vertical');
    return sample2d(images, rows, places(x, w - 1, 'horizontal'), exact);
  }

  override config(): Config {
    return { ...super.config(), mode: this.mode };
  }
}

/**
 * In training, mirrors half of the images.
 *
 * @param mode `horizontal` swaps left and right, `vertical` top and bottom, `horizontal_and_vertical` (default) both.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_flip/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomFlip('horizontal')(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomFlip(
  mode: FlipMode = 'horizontal_and_vertical',
  options: AugmentationOptions = {},
): RandomFlip {
  return new RandomFlip({ ...options, mode });
}
