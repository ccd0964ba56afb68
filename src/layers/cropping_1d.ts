/** @file Margins cut off series. */
import { BaseCropping, type CroppingArguments } from './base_cropping.ts';
import type { LayerOptions } from './layer.ts';
import type { Margins } from './margins.ts';

export class Cropping1D extends BaseCropping {
  static readonly className = 'Cropping1D';
  constructor(options: CroppingArguments = {}) {
    super(1, options, 1);
  }
}

/**
 * Cuts margins off series [n, steps, c].
 *
 * @param cropping how much, default 1: `n` or `[before, after]`.
 * @throws TsunoError `SHAPE`, when built, where nothing would be left.
 * @see https://keras.io/api/layers/reshaping_layers/cropping1d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 3] });
 * cropping1d(2)(x).shape; // [null, 24, 3]
 * ```
 */
export function cropping1d(cropping: Margins = 1, options: LayerOptions = {}): Cropping1D {
  return new Cropping1D({ ...options, cropping });
}
