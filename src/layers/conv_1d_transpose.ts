/** @file Transposed convolution of series. */
import {
  BaseConvTranspose,
  type ConvTransposeArguments,
  type ConvTransposeOptions,
} from './base_conv_transpose.ts';
import type { Sizes } from './checks.ts';

export class Conv1DTranspose extends BaseConvTranspose {
  static readonly className = 'Conv1DTranspose';
  constructor(options: ConvTransposeArguments) {
    super(1, options);
  }
}

/**
 * Spreads series [n, steps, c] to larger ones: the adjoint of a convolution with stride.
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument.
 * @see https://keras.io/api/layers/convolution_layers/convolution1d_transpose/
 * @example
 * ```ts
 * const x = Input({ shape: [50, 3] });
 * conv1dTranspose(6, 3, { strides: 2, padding: 'same' })(x).shape; // [null, 100, 6]
 * ```
 */
export function conv1dTranspose(
  filters: number,
  kernelSize: Sizes,
  options: ConvTransposeOptions = {},
): Conv1DTranspose {
  return new Conv1DTranspose({ ...options, filters, kernelSize });
}
