/** @file A vector several times over. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { broadcast, reshape } from '../ops/index.ts';
import { positiveInteger } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface RepeatVectorArguments extends LayerOptions {
  n: number;
}

export class RepeatVector extends Layer {
  static readonly className = 'RepeatVector';
  readonly n: number;

  constructor(options: RepeatVectorArguments) {
    super(options);
    this.n = positiveInteger(this.where, 'n', options.n);
    this.inputSpec = { rank: 2 };
    this.autocast = false;
  }

  override call(x: Value): Value {
    const [batch, features] = x.shape as [number, number];
    return broadcast(reshape(x, [batch, 1, features]), [batch, this.n, features]);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return [inputShape[0]!, this.n, inputShape[1]!];
  }

  override config(): Config {
    return { ...super.config(), n: this.n };
  }
}

/**
 * Repeats each vector `n` times: [batch, features] → [batch, n, features].
 *
 * @see https://keras.io/api/layers/reshaping_layers/repeat_vector/
 * @example
 * ```ts
 * const x = Input({ shape: [32] });
 * repeatVector(3)(x).shape; // [null, 3, 32]
 * ```
 */
export function repeatVector(n: number, options: LayerOptions = {}): RepeatVector {
  return new RepeatVector({ ...options, n });
}
