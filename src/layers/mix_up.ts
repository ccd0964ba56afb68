/** @file Images blended with others of their batch. */
import type { Value } from '../ir/graph.ts';
import { add, gatherRows, mul, scalar, sub } from '../ops/index.ts';
import type { AugmentationOptions } from './base_image_augmentation.ts';
import { BaseMixing, type Mixing } from './base_mixing.ts';
import { finiteNumber, refuse } from './checks.ts';
import type { Config } from './serialized.ts';

export interface MixUpOptions extends AugmentationOptions {
  alpha?: number | undefined;
}

export class MixUp extends BaseMixing {
  static readonly className = 'MixUp';
  readonly alpha: number;

  constructor(options: MixUpOptions = {}) {
    super(options);
    this.alpha = finiteNumber(this.where, 'alpha', options.alpha ?? 0.2);
    if (this.alpha <= 0) throw refuse(this.where, 'alpha', 'positive', this.alpha);
  }

  protected override mix(images: Value): Mixing {
    const partner = this.partners(images);
    const share = this.beta(images, scalar(images, this.alpha));
    const other = mul(gatherRows(images, partner), sub(1, share));
    return { partner, share, images: add(mul(images, share), other) };
  }

  override config(): Config {
    return { ...super.config(), alpha: this.alpha };
  }
}

/**
 * In training, blends each image, and its label where labels are given, with another of the batch. Call it on images, or
 * with `outputsOf([images, labels])` on both, labels one-hot.
 *
 * @param alpha shares follow Beta(α, α): near 0 or 1 for small α, near ½ for large; default 0.2.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/mix_up/
 * @see https://arxiv.org/abs/1710.09412
 * @example
 * ```ts
 * const images = Input({ shape: [32, 32, 3] });
 * const labels = Input({ shape: [10] });
 * mixUp(0.4).outputsOf([images, labels])[1]!.shape; // [null, 10]
 * ```
 */
export function mixUp(alpha = 0.2, options: AugmentationOptions = {}): MixUp {
  return new MixUp({ ...options, alpha });
}
