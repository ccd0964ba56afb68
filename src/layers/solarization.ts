/** @file Pixels above a threshold as their negatives, as on an overexposed film. */
import type { Value } from '../ir/graph.ts';
import { add, less, select, sub } from '../ops/index.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  clip,
  type Factor,
  type FactorRule,
  factorOf,
  type Range,
  rescaled,
} from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface SolarizationOptions extends ColorOptions {
  /** Added first, as a share of the range: up to this number (default 0), or between two. */
  additionFactor?: Factor | undefined;
  /** Of the threshold, as a share of the range: up to this number (default 0), or between two. */
  thresholdFactor?: Factor | undefined;
}

const rule: FactorRule = { least: 0, most: 1, spread: (factor) => [0, factor] };
const bytes: Range = [0, 255];

export class Solarization extends BaseColorAugmentation {
  static readonly className = 'Solarization';
  readonly additionFactor: Range;
  readonly thresholdFactor: Range;

  constructor(options: SolarizationOptions = {}) {
    super(options);
    const { additionFactor = 0, thresholdFactor = 0 } = options;
    this.additionFactor = factorOf(this.where, 'additionFactor', additionFactor, rule);
    this.thresholdFactor = factorOf(this.where, 'thresholdFactor', thresholdFactor, rule);
  }

  protected override augment(images: Value): Value {
    // Keras counts the upper bounds in bytes, the lower ones as they are.
    const drawn = ([low, high]: Range) => this.perImage(images, [low, high * 255]);
    const [addition, threshold] = [drawn(this.additionFactor), drawn(this.thresholdFactor)];
    const x = clip(add(rescaled(images, this.valueRange, bytes), addition), bytes);
    return rescaled(select(less(x, threshold), x, sub(255, x)), bytes, this.valueRange);
  }

  override config(): Config {
    return {
      ...super.config(),
      addition_factor: [...this.additionFactor],
      threshold_factor: [...this.thresholdFactor],
    };
  }
}

/**
 * In training, turns pixels at or above a threshold into their negatives.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/solarization/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * solarization({ thresholdFactor: 0.5 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function solarization(options: SolarizationOptions = {}): Solarization {
  return new Solarization(options);
}
