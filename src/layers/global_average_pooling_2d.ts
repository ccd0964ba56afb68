/** @file Global average pooling of images. */
import type { Value } from '../ir/graph.ts';
import { reduceMean } from '../ops/index.ts';
import { BaseGlobalPooling, type GlobalPoolingOptions } from './base_global_pooling.ts';

export class GlobalAveragePooling2D extends BaseGlobalPooling {
  static readonly className = 'GlobalAveragePooling2D';
  constructor(options: GlobalPoolingOptions = {}) {
    super(2, options);
  }
  protected override reduce(x: Value, axes: readonly number[], keepdims: boolean): Value {
    return reduceMean(x, axes, keepdims);
  }
}

/**
 * The mean of each channel of images [n, h, w, c]: [n, c].
 *
 * @see https://keras.io/api/layers/pooling_layers/global_average_pooling2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * globalAveragePooling2d()(x).shape; // [null, 3]
 * ```
 */
export function globalAveragePooling2d(options: GlobalPoolingOptions = {}): GlobalAveragePooling2D {
  return new GlobalAveragePooling2D(options);
}
