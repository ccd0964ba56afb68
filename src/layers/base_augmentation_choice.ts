/**
 * @file What RandAugment and AugMix choose from: changes of place, of colour and of tone, all with one factor. A graph has
 * no branches, so each change is computed for each image and one is kept; the changes of place share one reading of pixels.
 */
import type { Value } from '../ir/graph.ts';
import { equal, floor, mul, select } from '../ops/index.ts';
import { type AffineMap, type BaseGeometricAugmentation, moved } from './affine_transform.ts';
import { AutoContrast } from './auto_contrast.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  type Factor,
  factorOf,
  type Range,
  shares,
} from './base_image_augmentation.ts';
import { oneOf } from './checks.ts';
import { Equalization } from './equalization.ts';
import { RandomBrightness } from './random_brightness.ts';
import { RandomColorDegeneration } from './random_color_degeneration.ts';
import { RandomContrast } from './random_contrast.ts';
import { RandomPosterization } from './random_posterization.ts';
import { RandomRotation } from './random_rotation.ts';
import { RandomSharpness } from './random_sharpness.ts';
import { RandomShear } from './random_shear.ts';
import { RandomTranslation } from './random_translation.ts';
import type { Config } from './serialized.ts';
import { Solarization } from './solarization.ts';

export interface ChoiceOptions extends ColorOptions {
  /** How strong the changes are, 0 to 1: up to this number, or between two. */
  factor?: Factor | undefined;
  /** Of changes of place: `bilinear` (default) or `nearest`. */
  interpolation?: 'bilinear' | 'nearest' | undefined;
}

const still: AffineMap = { x: [1, 0, 0], y: [0, 1, 0] };

export abstract class BaseAugmentationChoice extends BaseColorAugmentation {
  readonly factor: Range;
  readonly interpolation: 'bilinear' | 'nearest';
  /** Changes of place come first in the numbering. */
  readonly #places: readonly BaseGeometricAugmentation[];
  readonly #tones: readonly BaseColorAugmentation[];

  /** @param all whether to choose from the changes of colour too. */
  constructor(options: ChoiceOptions, factor: Factor, all: boolean) {
    super(options);
    if (all) this.inputSpec = { rank: 4, channels: [1, 3] };
    const { interpolation = 'bilinear' } = options;
    this.factor = factorOf(this.where, 'factor', options.factor ?? factor, shares);
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, ['bilinear', 'nearest']);
    const { name, seed, valueRange } = this;
    const place = { name, seed, interpolation: this.interpolation };
    const tone = { name, seed, valueRange };
    const strength = { ...tone, factor: this.factor };
    this.#places = [
      new RandomShear({ ...place, xFactor: this.factor, yFactor: this.factor }),
      new RandomTranslation({ ...place, heightFactor: this.factor, widthFactor: this.factor }),
      new RandomRotation({ ...place, factor: this.factor }),
    ];
    const bits = Math.max(1, Math.floor(8 * this.factor[1]));
    this.#tones = [
      new RandomPosterization({ ...tone, factor: bits }),
      new Solarization({ ...tone, additionFactor: this.factor, thresholdFactor: this.factor }),
      new AutoContrast({ name, valueRange }),
      new Equalization({ name, valueRange }),
      ...(all
        ? [
            new RandomBrightness(strength),
            new RandomColorDegeneration(strength),
            new RandomContrast(strength),
            new RandomSharpness(strength),
          ]
        : []),
    ];
  }

  /** How many changes there are. */
  protected get count(): number {
    return this.#places.length + this.#tones.length;
  }

  /** A number from 0 up to below `count` for each image, [n, 1, 1, 1], all alike. */
  protected choice(images: Value, count: number): Value {
    return floor(mul(this.uniform([images.shape[0]!, 1, 1, 1]), count));
  }

  /** Each image after the change that `choice` says; where there is none of that number, as it is. */
  protected changed(images: Value, choice: Value): Value {
    const map = this.#places.reduce<AffineMap>((before, layer, i) => {
      const chosen = equal(choice, i);
      const own = layer.map(images);
      const either = (a: AffineMap['x'], b: AffineMap['x']): AffineMap['x'] => [
        select(chosen, a[0], b[0]),
        select(chosen, a[1], b[1]),
        select(chosen, a[2], b[2]),
      ];
      return { x: either(own.x, before.x), y: either(own.y, before.y) };
    }, still);
    const { interpolation } = this;
    const placed = moved(images, map, { interpolation, fillMode: 'reflect', fillValue: 0 });
    return this.#tones.reduce((before, layer, i) => {
      const after = layer.call(images, { training: true });
      return select(equal(choice, this.#places.length + i), after, before);
    }, placed);
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor], interpolation: this.interpolation };
  }
}
