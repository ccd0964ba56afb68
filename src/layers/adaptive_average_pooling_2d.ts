/** @file Adaptive average pooling of images. */
import type { Value } from '../ir/graph.ts';
import { reduceMean } from '../ops/index.ts';
import { type AdaptivePoolingArguments, BaseAdaptivePooling } from './base_adaptive_pooling.ts';
import type { Sizes } from './checks.ts';
import type { LayerOptions } from './layer.ts';

export class AdaptiveAveragePooling2D extends BaseAdaptivePooling {
  static readonly className = 'AdaptiveAveragePooling2D';
  constructor(options: AdaptivePoolingArguments) {
    super(2, options);
  }
  protected override reduce(x: Value, axis: number): Value {
    return reduceMean(x, [axis], true);
  }
}

/**
 * Cuts images [n, h, w, c] into `outputSize` nearly equal windows an axis and gives the mean of each.
 *
 * @see https://keras.io/api/layers/pooling_layers/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * adaptiveAveragePooling2d(4)(x).shape; // [null, 4, 4, 3]
 * ```
 */
export function adaptiveAveragePooling2d(
  outputSize: Sizes,
  options: LayerOptions & { dataFormat?: string | null } = {},
): AdaptiveAveragePooling2D {
  return new AdaptiveAveragePooling2D({ ...options, outputSize });
}
