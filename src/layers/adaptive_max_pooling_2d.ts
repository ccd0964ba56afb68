/** @file Adaptive max pooling of images. */
import type { Value } from '../ir/graph.ts';
import { reduceMax } from '../ops/index.ts';
import { type AdaptivePoolingArguments, BaseAdaptivePooling } from './base_adaptive_pooling.ts';
import type { Sizes } from './checks.ts';
import type { LayerOptions } from './layer.ts';

export class AdaptiveMaxPooling2D extends BaseAdaptivePooling {
  static readonly className = 'AdaptiveMaxPooling2D';
  constructor(options: AdaptivePoolingArguments) {
    super(2, options);
  }
  protected override reduce(x: Value, axis: number): Value {
    return reduceMax(x, [axis], true);
  }
}

/**
 * Cuts images [n, h, w, c] into `outputSize` nearly equal windows an axis and gives the largest element of each.
 *
 * @see https://keras.io/api/layers/pooling_layers/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 3] });
 * adaptiveMaxPooling2d(4)(x).shape; // [null, 4, 4, 3]
 * ```
 */
export function adaptiveMaxPooling2d(
  outputSize: Sizes,
  options: LayerOptions & { dataFormat?: string | null } = {},
): AdaptiveMaxPooling2D {
  return new AdaptiveMaxPooling2D({ ...options, outputSize });
}
