/** @file Numbers in another unit. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, cast, mul } from '../ops/index.ts';
import { refuse } from './checks.ts';
import { checkChannels, constantVector } from './constant_vector.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface RescalingOptions extends LayerOptions {
  /** Added after scaling: one number, or one for each channel; default 0. */
  offset?: number | readonly number[] | undefined;
}

export interface RescalingArguments extends RescalingOptions {
  scale: number | readonly number[];
}

export class Rescaling extends Layer {
  static readonly className = 'Rescaling';
  readonly scale: number | readonly number[];
  readonly offset: number | readonly number[];

  constructor(options: RescalingArguments) {
    super(options);
    this.scale = this.numbers('scale', options.scale);
    this.offset = this.numbers('offset', options.offset ?? 0);
    // Bytes stay bytes up to here, so that their conversion is part of the arithmetic.
    this.autocast = false;
  }

  override build(inputShape: PartialShape): void {
    for (const numbers of [this.scale, this.offset])
      checkChannels(this.where, numbers, inputShape.at(-1));
  }

  override call(x: Value): Value {
    const factor = constantVector(this.where, x, this.scale);
    const scaled = mul(cast(x, 'float32'), factor);
    return this.offset === 0 ? scaled : add(scaled, constantVector(this.where, x, this.offset));
  }

  override outputDtype(): 'float32' {
    return 'float32';
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }

  override config(): Config {
    return { ...super.config(), scale: this.scale, offset: this.offset };
  }

  private numbers(what: string, value: unknown): number | readonly number[] {
    const list = Array.isArray(value) ? value : [value];
    if (list.length === 0 || !list.every((x) => typeof x === 'number' && Number.isFinite(x)))
      throw refuse(this.where, what, 'a finite number, or one for each channel', value);
    return value as number | readonly number[];
  }
}

/**
 * x·`scale` + `offset`: `rescaling(1 / 255)` brings bytes to [0, 1].
 *
 * @param scale one number, or one for each channel.
 * @see https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/
 * @example
 * ```ts
 * const x = Input({ shape: [28, 28, 1] });
 * rescaling(1 / 127.5, { offset: -1 })(x).shape; // [null, 28, 28, 1]
 * ```
 */
export function rescaling(
  scale: number | readonly number[],
  options: RescalingOptions = {},
): Rescaling {
  return new Rescaling({ ...options, scale });
}
