/** @file Another shape for each sample. */
import { show, TsunoError } from '../core/errors.ts';
import { type PartialShape, type Shape, sizeOf } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { reshape as reshapeValue } from '../ops/index.ts';
import { refuse } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

export interface ReshapeArguments extends LayerOptions {
  targetShape: Shape;
}

export class Reshape extends Layer {
  static readonly className = 'Reshape';
  readonly targetShape: Shape;

  constructor(options: ReshapeArguments) {
    super(options);
    const { targetShape } = options;
    const fits =
      Array.isArray(targetShape) &&
      targetShape.every((extent) => Number.isInteger(extent) && extent >= -1) &&
      targetShape.filter((extent) => extent === -1).length <= 1;
    if (!fits)
      throw refuse(this.where, 'targetShape', 'whole numbers, at most one of them -1', targetShape);
    this.targetShape = [...targetShape];
    this.autocast = false;
    this.built = true; // as in Keras, whose files have no build_config for it
  }

  override call(x: Value): Value {
    return reshapeValue(x, this.outputShape(x.shape) as Shape);
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    const rest = inputShape.slice(1);
    const known = rest.filter((extent) => extent !== null);
    const open = this.targetShape.includes(-1);
    if (known.length < rest.length)
      return [inputShape[0]!, ...this.targetShape.map((extent) => (extent === -1 ? null : extent))];
    const size = sizeOf(known);
    const given = sizeOf(this.targetShape.filter((extent) => extent !== -1));
    if (open ? given === 0 || size % given !== 0 : size !== given) {
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: `targetShape ${show(this.targetShape)}`,
        expected: `must hold the ${size} elements of each sample`,
        found: open ? `a multiple of ${given}` : String(given),
      });
    }
    return [
      inputShape[0]!,
      ...this.targetShape.map((extent) => (extent === -1 ? size / given : extent)),
    ];
  }

  override config(): Config {
    return { ...super.config(), target_shape: [...this.targetShape] };
  }
}

/**
 * Gives each sample another shape, the elements in the same order.
 *
 * @param targetShape without the batch; one extent may be -1.
 * @throws TsunoError `SHAPE`, when built, where the number of elements differs.
 * @see https://keras.io/api/layers/reshaping_layers/reshape/
 * @example
 * ```ts
 * const x = Input({ shape: [12] });
 * reshape([3, -1])(x).shape; // [null, 3, 4]
 * ```
 */
export function reshape(targetShape: Shape, options: LayerOptions = {}): Reshape {
  return new Reshape({ ...options, targetShape });
}
