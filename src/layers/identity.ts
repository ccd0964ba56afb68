/** @file A layer that changes nothing. */
import type { Value } from '../ir/graph.ts';
import type { LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';

export class Identity extends SameShapeLayer {
  static readonly className = 'Identity';
  constructor(options: LayerOptions = {}) {
    super(options);
    this.autocast = false;
  }
  override call(x: Value): Value {
    return x;
  }
}

/**
 * Gives its input.
 *
 * @see https://keras.io/api/layers/core_layers/identity/
 * @example
 * ```ts
 * const x = Input({ shape: [10] });
 * identity()(x).shape; // [null, 10]
 * ```
 */
export function identity(options: LayerOptions = {}): Identity {
  return new Identity(options);
}
