/** @file Dropout of whole channels of series. */
import type { Shape } from '../core/shape.ts';
import { BaseDropout, type DropoutArguments, type NoiseOptions } from './base_dropout.ts';
import type { Config } from './serialized.ts';

export class SpatialDropout1D extends BaseDropout {
  static readonly className = 'SpatialDropout1D';
  constructor(options: DropoutArguments) {
    super(options);
    this.inputSpec = { rank: 3 };
  }

  protected override maskShape(shape: Shape): Shape {
    return shape.map((extent, axis) => (axis === 0 || axis === shape.length - 1 ? extent : 1));
  }

  /** Keras writes this layer's type as a name and no more. */
  override config(): Config {
    const { rate, seed, name, dtype } = { ...super.config(), dtype: this.dtype } as Config;
    return { rate, seed, name, dtype };
  }
}

/**
 * In training, sets whole channels to 0 with probability `rate` and scales the others up.
 *
 * @see https://keras.io/api/layers/regularization_layers/spatial_dropout1d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 3] });
 * spatialDropout1d(0.2)(x).shape; // [null, 28, 3]
 * ```
 */
export function spatialDropout1d(rate: number, options: NoiseOptions = {}): SpatialDropout1D {
  return new SpatialDropout1D({ ...options, rate });
}
