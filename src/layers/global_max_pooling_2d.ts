/** @file Global max pooling of images. */
import type { Value } from '../ir/graph.ts';
import { reduceMax } from '../ops/index.ts';
import { BaseGlobalPooling, type GlobalPoolingOptions } from './base_global_pooling.ts';

export class GlobalMaxPooling2D extends BaseGlobalPooling {
  static readonly className = 'GlobalMaxPooling2D';
  constructor(options: GlobalPoolingOptions = {}) {
    super(2, options);
  }
  protected override reduce(x: Value, axes: readonly number[], keepdims: boolean): Value {
    return reduceMax(x, axes, keepdims);
  }
}

/**
 * The largest element of each channel of images [n, h, w, c]: [n, c].
 *
 * @see https://keras.io/api/layers/pooling_layers/global_max_pooling2d/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * globalMaxPooling2d()(x).shape; // [null, 3]
 * ```
 */
export function globalMaxPooling2d(options: GlobalPoolingOptions = {}): GlobalMaxPooling2D {
  return new GlobalMaxPooling2D(options);
}
