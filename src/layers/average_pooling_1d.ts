/** @file Average pooling of series. */
import type { Value } from '../ir/graph.ts';
import { averagePool2d, type PoolAttrs } from '../ops/index.ts';
import { BasePooling, type PoolingArguments, type PoolingOptions } from './base_pooling.ts';
import type { Sizes } from './checks.ts';

export class AveragePooling1D extends BasePooling {
  static readonly className = 'AveragePooling1D';
  constructor(options: PoolingArguments = {}) {
    super(1, options);
  }
  protected override pool(image: Value, attrs: PoolAttrs): Value {
    return averagePool2d(image, attrs);
  }
}

/**
 * The mean of each window of series [n, steps, c].
 *
 * @param poolSize extents of the window, default 2; it moves by `strides`, default its own size.
 * @throws TsunoError `ARGUMENT` for an impossible argument; when called, `SHAPE` where the window does not fit.
 * @see https://keras.io/api/layers/pooling_layers/average_pooling1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * averagePooling1d(2)(x).shape; // [null, 50, 3]
 * ```
 */
export function averagePooling1d(
  poolSize: Sizes = 2,
  options: PoolingOptions = {},
): AveragePooling1D {
  return new AveragePooling1D({ ...options, poolSize });
}
