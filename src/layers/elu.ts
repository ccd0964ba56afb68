/** @file The exponential linear unit. */
import type { Value } from '../ir/graph.ts';
import { elu as eluOf } from './activations.ts';
import { finiteNumber } from './checks.ts';
import type { LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';

export interface ELUOptions extends LayerOptions {
  /** How far below 0 it goes, default 1. */
  alpha?: number | undefined;
}

export class ELU extends SameShapeLayer {
  static readonly className = 'ELU';
  readonly alpha: number;

  constructor(options: ELUOptions = {}) {
    super(options);
    this.alpha = finiteNumber(this.where, 'alpha', options.alpha ?? 1);
  }

  override call(x: Value): Value {
    return eluOf(x, this.alpha);
  }

  override config(): Config {
    return { ...super.config(), alpha: this.alpha };
  }
}

/**
 * x above 0, `alpha`·(eˣ − 1) below.
 *
 * @see https://keras.io/api/layers/activation_layers/elu/
 * @example
 * ```ts
 * const x = Input({ shape: [8] });
 * elu({ alpha: 0.5 })(x).shape; // [null, 8]
 * ```
 */
export function elu(options: ELUOptions = {}): ELU {
  return new ELU(options);
}
