/** @file Max pooling of series. */
import type { Value } from '../ir/graph.ts';
import { maxPool2d, type PoolAttrs } from '../ops/index.ts';
import { BasePooling, type PoolingArguments, type PoolingOptions } from './base_pooling.ts';
import type { Sizes } from './checks.ts';

export class MaxPooling1D extends BasePooling {
  static readonly className = 'MaxPooling1D';
  constructor(options: PoolingArguments = {}) {
    super(1, options);
  }
  protected override pool(image: Value, attrs: PoolAttrs): Value {
    return maxPool2d(image, attrs);
  }
}

/**
 * The largest element of each window of series [n, steps, c].
 *
 * @param poolSize extents of the window, default 2; it moves by `strides`, default its own size.
 * @throws TsunoError `ARGUMENT` for an impossible argument; when called, `SHAPE` where the window does not fit.
 * @see https://keras.io/api/layers/pooling_layers/max_pooling1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * maxPooling1d(2)(x).shape; // [null, 50, 3]
 * ```
 */
export function maxPooling1d(poolSize: Sizes = 2, options: PoolingOptions = {}): MaxPooling1D {
  return new MaxPooling1D({ ...options, poolSize });
}
