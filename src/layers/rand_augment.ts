/** @file A few changes after one another, chosen at random for each image. */
import type { Value } from '../ir/graph.ts';
import { BaseAugmentationChoice, type ChoiceOptions } from './base_augmentation_choice.ts';
import { positiveInteger } from './checks.ts';
import type { Config } from './serialized.ts';

export interface RandAugmentOptions extends ChoiceOptions {
  /** How many changes each image goes through, default 2. */
  numOps?: number | undefined;
}

export class RandAugment extends BaseAugmentationChoice {
  static readonly className = 'RandAugment';
  readonly numOps: number;

  constructor(options: RandAugmentOptions = {}) {
    super(options, 0.5, true);
    this.numOps = positiveInteger(this.where, 'numOps', options.numOps ?? 2);
  }

  protected override augment(images: Value): Value {
    let x = images;
    for (let i = 0; i < this.numOps; i++) x = this.changed(x, this.choice(x, this.count));
    return x;
  }

  override config(): Config {
    return { ...super.config(), num_ops: this.numOps };
  }
}

/**
 * In training, puts each image through changes chosen at random: shear, translation, rotation, posterization,
 * solarization, contrast stretched, tones equalized, brightness, colour, contrast, sharpness. `factor` is 0.5 by default.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/rand_augment/
 * @see https://arxiv.org/abs/1909.13719
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randAugment({ numOps: 3, factor: 0.3 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randAugment(options: RandAugmentOptions = {}): RandAugment {
  return new RandAugment(options);
}
