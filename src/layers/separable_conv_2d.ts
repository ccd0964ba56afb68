/** @file Separable convolution of images. */
import {
  BaseSeparableConv,
  type SeparableConvArguments,
  type SeparableConvOptions,
} from './base_separable_conv.ts';
import type { Sizes } from './checks.ts';

export class SeparableConv2D extends BaseSeparableConv {
  static readonly className = 'SeparableConv2D';
  constructor(options: SeparableConvArguments) {
    super(2, options);
  }
}

/**
 * Convolves each channel of images [n, h, w, c] alone, then mixes the channels into `filters` ones.
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `SHAPE` where the kernel does not fit.
 * @see https://keras.io/api/layers/convolution_layers/separable_convolution2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * separableConv2d(6, 3)(x).shape; // [null, 26, 26, 6]
 * ```
 */
export function separableConv2d(
  filters: number,
  kernelSize: Sizes,
  options: SeparableConvOptions = {},
): SeparableConv2D {
  return new SeparableConv2D({ ...options, filters, kernelSize });
}
