/** @file Global max pooling of series. */
import type { Value } from '../ir/graph.ts';
import { reduceMax } from '../ops/index.ts';
import { BaseGlobalPooling, type GlobalPoolingOptions } from './base_global_pooling.ts';

export class GlobalMaxPooling1D extends BaseGlobalPooling {
  static readonly className = 'GlobalMaxPooling1D';
  constructor(options: GlobalPoolingOptions = {}) {
    super(1, options);
  }
  protected override reduce(x: Value, axes: readonly number[], keepdims: boolean): Value {
    return reduceMax(x, axes, keepdims);
  }
}

/**
 * The largest element of each channel of series [n, steps, c]: [n, c].
 *
 * @see https://keras.io/api/layers/pooling_layers/global_max_pooling1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * globalMaxPooling1d()(x).shape; // [null, 3]
 * ```
 */
export function globalMaxPooling1d(options: GlobalPoolingOptions = {}): GlobalMaxPooling1D {
  return new GlobalMaxPooling1D(options);
}
