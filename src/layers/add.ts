/** @file The sum of the inputs. */
import type { Value } from '../ir/graph.ts';
import { add as addValues } from '../ops/index.ts';
import { BaseMerge } from './base_merge.ts';
import type { LayerOptions } from './layer.ts';

export class Add extends BaseMerge {
  static readonly className = 'Add';
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  protected override merge(a: Value, b: Value): Value {
    return addValues(a, b);
  }
}

/**
 * The sum of the inputs, element by element: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/add/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * add()([a, b]).shape; // [null, 8]
 * ```
 */
export function add(options: LayerOptions = {}): Add {
  return new Add(options);
}
