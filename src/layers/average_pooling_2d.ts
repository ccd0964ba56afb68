/** @file Average pooling of images. */
import type { Value } from '../ir/graph.ts';
import { averagePool2d, type PoolAttrs } from '../ops/index.ts';
import { BasePooling, type PoolingArguments, type PoolingOptions } from './base_pooling.ts';
import type { Sizes } from './checks.ts';

export class AveragePooling2D extends BasePooling {
  static readonly className = 'AveragePooling2D';
  constructor(options: PoolingArguments = {}) {
    super(2, options);
  }
  protected override pool(image: Value, attrs: PoolAttrs): Value {
    return averagePool2d(image, attrs);
  }
}

/**
 * The mean of each window of images [n, h, w, c].
 *
 * @param poolSize extents of the window, default 2; it moves by `strides`, default its own size.
 * @throws TsunoError `ARGUMENT` for an impossible argument; when called, `SHAPE` where the window does not fit.
 * @see https://keras.io/api/layers/pooling_layers/average_pooling2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * averagePooling2d(2)(x).shape; // [null, 14, 14, 3]
 * ```
 */
export function averagePooling2d(
  poolSize: Sizes = 2,
  options: PoolingOptions = {},
): AveragePooling2D {
  return new AveragePooling2D({ ...options, poolSize });
}
