/** @file Zeros around images. */
import {
  BaseZeroPadding,
  type ZeroPaddingArguments,
  type ZeroPaddingOptions,
} from './base_zero_padding.ts';
import type { Margins } from './margins.ts';

export class ZeroPadding2D extends BaseZeroPadding {
  static readonly className = 'ZeroPadding2D';
  constructor(options: ZeroPaddingArguments = {}) {
    super(2, options);
  }
}

/**
 * Puts zeros around images [n, h, w, c].
 *
 * @param padding how many, default 1: `n`, `[rows, columns]` or `[[top, bottom], [left, right]]`.
 * @see https://keras.io/api/layers/reshaping_layers/zero_padding2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * zeroPadding2d(2)(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function zeroPadding2d(
  padding: Margins = 1,
  options: ZeroPaddingOptions = {},
): ZeroPadding2D {
  return new ZeroPadding2D({ ...options, padding });
}
