/** @file Axes in another order. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { transpose } from '../ops/index.ts';
import { refuse } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface PermuteArguments extends LayerOptions {
  dims: readonly number[];
}

export class Permute extends Layer {
  static readonly className = 'Permute';
  readonly dims: readonly number[];

  constructor(options: PermuteArguments) {
    super(options);
    const { dims } = options;
    const sorted = Array.isArray(dims) ? [...dims].sort((a, b) => a - b) : [];
    if (sorted.length === 0 || sorted.some((axis, i) => axis !== i + 1))
      throw refuse(this.where, 'dims', 'a permutation of 1, 2, …', dims);
    this.dims = [...dims];
    this.inputSpec = { rank: dims.length + 1 };
    this.autocast = false;
  }

  override call(x: Value): Value {
    return transpose(x, [0, ...this.dims]);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return [0, ...this.dims].map((axis) => inputShape[axis]!);
  }

  override config(): Config {
    return { ...super.config(), dims: [...this.dims] };
  }
}

/**
 * Axis i of the output is axis `dims[i − 1]` of the input; the batch stays first.
 *
 * @param dims a permutation of 1, 2, …
 * @see https://keras.io/api/layers/reshaping_layers/permute/
 * @example
 * ```ts
 * const x = Input({ shape: [3, 28, 28] });
 * permute([2, 3, 1])(x).shape; // [null, 28, 28, 3]
 * ```
 */
export function permute(dims: readonly number[], options: LayerOptions = {}): Permute {
  return new Permute({ ...options, dims });
}
