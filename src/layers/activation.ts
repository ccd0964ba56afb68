/** @file An activation function as a layer. */
import type { Value } from '../ir/graph.ts';
import {
  type Activation as ActivationEntry,
  type ActivationLike,
  activationOf,
} from './activations.ts';
import type { LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';

export interface ActivationArguments extends LayerOptions {
  activation: ActivationLike;
}

export class Activation extends SameShapeLayer {
  static readonly className = 'Activation';
  readonly activation: ActivationEntry;

  constructor(options: ActivationArguments) {
    super(options);
    this.activation = activationOf(this.where, options.activation);
  }

  override call(x: Value): Value {
    return this.activation.apply(x);
  }

  override config(): Config {
    return { ...super.config(), activation: this.activation.serialize() };
  }
}

/**
 * Applies an activation function, by name or as a function on values.
 *
 * @throws TsunoError `ARGUMENT` for an unknown name.
 * @see https://keras.io/api/layers/core_layers/activation/
 * @example
 * ```ts
 * const x = Input({ shape: [8] });
 * activation('gelu')(x).shape; // [null, 8]
 * ```
 */
export function activation(name: ActivationLike, options: LayerOptions = {}): Activation {
  return new Activation({ ...options, activation: name });
}
