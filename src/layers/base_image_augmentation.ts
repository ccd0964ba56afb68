/**
 * @file The base of augmentation: layers that change images [n, h, w, c] in training only, by numbers drawn for each image.
 * Draws are the trace's, so they depend on the seed and the step, not on threads.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/
 */
import type { Value } from '../ir/graph.ts';
import { add, less, maximum, minimum, mul, type Operand } from '../ops/index.ts';
import { NoiseLayer, type NoiseOptions } from './base_dropout.ts';
import { channelsLast, refuse } from './checks.ts';
import type { CallContext } from './layer.ts';
import type { Config } from './serialized.ts';

/** From the first number to the second. */
export type Range = readonly [number, number];

/** How strong a change is: drawn between two numbers, or up to one in the way that the layer says. */
export type Factor = number | Range;

export interface AugmentationOptions extends NoiseOptions {
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export interface ColorOptions extends AugmentationOptions {
  /** Darkest and brightest value of pixels; default [0, 255]. */
  valueRange?: Range | undefined;
}

export abstract class BaseImageAugmentation extends NoiseLayer {
  readonly dataFormat: 'channels_last';

  constructor(options: AugmentationOptions) {
    super(options);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: 4 };
  }

  override get trainingDefault(): boolean {
    return true;
  }

  override call(images: Value, { training }: CallContext): Value {
    return training ? this.augment(images) : images;
  }

  /** The change, in training. */
  protected abstract augment(images: Value): Value;

  /** A number for each image, [n, 1, 1, 1], from the range; the number itself where there is no choice. */
  protected perImage(images: Value, [low, high]: Range): Operand {
    if (low === high) return low;
    return add(mul(this.uniform([images.shape[0]!, 1, 1, 1]), high - low), low);
  }

  /** Whether an image is changed, [n, 1, 1, 1], with a probability drawn from the range. */
  protected chosen(images: Value, probability: Range): Value {
    const threshold = this.uniform([images.shape[0]!, 1, 1, 1]);
    return less(threshold, this.perImage(images, probability));
  }

  override config(): Config {
    return { ...super.config(), data_format: this.dataFormat };
  }
}

/** Augmentation of brightness and colour, which must know the range of pixels. */
export abstract class BaseColorAugmentation extends BaseImageAugmentation {
  readonly valueRange: Range;

  constructor(options: ColorOptions) {
    super(options);
    this.valueRange = sortedPair(this.where, 'valueRange', options.valueRange ?? [0, 255]);
  }

  /** `x` within the range of pixels. */
  protected clip(x: Value): Value {
    return clip(x, this.valueRange);
  }

  override config(): Config {
    return { ...super.config(), value_range: [...this.valueRange] };
  }
}

export const clip = (x: Value, [low, high]: Range): Value => minimum(maximum(x, low), high);

/** `x` with the numbers of one range moved to those of another. */
export function rescaled(x: Value, from: Range, to: Range): Value {
  if (from[0] === to[0] && from[1] === to[1]) return x;
  const scaled = mul(add(x, -from[0]), 1 / (from[1] - from[0]));
  return add(mul(scaled, to[1] - to[0]), to[0]);
}

export function sortedPair(where: string, what: string, value: unknown): Range {
  const isPair = Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
  if (!isPair) throw refuse(where, what, 'two finite numbers', value);
  const [a, b] = value as [number, number];
  return a <= b ? [a, b] : [b, a];
}

/** What a factor may be. */
export interface FactorRule {
  least: number;
  most: number;
  /** `least` itself is not allowed. */
  above?: boolean;
  /** A pair may reach beyond the bounds on one side; default false. */
  loose?: boolean;
  /** The range that one number stands for; default [−f, f], not below `least`. */
  spread?: (factor: number) => Range;
}

/** A factor as a range. @throws TsunoError `ARGUMENT` where it is out of bounds. */
export function factorOf(where: string, what: string, value: unknown, rule: FactorRule): Range {
  const { least, most, above = false, loose = false } = rule;
  const range = `from ${above ? 'above ' : ''}${least} to ${most}`;
  const wrong = () => refuse(where, what, `a number or a pair of numbers ${range}`, value);
  const fits = (number: unknown): number is number =>
    typeof number === 'number' && number <= most && (above ? number > least : number >= least);
  if (fits(value)) {
    const size = Math.abs(value);
    return rule.spread?.(value) ?? [Math.max(-size, least), size];
  }
  if (!Array.isArray(value)) throw wrong();
  const pair = sortedPair(where, what, value);
  if (loose ? pair[0] > most || pair[1] < least : !pair.every(fits)) throw wrong();
  return pair;
}

/** A number for each image, as shares from 0 to 1. */
export const shares: FactorRule = { least: 0, most: 1, loose: true };
/** As {@link shares}, in both directions. */
export const signedShares: FactorRule = { least: -1, most: 1, loose: true };
