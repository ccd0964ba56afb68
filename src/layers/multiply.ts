/** @file The product of the inputs. */
import type { Value } from '../ir/graph.ts';
import { mul } from '../ops/index.ts';
import { BaseMerge } from './base_merge.ts';
import type { LayerOptions } from './layer.ts';

export class Multiply extends BaseMerge {
  static readonly className = 'Multiply';
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  protected override merge(a: Value, b: Value): Value {
    return mul(a, b);
  }
}

/**
 * The product of the inputs, element by element: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/multiply/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * multiply()([a, b]).shape; // [null, 8]
 * ```
 */
export function multiply(options: LayerOptions = {}): Multiply {
  return new Multiply(options);
}
