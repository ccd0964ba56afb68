/** @file The first input minus the second. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { sub } from '../ops/index.ts';
import { BaseMerge } from './base_merge.ts';
import { refuse } from './checks.ts';
import type { LayerOptions } from './layer.ts';

export class Subtract extends BaseMerge {
  static readonly className = 'Subtract';
  constructor(options: LayerOptions = {}) {
    super(options);
  }

  override build(inputShape: readonly PartialShape[]): void {
    if (inputShape.length !== 2)
      throw refuse(this.where, 'inputs', 'two tensors', inputShape.length);
    super.build(inputShape);
  }

  protected override merge(a: Value, b: Value): Value {
    return sub(a, b);
  }
}

/**
 * The first input minus the second, element by element: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/subtract/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * subtract()([a, b]).shape; // [null, 8]
 * ```
 */
export function subtract(options: LayerOptions = {}): Subtract {
  return new Subtract(options);
}
