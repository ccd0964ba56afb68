/** @file Global average pooling of series. */
import type { Value } from '../ir/graph.ts';
import { reduceMean } from '../ops/index.ts';
import { BaseGlobalPooling, type GlobalPoolingOptions } from './base_global_pooling.ts';

export class GlobalAveragePooling1D extends BaseGlobalPooling {
  static readonly className = 'GlobalAveragePooling1D';
  constructor(options: GlobalPoolingOptions = {}) {
    super(1, options);
  }
  override get acceptsMask(): boolean {
    return true;
  }

  protected override reduce(x: Value, axes: readonly number[], keepdims: boolean): Value {
    return reduceMean(x, axes, keepdims);
  }
}

/**
 * The mean of each channel of series [n, steps, c]: [n, c].
 *
 * @see https://keras.io/api/layers/pooling_layers/global_average_pooling1d/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * globalAveragePooling1d()(x).shape; // [null, 3]
 * ```
 */
export function globalAveragePooling1d(options: GlobalPoolingOptions = {}): GlobalAveragePooling1D {
  return new GlobalAveragePooling1D(options);
}
