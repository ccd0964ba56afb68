/** @file Normal noise, added. */
import type { Value } from '../ir/graph.ts';
import { add, mul } from '../ops/index.ts';
import { NoiseLayer, type NoiseOptions } from './base_dropout.ts';
import { atLeast } from './checks.ts';
import type { CallContext } from './layer.ts';
import type { Config } from './serialized.ts';

export interface GaussianNoiseArguments extends NoiseOptions {
  stddev: number;
}

export class GaussianNoise extends NoiseLayer {
  static readonly className = 'GaussianNoise';
  readonly stddev: number;

  constructor(options: GaussianNoiseArguments) {
    super(options);
    this.stddev = atLeast(this.where, 'stddev', options.stddev, 0);
  }

  override call(x: Value, { training }: CallContext): Value {
    if (!training || this.stddev === 0) return x;
    return add(x, mul(this.normal(x.shape), this.stddev));
  }

  override config(): Config {
    return { ...super.config(), stddev: this.stddev };
  }
}

/**
 * In training, adds normal noise of standard deviation `stddev`.
 *
 * @see https://keras.io/api/layers/regularization_layers/gaussian_noise/
 * @example
 * ```ts
 * const x = Input({ shape: [64] });
 * gaussianNoise(0.1)(x).shape; // [null, 64]
 * ```
 */
export function gaussianNoise(stddev: number, options: NoiseOptions = {}): GaussianNoise {
  return new GaussianNoise({ ...options, stddev });
}
