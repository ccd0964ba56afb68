/** @file Max pooling of images. */
import type { Value } from '../ir/graph.ts';
import { maxPool2d, type PoolAttrs } from '../ops/index.ts';
import { BasePooling, type PoolingArguments, type PoolingOptions } from './base_pooling.ts';
import type { Sizes } from './checks.ts';

export class MaxPooling2D extends BasePooling {
  static readonly className = 'MaxPooling2D';
  constructor(options: PoolingArguments = {}) {
    super(2, options);
  }
  protected override pool(image: Value, attrs: PoolAttrs): Value {
    return maxPool2d(image, attrs);
  }
}

/**
 * The largest element of each window of images [n, h, w, c].
 *
 * @param poolSize extents of the window, default 2; it moves by `strides`, default its own size.
 * @throws TsunoError `ARGUMENT` for an impossible argument; when called, `SHAPE` where the window does not fit.
 * @see https://keras.io/api/layers/pooling_layers/max_pooling2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * maxPooling2d(2)(x).shape; // [null, 14, 14, 3]
 * ```
 */
export function maxPooling2d(poolSize: Sizes = 2, options: PoolingOptions = {}): MaxPooling2D {
  return new MaxPooling2D({ ...options, poolSize });
}
