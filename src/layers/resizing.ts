/** @file Images at a given size. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, pad, sub } from '../ops/index.ts';
import { channelsLast, finiteNumber, flag, oneOf, positiveInteger, refuse } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { largestPart, middleOf } from './middle.ts';
import { type Interpolation, interpolations, resample } from './resample.ts';
import type { Config } from './serialized.ts';

export interface ResizingOptions extends LayerOptions {
  /** `bilinear` (default), `nearest`, `bicubic`, `lanczos3` or `lanczos5`. */
  interpolation?: Interpolation | undefined;
  /** Cut to the target's proportions first, instead of distorting; default false. */
  cropToAspectRatio?: boolean | undefined;
  /** Fill up to the target's proportions first; default false. */
  padToAspectRatio?: boolean | undefined;
  /** How it is filled: only `constant`. */
  fillMode?: 'constant' | undefined;
  /** With what, default 0. */
  fillValue?: number | undefined;
  /** Make smaller images of all pixels, not of those near the places alone; default false. No matter for `nearest`. */
  antialias?: boolean | undefined;
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
  readonly padToAspectRatio: boolean;
  readonly fillMode: 'constant';
  readonly fillValue: number;
  readonly antialias: boolean;
  readonly dataFormat: 'channels_last';

  constructor(options: ResizingArguments) {
    super(options);
    this.height = positiveInteger(this.where, 'height', options.height);
    this.width = positiveInteger(this.where, 'width', options.width);
    const interpolation = options.interpolation ?? 'bilinear';
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, interpolations);
    this.cropToAspectRatio = flag(
      this.where,
      'cropToAspectRatio',
      options.cropToAspectRatio ?? false,
    );
    this.fillMode = oneOf(this.where, 'fillMode', options.fillMode ?? 'constant', ['constant']);
    this.fillValue = finiteNumber(this.where, 'fillValue', options.fillValue ?? 0);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.padToAspectRatio = flag(this.where, 'padToAspectRatio', options.padToAspectRatio ?? false);
    this.antialias = flag(this.where, 'antialias', options.antialias ?? false);
    if (this.cropToAspectRatio && this.padToAspectRatio)
      throw refuse(this.where, 'cropToAspectRatio and padToAspectRatio', 'one at most', true);
    this.inputSpec = { rank: 4 };
  }

  override call(x: Value): Value {
    const { interpolation, antialias } = this;
    const framed = this.cropToAspectRatio ? this.crop(x) : this.padToAspectRatio ? this.fill(x) : x;
    return resample(framed, this.height, this.width, { interpolation, antialias });
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
      pad_to_aspect_ratio: this.padToAspectRatio,
      fill_mode: this.fillMode,
      fill_value: this.fillValue,
      antialias: this.antialias,
    };
  }

  /** The largest middle part with the target's proportions. */
  private crop(x: Value): Value {
    const [, h, w] = x.shape as [number, number, number, number];
    const [height, width] = largestPart([h, w], this.height, this.width);
    return middleOf(x, Math.max(1, height), Math.max(1, width));
  }

  /** The image in the middle of the smallest frame with the target's proportions, up to a pixel. */
  private fill(x: Value): Value {
    const [, h, w] = x.shape as [number, number, number, number];
    const around = (extent: number, needed: number) =>
      Math.max(0, Math.floor((Math.floor(needed) - extent) / 2));
    const rows = around(h, (w * this.height) / this.width);
    const columns = around(w, (h * this.width) / this.height);
    const frame = [
      [0, 0],
      [rows, rows],
      [columns, columns],
      [0, 0],
    ] as const;
    return add(pad(sub(x, this.fillValue), frame), this.fillValue);
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
