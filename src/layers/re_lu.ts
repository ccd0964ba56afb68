/** @file The rectified linear unit as a layer. */
import type { Value } from '../ir/graph.ts';
import { relu as reluOf } from './activations.ts';
import { atLeast } from './checks.ts';
import type { LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';

export interface ReLUOptions extends LayerOptions {
  /** The ceiling; default none. */
  maxValue?: number | null | undefined;
  /** Slope below the threshold, default 0. */
  negativeSlope?: number | undefined;
  /** Where the unit switches on, default 0. */
  threshold?: number | undefined;
}

export class ReLU extends SameShapeLayer {
  static readonly className = 'ReLU';
  readonly maxValue: number | undefined;
  readonly negativeSlope: number;
  readonly threshold: number;

  constructor(options: ReLUOptions = {}) {
    super(options);
    const { maxValue } = options;
    this.maxValue =
      maxValue === undefined || maxValue === null
        ? undefined
        : atLeast(this.where, 'maxValue', maxValue, 0);
    this.negativeSlope = atLeast(this.where, 'negativeSlope', options.negativeSlope ?? 0, 0);
    this.threshold = atLeast(this.where, 'threshold', options.threshold ?? 0, 0);
  }

  override call(x: Value): Value {
    return reluOf(x, this.negativeSlope, this.maxValue, this.threshold);
  }

  override config(): Config {
    return {
      ...super.config(),
      max_value: this.maxValue ?? null,
      negative_slope: this.negativeSlope,
      threshold: this.threshold,
    };
  }
}

/**
 * max(x, 0), with a ceiling, a slope below and a threshold where given.
 *
 * @see https://keras.io/api/layers/activation_layers/relu/
 * @example
 * ```ts
 * const x = Input({ shape: [8] });
 * relu({ maxValue: 6 })(x).shape; // [null, 8]
 * ```
 */
export function relu(options: ReLUOptions = {}): ReLU {
  return new ReLU(options);
}
