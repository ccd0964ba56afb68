/** @file Convolution of images. */
import { BaseConv, type ConvArguments, type ConvOptions } from './base_conv.ts';
import type { Sizes } from './checks.ts';

export class Conv2D extends BaseConv {
  static readonly className = 'Conv2D';
  constructor(options: ConvArguments) {
    super(2, options);
  }
}

/**
 * Convolves images [n, h, w, c] with `filters` kernels: [n, h', w', filters].
 *
 * @param filters number of kernels, and of output channels.
 * @param kernelSize rows and columns of a kernel, one number for both.
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `SHAPE` where the kernel does not fit.
 * @see https://keras.io/api/layers/convolution_layers/convolution2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 1] });
 * const y = conv2d(32, 3, { activation: 'relu', padding: 'same' })(x);
 * y.shape; // [null, 28, 28, 32]
 * ```
 */
export function conv2d(filters: number, kernelSize: Sizes, options: ConvOptions = {}): Conv2D {
  return new Conv2D({ ...options, filters, kernelSize });
}
