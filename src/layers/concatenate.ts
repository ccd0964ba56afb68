/** @file Inputs side by side. */
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { concat } from '../ops/index.ts';
import { axisOf, integer } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface ConcatenateOptions extends LayerOptions {
  /** The axis along which the inputs may differ, default the last. */
  axis?: number | undefined;
}

export class Concatenate extends Layer {
  static readonly className = 'Concatenate';
  readonly axis: number;

  constructor(options: ConcatenateOptions = {}) {
    super(options);
    this.axis = integer(this.where, 'axis', options.axis ?? -1);
    this.inputSpec = { inputs: 1 };
  }

  override build(inputShape: readonly PartialShape[]): void {
    this.outputShape(inputShape);
  }

  override call(inputs: readonly Value[]): Value {
    const axis = axisOf(this.where, 'axis', this.axis, inputs[0]!.shape);
    return inputs.length === 1 ? inputs[0]! : concat(inputs as [Value, ...Value[]], axis);
  }

  override outputShape(inputShape: readonly PartialShape[]): PartialShape {
    const first = inputShape[0]!;
    const fits =
      Array.isArray(first) &&
      inputShape.every(
        (shape) =>
          shape.length === first.length &&
          shape.every(
            (extent, i) =>
              i === axisOf(this.where, 'axis', this.axis, first) ||
              extent === first[i] ||
              extent === null ||
              first[i] === null,
          ),
      );
    if (!fits) {
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: 'input shapes',
        expected: `must be a list, equal except at axis ${this.axis}`,
        found: Array.isArray(first)
          ? inputShape.map(showShape).join(' and ')
          : showShape(inputShape as unknown as PartialShape),
      });
    }
    const axis = axisOf(this.where, 'axis', this.axis, first);
    const extents = inputShape.flatMap((shape) => shape[axis] ?? []);
    const known = extents.length === inputShape.length;
    const total = known ? extents.reduce((sum, extent) => sum + extent, 0) : null;
    return first.map((extent, i) =>
      i === axis ? total : (extent ?? inputShape.find((shape) => shape[i] !== null)?.[i] ?? null),
    );
  }

  override config(): Config {
    return { ...super.config(), axis: this.axis };
  }
}

/**
 * Puts the inputs side by side along `axis`: called on a list.
 *
 * @see https://keras.io/api/layers/merging_layers/concatenate/
 * @example
 * ```ts
 * const [a, b] = [Input({ shape: [8, 3] }), Input({ shape: [8, 5] })];
 * concatenate()([a, b]).shape; // [null, 8, 8]
 * ```
 */
export function concatenate(options: ConcatenateOptions = {}): Concatenate {
  return new Concatenate(options);
}
