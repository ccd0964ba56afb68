/** @file Margins cut off images. */
import { BaseCropping, type CroppingArguments } from './base_cropping.ts';
import { channelsLast } from './checks.ts';
import type { LayerOptions } from './layer.ts';
import type { Margins } from './margins.ts';
import type { Config } from './serialized.ts';

export class Cropping2D extends BaseCropping {
  static readonly className = 'Cropping2D';
  constructor(options: CroppingArguments & { dataFormat?: string | null | undefined } = {}) {
    super(2, options, 0);
    channelsLast(this.where, options.dataFormat);
  }
  override config(): Config {
    return { ...super.config(), data_format: 'channels_last' };
  }
}

/**
 * Cuts margins off images [n, h, w, c].
 *
 * @param cropping how much, default 0: `n`, `[rows, columns]` or `[[top, bottom], [left, right]]`.
 * @throws TsunoError `SHAPE`, when built, where nothing would be left.
 * @see https://keras.io/api/layers/reshaping_layers/cropping2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * cropping2d(2)(x).shape; // [null, 24, 24, 3]
 * ```
 */
export function cropping2d(cropping: Margins = 0, options: LayerOptions = {}): Cropping2D {
  return new Cropping2D({ ...options, cropping });
}
