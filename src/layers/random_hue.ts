/** @file Images of other hues. */
import type { Value } from '../ir/graph.ts';
import { add, less, mul, select } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  clip,
  type Factor,
  factorOf,
  type Range,
  rescaled,
  shares,
} from './base_image_augmentation.ts';
import { channelsOf, colorsOf, hsvOf } from './color_space.ts';
import type { Config } from './serialized.ts';

export interface RandomHueArguments extends ColorOptions {
  factor: Factor;
}

const unit: Range = [0, 1];

export class RandomHue extends BaseColorAugmentation {
  static readonly className = 'RandomHue';
  readonly factor: Range;

  constructor(options: RandomHueArguments) {
    super(options);
    this.inputSpec = { rank: 4, channels: [3] };
    this.factor = factorOf(this.where, 'factor', options.factor, shares);
  }

  protected override augment(images: Value): Value {
    const toss = this.uniform([images.shape[0]!, 1, 1, 1]);
    const half = select(less(0.5, toss), -0.5, 0.5);
    const turn = mul(half, this.perImage(images, this.factor));
    const scaled = rescaled(images, this.valueRange, unit);
    const [hue, saturation, value] = hsvOf(channelsOf(scaled));
    const turned = add(hue, turn);
    const below = select(less(1, turned), add(turned, -1), turned);
    const within = select(less(below, 0), add(below, 1), below);
    const colors = clip(colorsOf([within, saturation, value]), unit);
    return rescaled(colors, unit, this.valueRange);
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, turns the hue of each image, to either side.
 *
 * @param factor of half a turn of the colour wheel: up to this number, or between two.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_hue/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomHue(0.2)(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomHue(factor: Factor, options: ColorOptions = {}): RandomHue {
  return new RandomHue({ ...options, factor });
}
