/** @file Layer normalization. */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { reshape } from '../ops/index.ts';
import { BaseNormalization, type ScaledOptions } from './base_normalization.ts';
import { axisList, axisOf, knownExtent } from './checks.ts';
import { momentsOf, standardize } from './moments.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

export interface LayerNormalizationOptions extends ScaledOptions {
  /** The axes that are normalized together, default the last. */
  axis?: number | readonly number[] | undefined;
  /** Only false: use `rmsNormalization`. */
  rmsScaling?: boolean | undefined;
}

/** Axes in increasing order, none twice. */
export function sortedAxes(
  where: string,
  axis: number | readonly number[],
  shape: PartialShape,
): number[] {
  const axes = (typeof axis === 'number' ? [axis] : axis).map((one) =>
    axisOf(where, 'axis', one, shape),
  );
  return [...new Set(axes)].sort((a, b) => a - b);
}

/** Extents along `axes`, 1 elsewhere: how a weight over these axes broadcasts. */
export function along(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.map((extent, i) => (axes.includes(i) ? extent : 1));
}

export class LayerNormalization extends BaseNormalization {
  static readonly className = 'LayerNormalization';
  readonly axis: number | readonly number[];

  constructor(options: LayerNormalizationOptions = {}) {
    super(options);
    this.axis = axisList(this.where, 'axis', options.axis ?? -1);
    if (options.rmsScaling) {
      throw new TsunoError('UNSUPPORTED', {
        where: this.where,
        what: 'rmsScaling',
        expected: 'false',
        found: show(true),
        repair: 'Use layers.rmsNormalization.',
      });
    }
  }

  override build(inputShape: PartialShape): void {
    const axes = sortedAxes(this.where, this.axis, inputShape);
    this.addScale(axes.map((axis) => knownExtent(this.where, axis, inputShape)));
  }

  override call(x: Value): Value {
    const axes = sortedAxes(this.where, this.axis, x.shape);
    const wide = (variable: Variable) => reshape(this.read(variable), along(x.shape, axes));
    const gamma = this.gamma && wide(this.gamma);
    const beta = this.beta && wide(this.beta);
    return standardize(x, momentsOf(x, axes), this.epsilon, gamma, beta);
  }

  override config(): Config {
    const list = typeof this.axis === 'number' ? [this.axis] : [...this.axis];
    const axis = this.built || typeof this.axis !== 'number' ? list : this.axis;
    return { ...super.config(), axis, rms_scaling: false };
  }
}

/**
 * Brings each sample to mean 0 and variance 1 along `axis`, then to a learned scale and offset (Ba and others 2016).
 *
 * @see https://keras.io/api/layers/normalization_layers/layer_normalization/
 * @example
 * ```ts
 * const x = Input({ shape: [10, 64] });
 * layerNormalization()(x).shape; // [null, 10, 64]
 * ```
 */
export function layerNormalization(options: LayerNormalizationOptions = {}): LayerNormalization {
  return new LayerNormalization(options);
}
