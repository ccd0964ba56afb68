/** @file Images as seen from aside. */
import type { Value } from '../ir/graph.ts';
import {
  add,
  broadcast,
  div,
  maximum,
  minimum,
  mul,
  reshape,
  sample2d,
  select,
  sub,
} from '../ops/index.ts';
import { gridOf } from './affine_transform.ts';
import {
  type AugmentationOptions,
  BaseImageAugmentation,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { finiteNumber, oneOf, rate } from './checks.ts';
import type { Config } from './serialized.ts';

export interface RandomPerspectiveOptions extends AugmentationOptions {
  /** With which probability: drawn for each image up to this number (default 1), or between two. */
  factor?: Factor | undefined;
  /** How far corners move, as a share of the image, 0 to 1 (default); half of it to each side. */
  scale?: number | undefined;
  /** `bilinear` (default) or `nearest`. */
  interpolation?: 'bilinear' | 'nearest' | undefined;
  /** What lies around the image; default 0. */
  fillValue?: number | undefined;
}

/** Where three corners go, as multiples of where they were; the upper left one stays. */
export interface CornerShifts {
  /** Column of the upper right corner. */
  right: Value;
  /** Row of the lower left corner. */
  bottom: Value;
  /** Column and row of the lower right corner. */
  column: Value;
  row: Value;
}

export class RandomPerspective extends BaseImageAugmentation {
  static readonly className = 'RandomPerspective';
  readonly factor: Range;
  readonly scale: number;
  readonly interpolation: 'bilinear' | 'nearest';
  readonly fillValue: number;

  constructor(options: RandomPerspectiveOptions = {}) {
    super(options);
    const { factor = 1, scale = 1, interpolation = 'bilinear', fillValue = 0 } = options;
    this.factor = factorOf(this.where, 'factor', factor, shares);
    this.scale = rate(this.where, 'scale', scale);
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, ['bilinear', 'nearest']);
    this.fillValue = finiteNumber(this.where, 'fillValue', fillValue);
  }

  protected shifts(images: Value): CornerShifts {
    const n = images.shape[0]!;
    const draw = () => add(mul(this.uniform([n, 1, 1, 1]), this.scale), 1 - this.scale / 2);
    return { right: draw(), bottom: draw(), column: draw(), row: draw() };
  }

  /**
   * The quadrilateral with corners (0, 0), (right·W, 0), (0, bottom·H), (column·W, row·H) is the image. With
   * p = column / right, q = row / bottom and X = x / (column·W), Y = y / (row·H), the pixel (x, y) is read at
   * (p + q − 1)·(X·W, Y·H) / (1 − (1 − q)·X − (1 − p)·Y).
   */
  protected override augment(images: Value): Value {
    const [n, h, w] = images.shape as readonly [number, number, number, number];
    const { right, bottom, column, row } = this.shifts(images);
    const grid = gridOf(images);
    const [x, y] = [div(grid.x, column), div(grid.y, row)];
    const [p, q] = [div(column, right), div(row, bottom)];
    const slope = (place: Value, share: Value, last: number) =>
      mul(place, mul(sub(1, share), 1 / Math.max(last, 1)));
    const depth = sub(sub(1, slope(x, q, w - 1)), slope(y, p, h - 1));
    const places = (place: Value, extent: number) => {
      const read = div(mul(place, sub(add(p, q), 1)), depth);
      // Two pixels outside is as far as any: nothing of the image is near.
      const bounded = minimum(maximum(read, -2), extent + 1);
      return reshape(broadcast(bounded, [n, h, w, 1]), [n, h, w]);
    };
    const { interpolation, fillValue } = this;
    const seen = sample2d(images, places(y, h), places(x, w), { interpolation, fillValue });
    return select(this.chosen(images, this.factor), seen, images);
  }

  override config(): Config {
    return {
      ...super.config(),
      factor: [...this.factor],
      scale: this.scale,
      interpolation: this.interpolation,
      fill_value: this.fillValue,
    };
  }
}

/**
 * In training, distorts images as if they were seen from aside.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_perspective/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomPerspective({ scale: 0.3 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomPerspective(options: RandomPerspectiveOptions = {}): RandomPerspective {
  return new RandomPerspective(options);
}
