/** @file Zeros around series. */
import {
  BaseZeroPadding,
  type ZeroPaddingArguments,
  type ZeroPaddingOptions,
} from './base_zero_padding.ts';
import type { Margins } from './margins.ts';

export class ZeroPadding1D extends BaseZeroPadding {
  static readonly className = 'ZeroPadding1D';
  constructor(options: ZeroPaddingArguments = {}) {
    super(1, options);
  }
}

/**
 * Puts zeros around series [n, steps, c].
 *
 * @param padding how many, default 1: `n` or `[before, after]`.
 * @see https://keras.io/api/layers/reshaping_layers/zero_padding1d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 3] });
 * zeroPadding1d(2)(x).shape; // [null, 32, 3]
 * ```
 */
export function zeroPadding1d(
  padding: Margins = 1,
  options: ZeroPaddingOptions = {},
): ZeroPadding1D {
  return new ZeroPadding1D({ ...options, padding });
}
