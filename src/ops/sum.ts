/**
 * @file Sums over axes, and broadcasting: each is the other's adjoint, so they live together. The order of every sum is
 * fixed by the shapes alone.
 */
import { internal } from '../core/errors.ts';
import { broadcastShapes, type Shape, sameShape, sizeOf } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Op, ReferenceTensor } from '../ir/op.ts';
import { mismatch } from './elementwise.ts';
import { reshape } from './layout.ts';

/** Axes `from` up to, not including, `to` are reduced; they stay with extent 1 (`reshape` drops them). */
export interface ReduceAttrs {
  from: number;
  to: number;
}

/** A reduced tensor as [outer, reduced, inner]. */
export function reduceExtents(shape: Shape, { from, to }: ReduceAttrs): [number, number, number] {
  return [sizeOf(shape.slice(0, from)), sizeOf(shape.slice(from, to)), sizeOf(shape.slice(to))];
}

export function reducedShape(shape: Shape, { from, to }: ReduceAttrs): number[] {
  return shape.map((extent, axis) => (axis >= from && axis < to ? 1 : extent));
}

/** Folds the reduced axis of `x` in order: the reference of every reduction. */
export function foldReference(
  x: ReferenceTensor,
  attrs: ReduceAttrs,
  start: number,
  step: (sum: number, element: number, position: number) => number,
): Float64Array {
  const [outer, reduced, inner] = reduceExtents(x.shape, attrs);
  const out = new Float64Array(outer * inner).fill(start);
  for (let o = 0; o < outer; o++) {
    for (let r = 0; r < reduced; r++) {
      for (let i = 0; i < inner; i++) {
        const at = o * inner + i;
        out[at] = step(out[at]!, x.data[(o * reduced + r) * inner + i]!, r);
      }
    }
  }
  return out;
}

export const reduceSumOp: Op<ReduceAttrs, 'reduce_sum'> = {
  name: 'reduce_sum',
  infer: ([x], attrs) => [{ shape: reducedShape(x!.shape, attrs), dtype: 'float32' }],
  gradient: ({ inputs: [x], gradients: [g] }) => [broadcast(g!, x!.shape)],
  reference: ([x], attrs) => [foldReference(x!, attrs, 0, (sum, element) => sum + element)],
};

export const broadcastOp: Op<{ shape: Shape }, 'broadcast'> = {
  name: 'broadcast',
  infer([x], { shape }) {
    const wide = broadcastShapes(x!.shape, shape);
    if (!wide || !sameShape(wide, shape))
      throw mismatch('broadcast', [x!, { shape, dtype: x!.dtype }]);
    return [{ shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x], gradients: [g] }) => [sumTo(g!, x!.shape)],
  elementwise: { scalar: ([x]) => x!, lanes: (_k, [x]) => x! },
};
/** `x` stretched to `shape`. */
export function broadcast(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : apply1(broadcastOp, [x], { shape });
}

/** Runs of neighbouring axes, last first, so that each run is one reduction. */
export function axisRuns(axes: readonly number[]): ReduceAttrs[] {
  const runs: ReduceAttrs[] = [];
  for (const axis of [...axes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last.to === axis) last.to++;
    else runs.push({ from: axis, to: axis + 1 });
  }
  return runs.reverse();
}

/** Applies a reduction over `axes` (default all), keeping them with extent 1 if `keepDims`. */
export function reduceOver(
  op: Op<ReduceAttrs>,
  x: Value,
  axes?: readonly number[],
  keepDims = false,
): Value {
  const chosen = axes ?? x.shape.map((_, axis) => axis);
  if (chosen.some((axis) => !(axis >= 0 && axis < x.shape.length)))
    throw internal(`${op.name}: no axis ${chosen}`);
  const y = axisRuns(chosen).reduce((value, run) => apply1(op, [value], run), x);
  return keepDims
    ? y
    : reshape(
        y,
        y.shape.filter((_, axis) => !chosen.includes(axis)),
      );
}

/** Sum over `axes` (default all). */
export function reduceSum(x: Value, axes?: readonly number[], keepDims = false): Value {
  return reduceOver(reduceSumOp, x, axes, keepDims);
}

/** Sums `gradient` over the axes along which `shape` was stretched to become its shape. */
export function sumTo(gradient: Value, shape: Shape): Value {
  if (sameShape(gradient.shape, shape)) return gradient;
  const lead = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((extent, axis) =>
    axis < lead || (shape[axis - lead] === 1 && extent !== 1) ? [axis] : [],
  );
  return reshape(reduceSum(gradient, axes, true), shape);
}
