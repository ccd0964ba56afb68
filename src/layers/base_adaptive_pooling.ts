/**
 * @file The family of adaptive poolings: a given number of windows an axis, window i from ⌊i·extent/count⌋ to
 * ⌈(i + 1)·extent/count⌉. Windows are boxes, so one axis is pooled after the other.
 */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { concat, slice } from '../ops/index.ts';
import { channelsLast, knownExtent, type Sizes, sizes } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface AdaptivePoolingArguments extends LayerOptions {
  /** Windows along each axis. */
  outputSize: Sizes;
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export abstract class BaseAdaptivePooling extends Layer {
  readonly outputSize: readonly number[];
  readonly dataFormat: 'channels_last';

  constructor(rank: number, options: AdaptivePoolingArguments) {
    super(options);
    this.outputSize = sizes(this.where, 'outputSize', options.outputSize, rank);
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: rank + 2 };
  }

  /** Reduces one axis, which stays with extent 1. */
  protected abstract reduce(x: Value, axis: number): Value;

  override call(x: Value): Value {
    return this.outputSize.reduce((y, count, i) => this.poolAlong(y, i + 1, count), x);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    this.outputSize.forEach((_, i) => {
      knownExtent(this.where, i + 1, inputShape);
    });
    return [inputShape[0]!, ...this.outputSize, inputShape.at(-1)!];
  }

  override config(): Config {
    return {
      ...super.config(),
      output_size: [...this.outputSize],
      data_format: this.dataFormat,
    };
  }

  private poolAlong(x: Value, axis: number, count: number): Value {
    const extent = x.shape[axis]!;
    const windows = Array.from({ length: count }, (_, i) => {
      const from = Math.floor((i * extent) / count);
      const to = Math.ceil(((i + 1) * extent) / count);
      const start = x.shape.map((_, other) => (other === axis ? from : 0));
      const size = x.shape.map((n, other) => (other === axis ? to - from : n));
      return this.reduce(slice(x, start, size), axis);
    });
    return concat(windows as [Value, ...Value[]], axis);
  }
}
