/** @file Convolution of series. */
import { BaseConv, type ConvArguments, type ConvOptions } from './base_conv.ts';
import type { Sizes } from './checks.ts';

export class Conv1D extends BaseConv {
  static readonly className = 'Conv1D';
  constructor(options: ConvArguments) {
    super(1, options, ['valid', 'same', 'causal']);
  }
}

/**
 * Convolves series [n, steps, c] with `filters` kernels of `kernelSize` steps: [n, steps', filters].
 *
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `SHAPE` where the kernel does not fit.
 * @see https://keras.io/api/layers/convolution_layers/convolution1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * conv1d(8, 5, { padding: 'causal' })(x).shape; // [null, 100, 8]
 * ```
 */
export function conv1d(filters: number, kernelSize: Sizes, options: ConvOptions = {}): Conv1D {
  return new Conv1D({ ...options, filters, kernelSize });
}
