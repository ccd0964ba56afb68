/** @file Each channel of each image with its tones spread, so that all are about equally frequent. */
import type { Value } from '../ir/graph.ts';
import {
  add,
  cast,
  div,
  equal,
  floor,
  histogram,
  less,
  mul,
  neg,
  reduceMax,
  reshape,
  select,
  sub,
  transpose,
} from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  clip,
  type Range,
  rescaled,
} from './base_image_augmentation.ts';
import { positiveInteger } from './checks.ts';
import type { Config } from './serialized.ts';
import { cumulativeSum, lookUp, starts } from './tones.ts';

export interface EqualizationOptions extends Omit<ColorOptions, 'seed'> {
  /** How many tones are told apart, default 256. */
  bins?: number | undefined;
}

const bytes: Range = [0, 255];

export class Equalization extends BaseColorAugmentation {
  static readonly className = 'Equalization';
  readonly bins: number;

  constructor(options: EqualizationOptions = {}) {
    super(options);
    this.bins = positiveInteger(this.where, 'bins', options.bins ?? 256);
  }

  protected override augment(images: Value): Value {
    const [n, h, w, c] = images.shape as readonly [number, number, number, number];
    const { bins } = this;
    const x = rescaled(images, this.valueRange, bytes);
    const tones = cast(clip(div(mul(x, bins - 1), 255), [0, bins - 1]), 'int32');
    const pixels = reshape(transpose(tones, [0, 3, 1, 2]), [n, c, h * w]);
    const upTo = cumulativeSum(cast(histogram(pixels, bins), 'float32')); // [n, c, bins]
    // The pixels of the darkest tone that occurs.
    const darkest = neg(reduceMax(neg(select(less(0, upTo), upTo, h * w)), [2], true));
    const isFlat = equal(darkest, h * w);
    const others = select(isFlat, 1, sub(h * w, darkest));
    const table = clip(rounded(div(mul(sub(upTo, darkest), 255), others)), bytes);
    const spread = lookUp(table, tones, starts(x, [n, 1, 1, c], bins));
    const unchanged = reshape(isFlat, [n, 1, 1, c]);
    return select(unchanged, images, rescaled(spread, bytes, this.valueRange));
  }

  override config(): Config {
    const { seed: _, ...rest } = super.config();
    return { ...rest, bins: this.bins };
  }
}

/** The nearest whole number; of two as near the even one. */
function rounded(x: Value): Value {
  const up = floor(add(x, 0.5));
  const isTie = equal(sub(up, x), 0.5);
  return select(isTie, mul(floor(mul(up, 0.5)), 2), up);
}

/**
 * In training, spreads the tones of each channel of each image over the full range, by how often each occurs.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/equalization/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * equalization()(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function equalization(options: EqualizationOptions = {}): Equalization {
  return new Equalization(options);
}
