/** @file Depthwise convolution of images. */
import {
  BaseDepthwiseConv,
  type DepthwiseConvArguments,
  type DepthwiseConvOptions,
} from './base_depthwise_conv.ts';
import type { Sizes } from './checks.ts';

export class DepthwiseConv2D extends BaseDepthwiseConv {
  static readonly className = 'DepthwiseConv2D';
  constructor(options: DepthwiseConvArguments) {
    super(2, options);
  }
}

/**
 * Convolves each channel of images [n, h, w, c] with `depthMultiplier` kernels of its own.
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `SHAPE` where the kernel does not fit.
 * @see https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * depthwiseConv2d(3, { depthMultiplier: 2 })(x).shape; // [null, 26, 26, 6]
 * ```
 */
export function depthwiseConv2d(
  kernelSize: Sizes,
  options: DepthwiseConvOptions = {},
): DepthwiseConv2D {
  return new DepthwiseConv2D({ ...options, kernelSize });
}
