/** @file The family of poolings: one number for each window of each channel. A member is its rank and its `pool`. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import type { PoolAttrs } from '../ops/index.ts';
import { channelsLast, type Sizes } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';
import { asImage, fromImage, Window } from './window.ts';

export interface PoolingOptions extends LayerOptions {
  /** Steps of the window; default its size. */
  strides?: Sizes | null | undefined;
  /** `valid` (default): whole windows only; `same`: ⌈size/stride⌉ windows, the part outside does not count. */
  padding?: 'valid' | 'same' | undefined;
  /** Only `channels_last`. */
  dataFormat?: string | null | undefined;
}

export interface PoolingArguments extends PoolingOptions {
  /** Default 2. */
  poolSize?: Sizes | undefined;
}

export abstract class BasePooling extends Layer {
  readonly window: Window;
  readonly dataFormat: 'channels_last';

  constructor(rank: number, options: PoolingArguments) {
    super(options);
    const size = options.poolSize ?? 2;
    this.window = new Window(this.where, rank, {
      what: 'poolSize',
      size,
      strides: options.strides ?? size,
      padding: options.padding ?? 'valid',
    });
    this.dataFormat = channelsLast(this.where, options.dataFormat);
    this.inputSpec = { rank: rank + 2 };
    this.built = true;
  }

  /** Pools images [n, h, w, c]. */
  protected abstract pool(image: Value, attrs: PoolAttrs): Value;

  override call(x: Value): Value {
    const image = asImage(x);
    const { window, strides, padding } = this.window.attrs(image.shape);
    return fromImage(this.pool(image, { window, strides, padding }), this.window.rank);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return this.window.outputShape(inputShape, inputShape.at(-1) ?? null);
  }

  override config(): Config {
    return {
      ...super.config(),
      pool_size: [...this.window.size],
      padding: this.window.padding,
      strides: [...this.window.strides],
      data_format: this.dataFormat,
    };
  }
}
