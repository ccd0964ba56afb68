/** @file Dropout for self-normalizing networks. */
import type { Value } from '../ir/graph.ts';
import { add, mul, select } from '../ops/index.ts';
import { BaseDropout, type DropoutArguments, type DropoutOptions } from './base_dropout.ts';
import type { CallContext } from './layer.ts';

/** Where the SELU saturates: −scale·alpha. */
const floor = -1.0507009873554805 * 1.6732632423543772;

export class AlphaDropout extends BaseDropout {
  static readonly className = 'AlphaDropout';
  constructor(options: DropoutArguments) {
    super(options);
  }

  override call(x: Value, { training }: CallContext): Value {
    if (!training || this.rate === 0) return x;
    const { rate } = this;
    // The affine map that gives mean and variance back.
    const a = 1 / Math.sqrt((1 - rate) * (1 + rate * floor ** 2));
    const b = -a * floor * rate;
    return add(mul(select(this.kept(x.shape), x, floor), a), b);
  }
}

/**
 * In training, sets elements to the floor of the SELU with probability `rate` and keeps mean and variance (Klambauer and
 * others 2017).
 *
 * @see https://keras.io/api/layers/regularization_layers/alpha_dropout/
 * @example
 * ```ts
 * const x = Input({ shape: [64] });
 * alphaDropout(0.1)(x).shape; // [null, 64]
 * ```
 */
export function alphaDropout(rate: number, options: DropoutOptions = {}): AlphaDropout {
  return new AlphaDropout({ ...options, rate });
}
