/** @file Images slanted. */
import type { Value } from '../ir/graph.ts';
import { less, mul, select } from '../ops/index.ts';
import {
  type AffineMap,
  BaseGeometricAugmentation,
  type GeometricOptions,
} from './affine_transform.ts';
import {
  type Factor,
  type FactorRule,
  factorOf,
  type Range,
  sortedPair,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomShearOptions extends GeometricOptions {
  /** Columns that each row is shifted against the one before; default 0. */
  xFactor?: Factor | undefined;
  /** Rows that each column is shifted against the one before; default 0. */
  yFactor?: Factor | undefined;
}

const rule: FactorRule = { least: 0, most: 1, spread: (factor) => [-factor, factor] };

/** A config holds the range that one number became, which no pair may be. */
function rangeOf(where: string, what: string, value: Factor): Range {
  const isSymmetric = Array.isArray(value) && value[0] === -value[1];
  return isSymmetric ? sortedPair(where, what, value) : factorOf(where, what, value, rule);
}

export class RandomShear extends BaseGeometricAugmentation {
  static readonly className = 'RandomShear';
  readonly xFactor: Range;
  readonly yFactor: Range;

  constructor(options: RandomShearOptions = {}) {
    super(options);
    this.xFactor = rangeOf(this.where, 'xFactor', options.xFactor ?? 0);
    this.yFactor = rangeOf(this.where, 'yFactor', options.yFactor ?? 0);
  }

  override map(images: Value): AffineMap {
    const toss = this.uniform([images.shape[0]!, 1, 1, 1]);
    const sign = select(less(0.5, toss), -1, 1);
    const slant = (range: Range) => mul(sign, this.perImage(images, range));
    return { x: [1, slant(this.xFactor), 0], y: [slant(this.yFactor), 1, 0] };
  }

  override config(): Config {
    return { ...super.config(), x_factor: [...this.xFactor], y_factor: [...this.yFactor] };
  }
}

/**
 * In training, slants each image, to either side.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_shear/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomShear({ xFactor: 0.3 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomShear(options: RandomShearOptions = {}): RandomShear {
  return new RandomShear(options);
}
