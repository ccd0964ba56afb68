/** @file Some images with a rectangle of noise or of one colour. */
import type { Value } from '../ir/graph.ts';
import {
  add,
  broadcast,
  logicalAnd,
  mul,
  type Operand,
  select,
  slice,
  sqrt,
} from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { finiteNumber } from './checks.ts';
import { constantVector } from './constant_vector.ts';
import { randomBox } from './random_box.ts';
import type { Config } from './serialized.ts';

export interface RandomErasingOptions extends ColorOptions {
  /** With which probability: drawn for each image up to this number (default 1), or between two. */
  factor?: Factor | undefined;
  /** Area of the rectangle as a share of the image, drawn for each side; default [0.02, 0.33]. */
  scale?: Factor | undefined;
  /** What fills it: one number, or one for each channel; default normal noise. */
  fillValue?: number | readonly number[] | null | undefined;
}

export class RandomErasing extends BaseColorAugmentation {
  static readonly className = 'RandomErasing';
  readonly factor: Range;
  readonly scale: Range;
  readonly fillValue: number | readonly number[] | undefined;

  constructor(options: RandomErasingOptions = {}) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor ?? 1, shares);
    this.scale = factorOf(this.where, 'scale', options.scale ?? [0.02, 0.33], shares);
    this.fillValue = options.fillValue ?? undefined;
    for (const value of [this.fillValue ?? []].flat()) finiteNumber(this.where, 'fillValue', value);
  }

  protected override augment(images: Value): Value {
    const n = images.shape[0]!;
    const [low, high] = this.scale;
    const areas = add(mul(this.uniform([n, 1, 1, 2]), high - low), low);
    const side = (i: number) => sqrt(slice(areas, [0, 0, 0, i], [n, 1, 1, 1]));
    const box = randomBox(images, { width: side(0), height: side(1) }, () =>
      this.uniform([n, 1, 1, 1]),
    );
    const erased = logicalAnd(box, this.chosen(images, this.factor));
    return select(erased, this.filling(images), images);
  }

  private filling(images: Value): Operand {
    const [dark, bright] = this.valueRange;
    if (this.fillValue === undefined) return this.clip(mul(this.normal(images.shape), bright));
    const fill = constantVector(this.where, images, this.fillValue);
    if (typeof fill === 'number') return Math.min(Math.max(fill, dark), bright);
    return this.clip(broadcast(fill, images.shape));
  }

  override config(): Config {
    return {
      ...super.config(),
      factor: [...this.factor],
      scale: [...this.scale],
      fill_value: this.fillValue ?? null,
    };
  }
}

/**
 * In training, fills a rectangle of each image with noise or a colour.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_erasing/
 * @see https://arxiv.org/abs/1708.04896
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomErasing({ factor: [0.5, 0.5], fillValue: 0 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomErasing(options: RandomErasingOptions = {}): RandomErasing {
  return new RandomErasing(options);
}
