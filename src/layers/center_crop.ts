/** @file The middle of images. */
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { channelsLast, positiveInteger } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { largestPart, middleOf } from './middle.ts';
import { resample } from './resample.ts';
import type { Config } from './serialized.ts';

export interface CenterCropOptions extends LayerOptions {
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export interface CenterCropArguments extends CenterCropOptions {
  height: number;
  width: number;
}

export class CenterCrop extends Layer {
  static readonly className = 'CenterCrop';
  readonly height: number;
  readonly width: number;
  readonly dataFormat: 'channels_last';

  constructor(options: CenterCropArguments) {
    super(options);
    this.height = positiveInteger(this.where, 'height', options.height);
    this.width = positiveInteger(this.where, 'width', options.width);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: 4 };
  }

  override call(x: Value): Value {
    const [, h, w] = x.shape as [number, number, number, number];
    const { height, width } = this;
    if (h >= height && w >= width) return middleOf(x, height, width);
    // Too small: the largest part with the target's proportions, enlarged.
    const [cropHeight, cropWidth] = largestPart([h, w], height, width);
    if (cropHeight < 1 || cropWidth < 1) throw this.tooSmall(x.shape);
    const part = middleOf(x, cropHeight, cropWidth);
    return resample(part, height, width, { interpolation: 'bilinear' });
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
    };
  }

  private tooSmall(shape: PartialShape): TsunoError {
    return new TsunoError('SHAPE', {
      where: this.where,
      what: 'input',
      expected: `of a size to cut ${this.height}×${this.width} from`,
      found: showShape(shape),
    });
  }
}

/**
 * Cuts the middle `height` × `width` out of images [n, h, w, c]; smaller images are enlarged.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * centerCrop(28, 28)(x).shape; // [null, 28, 28, 3]
 * ```
 */
export function centerCrop(
  height: number,
  width: number,
  options: CenterCropOptions = {},
): CenterCrop {
  return new CenterCrop({ ...options, height, width });
}
