/** @file Adaptive max pooling of series. */
import type { Value } from '../ir/graph.ts';
import { reduceMax } from '../ops/index.ts';
import { type AdaptivePoolingArguments, BaseAdaptivePooling } from './base_adaptive_pooling.ts';
import type { Sizes } from './checks.ts';
import type { LayerOptions } from './layer.ts';

export class AdaptiveMaxPooling1D extends BaseAdaptivePooling {
  static readonly className = 'AdaptiveMaxPooling1D';
  constructor(options: AdaptivePoolingArguments) {
    super(1, options);
  }
  protected override reduce(x: Value, axis: number): Value {
    return reduceMax(x, [axis], true);
  }
}

/**
 * Cuts series [n, steps, c] into `outputSize` nearly equal windows an axis and gives the largest element of each.
 *
 * @see https://keras.io/api/layers/pooling_layers/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * adaptiveMaxPooling1d(4)(x).shape; // [null, 4, 3]
 * ```
 */
export function adaptiveMaxPooling1d(
  outputSize: Sizes,
  options: LayerOptions & { dataFormat?: string | null } = {},
): AdaptiveMaxPooling1D {
  return new AdaptiveMaxPooling1D({ ...options, outputSize });
}
