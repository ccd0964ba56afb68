/** @file Images with a rectangle of others of their batch. */
import type { Value } from '../ir/graph.ts';
import { add, gatherRows, mul, scalar, select, sqrt, sub } from '../ops/index.ts';
import {
  type AugmentationOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { BaseMixing, type Mixing } from './base_mixing.ts';
import { randomBox } from './random_box.ts';
import type { Config } from './serialized.ts';

export interface CutMixOptions extends AugmentationOptions {
  factor?: Factor | undefined;
}

export class CutMix extends BaseMixing {
  static readonly className = 'CutMix';
  readonly factor: Range;

  constructor(options: CutMixOptions = {}) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor ?? 1, shares);
  }

  protected override mix(images: Value): Mixing {
    const [low, high] = this.factor;
    const alpha =
      low === high
        ? scalar(images, low + 1e-6)
        : add(mul(this.uniform([]), high - low), low + 1e-6);
    const side = sqrt(sub(1, this.beta(images, alpha)));
    const box = randomBox(images, { width: side, height: side }, () =>
      this.uniform([images.shape[0]!, 1, 1, 1]),
    );
    const partner = this.partners(images);
    const share = sub(1, mul(side, side));
    return { partner, share, images: select(box, gatherRows(images, partner), images) };
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, puts a rectangle of another image of the batch into each image, and mixes labels, where they are given, by
 * its area. Call it on images, or with `outputsOf([images, labels])` on both, labels one-hot.
 *
 * @param factor the α of Beta(α, α), which the area follows: drawn for each batch up to this number (default 1), or
 * between two.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/cut_mix/
 * @see https://arxiv.org/abs/1905.04899
 * @example
 * ```ts
 * const images = Input({ shape: [32, 32, 3] });
 * const labels = Input({ shape: [10] });
 * cutMix().outputsOf([images, labels])[0]!.shape; // [null, 32, 32, 3]
 * ```
 */
export function cutMix(factor: Factor = 1, options: AugmentationOptions = {}): CutMix {
  return new CutMix({ ...options, factor });
}
