/** @file Brightness, contrast, saturation and hue changed one after the other. */
import type { Value } from '../ir/graph.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
} from './base_image_augmentation.ts';
import { RandomBrightness } from './random_brightness.ts';
import { RandomContrast } from './random_contrast.ts';
import { RandomHue } from './random_hue.ts';
import { RandomSaturation } from './random_saturation.ts';
import type { Config } from './serialized.ts';

export interface RandomColorJitterOptions extends ColorOptions {
  /** As that of `randomBrightness`; default: brightness stays. */
  brightnessFactor?: Factor | null | undefined;
  /** As that of `randomContrast`; default: contrast stays. */
  contrastFactor?: Factor | null | undefined;
  /** As that of `randomSaturation`; default: saturation stays. */
  saturationFactor?: Factor | null | undefined;
  /** As that of `randomHue`; default: hue stays. */
  hueFactor?: Factor | null | undefined;
}

export class RandomColorJitter extends BaseColorAugmentation {
  static readonly className = 'RandomColorJitter';
  readonly brightnessFactor: Factor | undefined;
  readonly contrastFactor: Factor | undefined;
  readonly saturationFactor: Factor | undefined;
  readonly hueFactor: Factor | undefined;
  readonly #steps: readonly BaseColorAugmentation[];

  constructor(options: RandomColorJitterOptions = {}) {
    super(options);
    this.brightnessFactor = options.brightnessFactor ?? undefined;
    this.contrastFactor = options.contrastFactor ?? undefined;
    this.saturationFactor = options.saturationFactor ?? undefined;
    this.hueFactor = options.hueFactor ?? undefined;
    const isColoured = this.saturationFactor !== undefined || this.hueFactor !== undefined;
    if (isColoured) this.inputSpec = { rank: 4, channels: [3] };
    const { name, seed, valueRange } = this;
    const step = (
      make: new (options: ColorOptions & { factor: Factor }) => BaseColorAugmentation,
      factor: Factor | undefined,
    ) => (factor === undefined ? [] : [new make({ name, seed, valueRange, factor })]);
    this.#steps = [
      ...step(RandomBrightness, this.brightnessFactor),
      ...step(RandomContrast, this.contrastFactor),
      ...step(RandomSaturation, this.saturationFactor),
      ...step(RandomHue, this.hueFactor),
    ];
  }

  protected override augment(images: Value): Value {
    return this.#steps.reduce((x, step) => step.call(x, { training: true }), images);
  }

  override config(): Config {
    return {
      ...super.config(),
      brightness_factor: this.brightnessFactor ?? null,
      contrast_factor: this.contrastFactor ?? null,
      saturation_factor: this.saturationFactor ?? null,
      hue_factor: this.hueFactor ?? null,
    };
  }
}

/**
 * In training, changes brightness, contrast, saturation and hue, in this order.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_color_jitter/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomColorJitter({ brightnessFactor: 0.2, hueFactor: 0.1 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomColorJitter(options: RandomColorJitterOptions = {}): RandomColorJitter {
  return new RandomColorJitter(options);
}
