/** @file Images at a given size. */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { slice } from '../ops/index.ts';
import { channelsLast, oneOf, positiveInteger } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Interpolation, resample } from './resample.ts';
import type { Config } from './serialized.ts';

export interface ResizingOptions extends LayerOptions {
  /** `bilinear` (default) or `nearest`. */
  interpolation?: Interpolation | undefined;
  /** Cut to the target's proportions first, instead of distorting; default false. */
  cropToAspectRatio?: boolean | undefined;
  /** Only false. */
  padToAspectRatio?: boolean | undefined;
  /** Only false. */
  antialias?: boolean | undefined;
  fillMode?: string | undefined;
  fillValue?: number | undefined;
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export interface ResizingArguments extends ResizingOptions {
  height: number;
  width: number;
}

export class Resizing extends Layer {
  static readonly className = 'Resizing';
  readonly height: number;
  readonly width: number;
  readonly interpolation: Interpolation;
  readonly cropToAspectRatio: boolean;
  readonly fillMode: string;
  readonly fillValue: number;
  readonly dataFormat: 'channels_last';

  constructor(options: ResizingArguments) {
    super(options);
    this.height = positiveInteger(this.where, 'height', options.height);
    this.width = positiveInteger(this.where, 'width', options.width);
    const interpolation = options.interpolation ?? 'bilinear';
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, ['bilinear', 'nearest']);
    this.cropToAspectRatio = options.cropToAspectRatio ?? false;
    this.fillMode = options.fillMode ?? 'constant';
    this.fillValue = options.fillValue ?? 0;
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    for (const option of ['padToAspectRatio', 'antialias'] as const) {
      if (options[option]) {
        throw new TsunoError('UNSUPPORTED', {
          where: this.where,
          what: option,
          expected: 'false',
          found: show(true),
        });
      }
    }
    this.inputSpec = { rank: 4 };
  }

  override call(x: Value): Value {
    return resample(
      this.cropToAspectRatio ? this.crop(x) : x,
      this.height,
      this.width,
      this.interpolation,
    );
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return [inputShape[0]!, this.height, this.width, inputShape[3]!];
  }

  override config(): Config {
    return {
      ...super.config(),
      data_format: this.dataFormat,
      height: this.height,
      width: this.width,
      interpolation: this.interpolation,
      crop_to_aspect_ratio: this.cropToAspectRatio,
      pad_to_aspect_ratio: false,
      fill_mode: this.fillMode,
      fill_value: this.fillValue,
      antialias: false,
    };
  }

  /** The largest middle part with the target's proportions. */
  private crop(x: Value): Value {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    const height = Math.max(1, Math.min(h, Math.floor((w * this.height) / this.width)));
    const width = Math.max(1, Math.min(w, Math.floor((h * this.width) / this.height)));
    const start = [0, Math.floor((h - height) / 2), Math.floor((w - width) / 2), 0];
    return slice(x, start, [n, height, width, c]);
  }
}

/**
 * Brings images [n, h, w, c] to `height` × `width`.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_preprocessing/resizing/
 * @example
 * ```ts
 * const x = Input({ shape: [100, 80, 3] });
 * resizing(32, 32)(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function resizing(height: number, width: number, options: ResizingOptions = {}): Resizing {
  return new Resizing({ ...options, height, width });
}
