/** @file Dropout of whole channels of images. */
import type { Shape } from '../core/shape.ts';
import { BaseDropout, type DropoutArguments, type NoiseOptions } from './base_dropout.ts';
import { channelsLast } from './checks.ts';
import type { Config } from './serialized.ts';

export class SpatialDropout2D extends BaseDropout {
  static readonly className = 'SpatialDropout2D';
  constructor(options: DropoutArguments & { dataFormat?: string | null | undefined }) {
    super(options);
    channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: 4 };
  }

  protected override maskShape(shape: Shape): Shape {
    return shape.map((extent, axis) => (axis === 0 || axis === shape.length - 1 ? extent : 1));
  }

  /** Keras writes this layer's type as a name and no more. */
  override config(): Config {
    const { rate, seed, name, dtype } = { ...super.config(), dtype: this.dtype } as Config;
    return { rate, seed, name, dtype, data_format: 'channels_last' };
  }
}

/**
 * In training, sets whole channels to 0 with probability `rate` and scales the others up.
 *
 * @see https://keras.io/api/layers/regularization_layers/spatial_dropout2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * spatialDropout2d(0.2)(x).shape; // [null, 28, 28, 3]
 * ```
 */
export function spatialDropout2d(rate: number, options: NoiseOptions = {}): SpatialDropout2D {
  return new SpatialDropout2D({ ...options, rate });
}
