/** @file The smallest of the inputs. */
import type { Value } from '../ir/graph.ts';
import { minimum as minimumValues } from '../ops/index.ts';
import { BaseMerge } from './base_merge.ts';
import type { LayerOptions } from './layer.ts';

export class Minimum extends BaseMerge {
  static readonly className = 'Minimum';
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  protected override merge(a: Value, b: Value): Value {
    return minimumValues(a, b);
  }
}

/**
 * The smallest of the inputs, element by element: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/minimum/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * minimum()([a, b]).shape; // [null, 8]
 * ```
 */
export function minimum(options: LayerOptions = {}): Minimum {
  return new Minimum(options);
}
