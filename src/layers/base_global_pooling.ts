/** @file The family of global poolings: one number for each channel. A member is its rank and its reduction. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { channelsLast, flag } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface GlobalPoolingOptions extends LayerOptions {
  /** Default false; true keeps the pooled axes with extent 1. */
  keepdims?: boolean | undefined;
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export abstract class BaseGlobalPooling extends Layer {
  readonly keepdims: boolean;
  readonly dataFormat: 'channels_last';
  private readonly axes: readonly number[];

  constructor(rank: number, options: GlobalPoolingOptions) {
    super(options);
    this.keepdims = flag(this.where, 'keepdims', options.keepdims ?? false);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.axes = rank === 1 ? [1] : [1, 2];
    this.inputSpec = { rank: rank + 2 };
    this.built = true;
  }

  protected abstract reduce(x: Value, axes: readonly number[], keepdims: boolean): Value;

  override call(x: Value): Value {
    return this.reduce(x, this.axes, this.keepdims);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    const middle = this.keepdims ? this.axes.map(() => 1) : [];
    return [inputShape[0]!, ...middle, inputShape.at(-1)!];
  }

  override config(): Config {
    return { ...super.config(), data_format: this.dataFormat, keepdims: this.keepdims };
  }
}
