/** @file Transposed convolution of images. */
import {
  BaseConvTranspose,
  type ConvTransposeArguments,
  type ConvTransposeOptions,
} from './base_conv_transpose.ts';
import type { Sizes } from './checks.ts';

export class Conv2DTranspose extends BaseConvTranspose {
  static readonly className = 'Conv2DTranspose';
  constructor(options: ConvTransposeArguments) {
    super(2, options);
  }
}

/**
 * Spreads images [n, h, w, c] to larger ones: the adjoint of a convolution with stride.
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument.
 * @see https://keras.io/api/layers/convolution_layers/convolution2d_transpose/
 * @example
 * ```ts
 * const x = Input({ shape: [14, 14, 3] });
 * conv2dTranspose(6, 3, { strides: 2, padding: 'same' })(x).shape; // [null, 28, 28, 6]
 * ```
 */
export function conv2dTranspose(
  filters: number,
  kernelSize: Sizes,
  options: ConvTransposeOptions = {},
): Conv2DTranspose {
  return new Conv2DTranspose({ ...options, filters, kernelSize });
}
