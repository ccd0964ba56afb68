/** @file A piece of each image, cut at random. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import {
  add,
  broadcast,
  cast,
  floor,
  iota,
  minimum,
  mul,
  reshape,
  sample2d,
} from '../ops/index.ts';
import { type AugmentationOptions, BaseImageAugmentation } from './base_image_augmentation.ts';
import { CenterCrop } from './center_crop.ts';
import { positiveInteger } from './checks.ts';
import type { CallContext } from './layer.ts';
import type { Config } from './serialized.ts';

export interface RandomCropArguments extends AugmentationOptions {
  height: number;
  width: number;
}

export class RandomCrop extends BaseImageAugmentation {
  static readonly className = 'RandomCrop';
  readonly height: number;
  readonly width: number;
  readonly #middle: CenterCrop;

  constructor(options: RandomCropArguments) {
    super(options);
    this.height = positiveInteger(this.where, 'height', options.height);
    this.width = positiveInteger(this.where, 'width', options.width);
    const { name, height, width } = this;
    this.#middle = new CenterCrop({ name, height, width });
  }

  override call(images: Value, { training }: CallContext): Value {
    const [, h, w] = images.shape as readonly [number, number, number, number];
    const fits = h >= this.height && w >= this.width;
    return training && fits ? this.augment(images) : this.#middle.call(images);
  }

  protected override augment(images: Value): Value {
    const [n, h, w] = images.shape as readonly [number, number, number, number];
    const { height, width } = this;
    const places = (extent: number, size: number, shape: readonly number[]) => {
      const choices = extent - size + 1;
      const start = minimum(floor(mul(this.uniform([n, 1, 1]), choices)), choices - 1);
      const steps = reshape(cast(iota(images, size), 'float32'), shape);
      return broadcast(add(start, steps), [n, height, width]);
    };
    const rows = places(h, height, [1, height, 1]);
    const columns = places(w, width, [1, 1, width]);
    return sample2d(images, rows, columns, { interpolation: 'nearest', fillValue: 0 });
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return [inputShape[0]!, this.height, this.width, inputShape[3]!];
  }

  override config(): Config {
    return { ...super.config(), height: this.height, width: this.width };
  }
}

/**
 * In training, cuts `height` × `width` out of each image, at a place of its own; else, and where an image is too small, as
 * `centerCrop`. (Keras cuts all images of a batch at one place.)
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_crop/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomCrop(28, 28)(x).shape; // [null, 28, 28, 3]
 * ```
 */
export function randomCrop(
  height: number,
  width: number,
  options: AugmentationOptions = {},
): RandomCrop {
  return new RandomCrop({ ...options, height, width });
}
