/** @file Normal noise, multiplied. */
import { show, TsunoError } from '../core/errors.ts';
import type { Value } from '../ir/graph.ts';
import { add, mul } from '../ops/index.ts';
import { NoiseLayer, type NoiseOptions } from './base_dropout.ts';
import { rate as rateOf } from './checks.ts';
import type { CallContext } from './layer.ts';
import type { Config } from './serialized.ts';

export interface GaussianDropoutArguments extends NoiseOptions {
  rate: number;
}

export class GaussianDropout extends NoiseLayer {
  static readonly className = 'GaussianDropout';
  readonly rate: number;

  constructor(options: GaussianDropoutArguments) {
    super(options);
    this.rate = rateOf(this.where, 'rate', options.rate);
    if (this.rate === 1) {
      throw new TsunoError('ARGUMENT', {
        where: this.where,
        what: 'rate',
        expected: 'below 1',
        found: show(options.rate),
      });
    }
  }

  override call(x: Value, { training }: CallContext): Value {
    if (!training || this.rate === 0) return x;
    const deviation = Math.sqrt(this.rate / (1 - this.rate));
    return mul(x, add(mul(this.normal(x.shape), deviation), 1));
  }

  override config(): Config {
    return { ...super.config(), rate: this.rate };
  }
}

/**
 * In training, multiplies by normal numbers of mean 1 and standard deviation √(rate/(1 − rate)).
 *
 * @see https://keras.io/api/layers/regularization_layers/gaussian_dropout/
 * @example
 * ```ts
 * const x = Input({ shape: [64] });
 * gaussianDropout(0.1)(x).shape; // [null, 64]
 * ```
 */
export function gaussianDropout(rate: number, options: NoiseOptions = {}): GaussianDropout {
  return new GaussianDropout({ ...options, rate });
}
