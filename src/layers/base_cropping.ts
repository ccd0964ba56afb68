/** @file The family of croppings. */
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { type Pair, slice } from '../ops/index.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Margins, marginsOf } from './margins.ts';
import type { Config } from './serialized.ts';

export interface CroppingArguments extends LayerOptions {
  cropping?: Margins | undefined;
}

export abstract class BaseCropping extends Layer {
  readonly cropping: readonly Pair[];

  constructor(rank: 1 | 2, options: CroppingArguments, byDefault: number) {
    super(options);
    this.cropping = marginsOf(this.where, 'cropping', options.cropping ?? byDefault, rank);
    this.inputSpec = { rank: rank + 2 };
    this.autocast = false;
  }

  override build(inputShape: PartialShape): void {
    this.outputShape(inputShape);
  }

  override call(x: Value): Value {
    const start = x.shape.map((_, axis) => this.cropping[axis - 1]?.[0] ?? 0);
    return slice(x, start, this.outputShape(x.shape) as number[]);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape.map((extent, axis) => {
      const [before, after] = this.cropping[axis - 1] ?? [0, 0];
      if (extent === null || extent > before + after) return extent && extent - before - after;
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: `cropping [${before}, ${after}] along axis ${axis}`,
        expected: `must leave something of the input ${showShape(inputShape)}`,
        found: `${extent} − ${before + after} = ${extent - before - after}`,
      });
    });
  }

  override config(): Config {
    const pairs = this.cropping.map((pair) => [...pair]);
    return { ...super.config(), cropping: pairs.length === 1 ? pairs[0] : pairs };
  }
}
