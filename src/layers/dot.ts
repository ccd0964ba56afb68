/** @file The dot product of two inputs, sample by sample. */
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { div, maximum, mul, reduceSum, reshape, sqrt, square, transpose } from '../ops/index.ts';
import { axisOf, flag, refuse } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface DotOptions extends LayerOptions {
  /** Divide by the lengths first, so that the result is a cosine; default false. */
  normalize?: boolean | undefined;
}

export interface DotArguments extends DotOptions {
  axes: number | readonly number[];
}

export class Dot extends Layer {
  static readonly className = 'Dot';
  readonly axes: number | readonly [number, number];
  readonly normalize: boolean;

  constructor(options: DotArguments) {
    super(options);
    const { axes } = options;
    const pair = typeof axes === 'number' ? [axes, axes] : axes;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isInteger))
      throw refuse(this.where, 'axes', 'an integer or two', axes);
    this.axes = typeof axes === 'number' ? axes : [pair[0]!, pair[1]!];
    this.normalize = flag(this.where, 'normalize', options.normalize ?? false);
    this.inputSpec = { inputs: 2, minRank: 2 };
  }

  override build(inputShape: readonly PartialShape[]): void {
    this.outputShape(inputShape);
  }

  override call([a, b]: readonly Value[]): Value {
    const [axisA, axisB] = this.axesFor([a!.shape, b!.shape]);
    const [left, right] = [this.lined(a!, axisA), this.lined(b!, axisB)];
    const [n, k] = [left.shape[0]!, left.shape.at(-1)!];
    const [rest, others] = [left.shape.slice(1, -1), right.shape.slice(1, -1)];
    const ones = (shape: readonly number[]) => shape.map(() => 1);
    const product = mul(
      reshape(left, [n, ...rest, ...ones(others), k]),
      reshape(right, [n, ...ones(rest), ...others, k]),
    );
    const sum = reduceSum(product, [product.shape.length - 1]);
    return sum.shape.length === 1 ? reshape(sum, [n, 1]) : sum;
  }

  override outputShape(inputShape: readonly PartialShape[]): PartialShape {
    const [axisA, axisB] = this.axesFor(inputShape);
    const [a, b] = inputShape as [PartialShape, PartialShape];
    const rest = [...a.filter((_, i) => i !== axisA), ...b.filter((_, i) => i > 0 && i !== axisB)];
    return rest.length === 1 ? [rest[0]!, 1] : rest;
  }

  override config(): Config {
    return { ...super.config(), axes: this.axes, normalize: this.normalize };
  }

  private axesFor(shapes: readonly PartialShape[]): [number, number] {
    const [a, b] = shapes as [PartialShape, PartialShape];
    const given = typeof this.axes === 'number' ? [this.axes, this.axes] : this.axes;
    const fits = shapes.length === 2 && Array.isArray(a);
    const axisA = fits ? axisOf(this.where, 'axes', given[0]!, a) : 0;
    const axisB = fits ? axisOf(this.where, 'axes', given[1]!, b) : 0;
    if (fits && axisA > 0 && axisB > 0 && a[axisA] === b[axisB]) return [axisA, axisB];
    throw new TsunoError('SHAPE', {
      where: this.where,
      what: `axes ${given[0]} and ${given[1]}`,
      expected: 'must not be the batch and have one extent in two inputs',
      found: fits ? shapes.map(showShape).join(' and ') : `${shapes.length} inputs`,
    });
  }

  /** `x` with `axis` moved to the end, its vectors of length 1 if so said. */
  private lined(x: Value, axis: number): Value {
    const order = [...x.shape.keys()].filter((i) => i !== axis);
    const moved = axis === x.shape.length - 1 ? x : transpose(x, [...order, axis]);
    if (!this.normalize) return moved;
    const lengths = reduceSum(square(moved), [moved.shape.length - 1], true);
    return div(moved, sqrt(maximum(lengths, 1e-12)));
  }
}

/**
 * The dot product of two inputs along `axes` (one for both, or one for each; never the batch): called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/dot/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8] }), Input({ shape: [8] })];
 * dot(1)([a, b]).shape; // [null, 1]
 * ```
 */
export function dot(axes: number | readonly number[], options: DotOptions = {}): Dot {
  return new Dot({ ...options, axes });
}
