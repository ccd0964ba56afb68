/** @file The mean of the inputs. */
import type { Value } from '../ir/graph.ts';
import { add, mul } from '../ops/index.ts';
import { BaseMerge } from './base_merge.ts';
import type { LayerOptions } from './layer.ts';

export class Average extends BaseMerge {
  static readonly className = 'Average';
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  protected override finish(merged: Value, count: number): Value {
    return mul(merged, 1 / count);
  }

  protected override merge(a: Value, b: Value): Value {
    return add(a, b);
  }
}

/**
 * The mean of the inputs, element by element: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/average/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * average()([a, b]).shape; // [null, 8]
 * ```
 */
export function average(options: LayerOptions = {}): Average {
  return new Average(options);
}
