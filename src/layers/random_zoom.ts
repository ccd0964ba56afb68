/** @file Images enlarged or made smaller about their middle. */
import type { Value } from '../ir/graph.ts';
import { mul, type Operand, sub } from '../ops/index.ts';
import {
  type AffineMap,
  BaseGeometricAugmentation,
  type GeometricOptions,
} from './affine_transform.ts';
import { type Factor, factorOf, type Range } from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomZoomOptions extends GeometricOptions {
  /** Of the width; default: that of the height, so that proportions stay. */
  widthFactor?: Factor | null | undefined;
}

export interface RandomZoomArguments extends RandomZoomOptions {
  heightFactor: Factor;
}

const rule = { least: -1, most: 1, above: true } as const;

export class RandomZoom extends BaseGeometricAugmentation {
  static readonly className = 'RandomZoom';
  readonly heightFactor: Factor;
  readonly widthFactor: Factor | undefined;
  private readonly heightRange: Range;
  private readonly widthRange: Range | undefined;

  constructor(options: RandomZoomArguments) {
    super(options);
    this.heightFactor = options.heightFactor;
    this.widthFactor = options.widthFactor ?? undefined;
    const range = (what: string, factor: Factor): Range => {
      const [low, high] = factorOf(this.where, what, factor, rule);
      return [1 + low, 1 + high];
    };
    this.heightRange = range('heightFactor', this.heightFactor);
    this.widthRange =
      this.widthFactor === undefined ? undefined : range('widthFactor', this.widthFactor);
  }

  override map(images: Value): AffineMap {
    const [, h, w] = images.shape as readonly [number, number, number, number];
    const vertical = this.perImage(images, this.heightRange);
    const horizontal = this.widthRange ? this.perImage(images, this.widthRange) : vertical;
    const about = (middle: number, zoom: Operand): Operand =>
      typeof zoom === 'number' ? middle * (1 - zoom) : mul(sub(1, zoom), middle);
    return {
      x: [horizontal, 0, about((w - 1) / 2, horizontal)],
      y: [0, vertical, about((h - 1) / 2, vertical)],
    };
  }

  override config(): Config {
    return {
      ...super.config(),
      height_factor: this.heightFactor,
      width_factor: this.widthFactor ?? null,
    };
  }
}

/**
 * In training, enlarges or shrinks each image about its middle.
 *
 * @param heightFactor −0.3 enlarges by reading 70 % of the height, 0.3 shrinks by reading 130 %; a number alone stands
 * for both signs.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_zoom/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomZoom(0.2, { widthFactor: [-0.1, 0.1] })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomZoom(heightFactor: Factor, options: RandomZoomOptions = {}): RandomZoom {
  return new RandomZoom({ ...options, heightFactor });
}
