/** @file The largest of the inputs. */
import type { Value } from '../ir/graph.ts';
import { maximum as maximumValues } from '../ops/index.ts';
import { BaseMerge } from './base_merge.ts';
import type { LayerOptions } from './layer.ts';

export class Maximum extends BaseMerge {
  static readonly className = 'Maximum';
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  protected override merge(a: Value, b: Value): Value {
    return maximumValues(a, b);
  }
}

/**
 * The largest of the inputs, element by element: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/maximum/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * maximum()([a, b]).shape; // [null, 8]
 * ```
 */
export function maximum(options: LayerOptions = {}): Maximum {
  return new Maximum(options);
}
