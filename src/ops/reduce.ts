/** @file Reductions beside the sum: mean, maximum, position of the maximum. */
import { apply1, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { div, mul } from './arithmetic.ts';
import { equal } from './comparison.ts';
import { cast } from './convert.ts';
import { reshape } from './layout.ts';
import {
  foldReference,
  type ReduceAttrs,
  reducedShape,
  reduceExtents,
  reduceOver,
  reduceSum,
} from './sum.ts';

export const reduceMaxOp: Op<ReduceAttrs, 'reduce_max'> = {
  name: 'reduce_max',
  infer: ([x], attrs) => [{ shape: reducedShape(x!.shape, attrs), dtype: 'float32' }],
  // Shared equally among the elements that attain the maximum, as in TensorFlow.
  gradient({ inputs: [x], outputs: [y], attrs: { from, to }, gradients: [g] }) {
    const attained = cast(equal(x!, y!), 'float32');
    const axes = x!.shape.flatMap((_, axis) => (axis >= from && axis < to ? [axis] : []));
    return [mul(attained, div(g!, reduceSum(attained, axes, true)))];
  },
  reference: ([x], attrs) => [
    foldReference(x!, attrs, Number.NEGATIVE_INFINITY, (top, element) => Math.max(top, element)),
  ],
};
/** Maximum over `axes` (default all). */
export function reduceMax(x: Value, axes?: readonly number[], keepDims = false): Value {
  return reduceOver(reduceMaxOp, x, axes, keepDims);
}

/** Mean over `axes` (default all). */
export function reduceMean(x: Value, axes?: readonly number[], keepDims = false): Value {
  const sum = reduceSum(x, axes, keepDims);
  const count = (axes ?? x.shape.map((_, axis) => axis)).reduce(
    (size, axis) => size * x.shape[axis]!,
    1,
  );
  return mul(sum, 1 / count);
}

export const argMaxOp: Op<ReduceAttrs, 'arg_max'> = {
  name: 'arg_max',
  infer: ([x], attrs) => [{ shape: reducedShape(x!.shape, attrs), dtype: 'int32' }],
  reference([x], attrs) {
    const [outer, reduced, inner] = reduceExtents(x!.shape, attrs);
    const out = new Float64Array(outer * inner);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        const at = (r: number) => x!.data[(o * reduced + r) * inner + i]!;
        let best = 0;
        for (let r = 1; r < reduced; r++) if (at(r) > at(best)) best = r;
        out[o * inner + i] = best;
      }
    return [out];
  },
};
/** Position (`int32`) of the first maximum along the last axis, which disappears. */
export function argMax(x: Value): Value {
  const axis = x.shape.length - 1;
  return reshape(apply1(argMaxOp, [x], { from: axis, to: axis + 1 }), x.shape.slice(0, -1));
}
