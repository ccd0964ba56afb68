/** @file The leaky rectified linear unit. */
import type { Value } from '../ir/graph.ts';
import { leakyRelu as leakyReluOf } from './activations.ts';
import { finiteNumber } from './checks.ts';
import type { LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';

export interface LeakyReLUOptions extends LayerOptions {
  /** Slope below 0, default 0.3. */
  negativeSlope?: number | undefined;
}

export class LeakyReLU extends SameShapeLayer {
  static readonly className = 'LeakyReLU';
  readonly negativeSlope: number;

  constructor(options: LeakyReLUOptions = {}) {
    super(options);
    this.negativeSlope = finiteNumber(this.where, 'negativeSlope', options.negativeSlope ?? 0.3);
  }

  override call(x: Value): Value {
    return leakyReluOf(x, this.negativeSlope);
  }

  override config(): Config {
    return { ...super.config(), negative_slope: this.negativeSlope };
  }
}

/**
 * x above 0, `negativeSlope`·x below.
 *
 * @see https://keras.io/api/layers/activation_layers/leaky_relu/
 * @example
 * ```ts
 * const x = Input({ shape: [8] });
 * leakyRelu({ negativeSlope: 0.1 })(x).shape; // [null, 8]
 * ```
 */
export function leakyRelu(options: LeakyReLUOptions = {}): LeakyReLU {
  return new LeakyReLU(options);
}
