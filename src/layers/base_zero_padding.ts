/** @file The family of paddings with zeros. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { type Pair, pad } from '../ops/index.ts';
import { channelsLast } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Margins, marginsOf } from './margins.ts';
import type { Config } from './serialized.ts';

export interface ZeroPaddingOptions extends LayerOptions {
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export interface ZeroPaddingArguments extends ZeroPaddingOptions {
  /** Default 1. */
  padding?: Margins | undefined;
}

export abstract class BaseZeroPadding extends Layer {
  readonly padding: readonly Pair[];
  readonly dataFormat: 'channels_last';

  constructor(rank: 1 | 2, options: ZeroPaddingArguments) {
    super(options);
    this.padding = marginsOf(this.where, 'padding', options.padding ?? 1, rank);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: rank + 2 };
    this.autocast = false;
  }

  override call(x: Value): Value {
    return pad(x, [[0, 0], ...this.padding, [0, 0]]);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape.map((extent, axis) => {
      const [before, after] = this.padding[axis - 1] ?? [0, 0];
      return extent === null ? null : extent + before + after;
    });
  }

  override config(): Config {
    const pairs = this.padding.map((pair) => [...pair]);
    return {
      ...super.config(),
      padding: pairs.length === 1 ? pairs[0] : pairs,
      data_format: this.dataFormat,
    };
  }
}
