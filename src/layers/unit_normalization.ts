/** @file Vectors brought to length 1. */

import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { div, maximum, reduceSum, sqrt, square } from '../ops/index.ts';
import { axisList } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { sortedAxes } from './layer_normalization.ts';
import type { Config } from './serialized.ts';

export interface UnitNormalizationOptions extends LayerOptions {
  /** The axes whose elements form one vector, default the last. */
  axis?: number | readonly number[] | undefined;
}

export class UnitNormalization extends Layer {
  static readonly className = 'UnitNormalization';
  readonly axis: number | readonly number[];

  constructor(options: UnitNormalizationOptions = {}) {
    super(options);
    this.axis = axisList(this.where, 'axis', options.axis ?? -1);
    this.built = true;
  }

  override call(x: Value): Value {
    const axes = sortedAxes(this.where, this.axis, x.shape);
    return div(x, sqrt(maximum(reduceSum(square(x), axes, true), 1e-12)));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    sortedAxes(this.where, this.axis, inputShape);
    return inputShape;
  }

  override config(): Config {
    return { ...super.config(), axis: this.axis };
  }
}

/**
 * Divides by the Euclidean length along `axis`.
 *
 * @see https://keras.io/api/layers/normalization_layers/unit_normalization/
 * @example
 * ```ts
 * const x = Input({ shape: [64] });
 * unitNormalization()(x).shape; // [null, 64]
 * ```
 */
export function unitNormalization(options: UnitNormalizationOptions = {}): UnitNormalization {
  return new UnitNormalization(options);
}
