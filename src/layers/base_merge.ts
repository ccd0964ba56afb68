/**
 * @file The family of merging layers: several inputs of one shape (or shapes that broadcast), element by element. A
 * member says how two become one.
 */
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { reshape } from '../ops/index.ts';
import { Layer, type LayerOptions } from './layer.ts';

/** How inputs of unknown extents broadcast: an unknown one stays unknown beside 1 or itself. */
function broadcastPartial(a: PartialShape, b: PartialShape): PartialShape | undefined {
  const rank = Math.max(a.length, b.length);
  // A shorter shape gets ones after its batch.
  const widen = (shape: PartialShape) => [
    ...shape.slice(0, 1),
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape.slice(1),
  ];
  const [wide, other] = [widen(a), widen(b)];
  const out: (number | null)[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [x, y] = [wide[axis]!, other[axis]!];
    if (x === y || y === 1) out.push(x);
    else if (x === 1) out.push(y);
    else if (x === null || y === null) out.push(axis === 0 ? null : (x ?? y));
    else return undefined;
  }
  return out;
}

export abstract class BaseMerge extends Layer {
  constructor(options: LayerOptions) {
    super(options);
    this.inputSpec = { inputs: 1 };
  }

  /** Merges two values whose shapes broadcast. */
  protected abstract merge(a: Value, b: Value): Value;

  /** What is left to do when `count` values were merged. */
  protected finish(merged: Value, _count: number): Value {
    return merged;
  }

  override build(inputShape: readonly PartialShape[]): void {
    this.outputShape(inputShape);
  }

  override call(inputs: readonly Value[]): Value {
    const rank = Math.max(...inputs.map(({ shape }) => shape.length));
    const wide = inputs.map((x) =>
      reshape(x, [
        ...x.shape.slice(0, 1),
        ...new Array<number>(rank - x.shape.length).fill(1),
        ...x.shape.slice(1),
      ]),
    );
    const merged = wide.reduce((a, b) => this.merge(a, b));
    return this.finish(merged, inputs.length);
  }

  override outputShape(inputShape: readonly PartialShape[]): PartialShape {
    if (!Array.isArray(inputShape[0])) {
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: 'input',
        expected: 'a list of tensors',
        found: showShape(inputShape as unknown as PartialShape),
        repair: 'Call it as layer([a, b]).',
      });
    }
    return inputShape.reduce((a, b) => {
      const merged = broadcastPartial(a, b);
      if (merged) return merged;
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: 'input shapes',
        expected: 'must broadcast to one shape',
        found: inputShape.map(showShape).join(' and '),
      });
    });
  }
}
