/** @file Depthwise convolution of series. */
import {
  BaseDepthwiseConv,
  type DepthwiseConvArguments,
  type DepthwiseConvOptions,
} from './base_depthwise_conv.ts';
import type { Sizes } from './checks.ts';

export class DepthwiseConv1D extends BaseDepthwiseConv {
  static readonly className = 'DepthwiseConv1D';
  constructor(options: DepthwiseConvArguments) {
    super(1, options);
  }
}

/**
 * Convolves each channel of series [n, steps, c] with `depthMultiplier` kernels of its own.
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `SHAPE` where the kernel does not fit.
 * @see https://keras.io/api/layers/convolution_layers/depthwise_convolution1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * depthwiseConv1d(3, { depthMultiplier: 2 })(x).shape; // [null, 98, 6]
 * ```
 */
export function depthwiseConv1d(
  kernelSize: Sizes,
  options: DepthwiseConvOptions = {},
): DepthwiseConv1D {
  return new DepthwiseConv1D({ ...options, kernelSize });
}
