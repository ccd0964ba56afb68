/** @file Images a whole number of times larger. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { channelsLast, oneOf, type Sizes, sizes } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Interpolation, interpolations, repeatAlong, resample } from './resample.ts';
import type { Config } from './serialized.ts';

export interface UpSampling2DOptions extends LayerOptions {
  /** `nearest` (default): pixels repeated; `bilinear`, `bicubic`, `lanczos3`, `lanczos5`: interpolated. */
  interpolation?: Interpolation | undefined;
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export interface UpSampling2DArguments extends UpSampling2DOptions {
  /** Default 2. */
  size?: Sizes | undefined;
}

export class UpSampling2D extends Layer {
  static readonly className = 'UpSampling2D';
  readonly size: readonly number[];
  readonly interpolation: Interpolation;
  readonly dataFormat: 'channels_last';

  constructor(options: UpSampling2DArguments = {}) {
    super(options);
    this.size = sizes(this.where, 'size', options.size ?? 2, 2);
    const interpolation = options.interpolation ?? 'nearest';
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, interpolations);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: 4 };
  }

  override call(x: Value): Value {
    const [rows, columns] = this.size as [number, number];
    const { interpolation } = this;
    if (interpolation === 'nearest') return repeatAlong(repeatAlong(x, 1, rows), 2, columns);
    return resample(x, x.shape[1]! * rows, x.shape[2]! * columns, { interpolation });
  }

  override outputShape([n, h, w, c]: PartialShape): PartialShape {
    const times = (extent: number | null | undefined, i: number) =>
      extent === null ? null : extent! * this.size[i]!;
    return [n!, times(h, 0), times(w, 1), c!];
  }

  override config(): Config {
    return {
      ...super.config(),
      size: [...this.size],
      data_format: this.dataFormat,
      interpolation: this.interpolation,
    };
  }
}

/**
 * Makes images [n, h, w, c] `size` times larger.
 *
 * @param size one number for rows and columns, or two; default 2.
 * @see https://keras.io/api/layers/reshaping_layers/up_sampling2d/
 * @example
 * ```ts
 * const x = Input({ shape: [14, 14, 3] });
 * upSampling2d(2)(x).shape; // [null, 28, 28, 3]
 * ```
 */
export function upSampling2d(size: Sizes = 2, options: UpSampling2DOptions = {}): UpSampling2D {
  return new UpSampling2D({ ...options, size });
}
