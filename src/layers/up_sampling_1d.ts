/** @file Series with every step repeated. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { positiveInteger } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { repeatAlong } from './resample.ts';
import type { Config } from './serialized.ts';

export interface UpSampling1DArguments extends LayerOptions {
  /** Default 2. */
  size?: number | undefined;
}

export class UpSampling1D extends Layer {
  static readonly className = 'UpSampling1D';
  readonly size: number;

  constructor(options: UpSampling1DArguments = {}) {
    super(options);
    this.size = positiveInteger(this.where, 'size', options.size ?? 2);
    this.inputSpec = { rank: 3 };
  }

  override call(x: Value): Value {
    return repeatAlong(x, 1, this.size);
  }

  override outputShape([n, steps, c]: PartialShape): PartialShape {
    return [n!, steps === null ? null : steps! * this.size, c!];
  }

  override config(): Config {
    return { ...super.config(), size: this.size };
  }
}

/**
 * Repeats every step of series [n, steps, c] `size` times.
 *
 * @see https://keras.io/api/layers/reshaping_layers/up_sampling1d/
 * @example
 * ```ts
 * const x = Input({ shape: [10, 3] });
 * upSampling1d(2)(x).shape; // [null, 20, 3]
 * ```
 */
export function upSampling1d(size = 2, options: LayerOptions = {}): UpSampling1D {
  return new UpSampling1D({ ...options, size });
}
