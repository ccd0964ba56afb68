/** @file Separable convolution of series. */
import {
  BaseSeparableConv,
  type SeparableConvArguments,
  type SeparableConvOptions,
} from './base_separable_conv.ts';
import type { Sizes } from './checks.ts';

export class SeparableConv1D extends BaseSeparableConv {
  static readonly className = 'SeparableConv1D';
  constructor(options: SeparableConvArguments) {
    super(1, options);
  }
}

/**
 * Convolves each channel of series [n, steps, c] alone, then mixes the channels into `filters` ones.
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `SHAPE` where the kernel does not fit.
 * @see https://keras.io/api/layers/convolution_layers/separable_convolution1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * separableConv1d(6, 3)(x).shape; // [null, 98, 6]
 * ```
 */
export function separableConv1d(
  filters: number,
  kernelSize: Sizes,
  options: SeparableConvOptions = {},
): SeparableConv1D {
  return new SeparableConv1D({ ...options, filters, kernelSize });
}
