/** @file Adaptive average pooling of series. */
import type { Value } from '../ir/graph.ts';
import { reduceMean } from '../ops/index.ts';
import { type AdaptivePoolingArguments, BaseAdaptivePooling } from './base_adaptive_pooling.ts';
import type { Sizes } from './checks.ts';
import type { LayerOptions } from './layer.ts';

export class AdaptiveAveragePooling1D extends BaseAdaptivePooling {
  static readonly className = 'AdaptiveAveragePooling1D';
  constructor(options: AdaptivePoolingArguments) {
    super(1, options);
  }
  protected override reduce(x: Value, axis: number): Value {
    return reduceMean(x, [axis], true);
  }
}

/**
 * Cuts series [n, steps, c] into `outputSize` nearly equal windows an axis and gives the mean of each.
 *
 * @see https://keras.io/api/layers/pooling_layers/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 3] });
 * adaptiveAveragePooling1d(4)(x).shape; // [null, 4, 3]
 * ```
 */
export function adaptiveAveragePooling1d(
  outputSize: Sizes,
  options: LayerOptions & { dataFormat?: string | null } = {},
): AdaptiveAveragePooling1D {
  return new AdaptiveAveragePooling1D({ ...options, outputSize });
}
