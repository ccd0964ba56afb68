/** @file All axes but the batch as one. */
import { type PartialShape, sizeOf } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { reshape } from '../ops/index.ts';
import { channelsLast } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface FlattenOptions extends LayerOptions {
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export class Flatten extends Layer {
  static readonly className = 'Flatten';
  readonly dataFormat: 'channels_last';

  constructor(options: FlattenOptions = {}) {
    super(options);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { minRank: 1 };
    this.autocast = false;
  }

  override call(x: Value): Value {
    return reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    const rest = inputShape.slice(1);
    const known = rest.filter((extent) => extent !== null);
    return [inputShape[0]!, known.length < rest.length ? null : sizeOf(known)];
  }

  override config(): Config {
    return { ...super.config(), data_format: this.dataFormat };
  }
}

/**
 * Puts the elements of each sample into one row: [n, h, w, c] → [n, h·w·c].
 *
 * @see https://keras.io/api/layers/reshaping_layers/flatten/
 * @example
 * ```ts
 * const x = Input({ shape: [3, 3, 128] });
 * flatten()(x).shape; // [null, 1152]
 * ```
 */
export function flatten(options: FlattenOptions = {}): Flatten {
  return new Flatten(options);
}
