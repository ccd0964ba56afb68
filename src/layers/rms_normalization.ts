/** @file Normalization by the root of the mean square. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, div, mul, reduceMean, reshape, sqrt, square } from '../ops/index.ts';
import { atLeast, axisList, knownExtent } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { along, sortedAxes } from './layer_normalization.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

export interface RMSNormalizationOptions extends LayerOptions {
  /** The axes that are normalized together, default the last. */
  axis?: number | readonly number[] | undefined;
  /** Added to the mean square, default 1e-6. */
  epsilon?: number | undefined;
}

export class RMSNormalization extends Layer {
  static readonly className = 'RMSNormalization';
  readonly axis: number | readonly number[];
  readonly epsilon: number;
  scale!: Variable;

  constructor(options: RMSNormalizationOptions = {}) {
    super(options);
    this.axis = axisList(this.where, 'axis', options.axis ?? -1);
    this.epsilon = atLeast(this.where, 'epsilon', options.epsilon ?? 1e-6, 0);
  }

  override build(inputShape: PartialShape): void {
    const axes = sortedAxes(this.where, this.axis, inputShape);
    const shape = axes.map((axis) => knownExtent(this.where, axis, inputShape));
    this.scale = this.addWeight({ name: 'scale', shape, initializer: 'ones' });
  }

  override call(x: Value): Value {
    const axes = sortedAxes(this.where, this.axis, x.shape);
    const root = sqrt(add(reduceMean(square(x), axes, true), this.epsilon));
    return mul(div(x, root), reshape(this.read(this.scale), along(x.shape, axes)));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }

  override config(): Config {
    const list = typeof this.axis === 'number' ? [this.axis] : [...this.axis];
    const axis = this.built || typeof this.axis !== 'number' ? list : this.axis;
    return { ...super.config(), axis, epsilon: this.epsilon };
  }
}

/**
 * Divides by the root of the mean square along `axis` and multiplies by a learned scale (Zhang and Sennrich 2019).
 *
 * @see https://keras.io/api/layers/normalization_layers/rms_normalization/
 * @example
 * ```ts
 * const x = Input({ shape: [10, 64] });
 * rmsNormalization()(x).shape; // [null, 10, 64]
 * ```
 */
export function rmsNormalization(options: RMSNormalizationOptions = {}): RMSNormalization {
  return new RMSNormalization(options);
}
