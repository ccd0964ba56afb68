/** @file Moving elements without changing them: reshape, transpose, pad, slice, concatenate, gather rows. */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { type Shape, sameShape, sizeOf, stridesOf } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Op, ReferenceTensor } from '../ir/op.ts';

function shapeError(where: string, what: string, expected: string, found: unknown): TsunoError {
  return new TsunoError('SHAPE', { where, what, expected, found: show(found) });
}

export const reshapeOp: Op<{ shape: Shape }, 'reshape'> = {
  name: 'reshape',
  infer([x], { shape }) {
    if (sizeOf(x!.shape) !== sizeOf(shape)) {
      throw shapeError(
        'reshape',
        `target ${show([...shape])}`,
        `must have ${sizeOf(x!.shape)} elements`,
        sizeOf(shape),
      );
    }
    return [{ shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x], gradients: [g] }) => [reshape(g!, x!.shape)],
  reference: ([x]) => [x!.data],
  alias: true,
};
/** The same elements in the same order under another shape. */
export function reshape(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : apply1(reshapeOp, [x], { shape });
}

/**
 * Copies by strides: output element [i₀, i₁, …] is `x[start + Σ iₐ·stride[a]]`. Transpose, slice and flip are this.
 */
export interface StridedAttrs {
  shape: Shape;
  start: number;
  strides: readonly number[];
}

function stridedReference(
  x: ReferenceTensor,
  { shape, start, strides }: StridedAttrs,
): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  const own = stridesOf(shape);
  for (let i = 0; i < out.length; i++) {
    let at = start;
    for (let axis = 0; axis < shape.length; axis++) {
      at += (Math.floor(i / own[axis]!) % shape[axis]!) * strides[axis]!;
    }
    out[i] = x.data[at]!;
  }
  return out;
}

export const transposeOp: Op<{ axes: readonly number[] }, 'transpose'> = {
  name: 'transpose',
  infer([x], { axes }) {
    if (
      !sameShape(
        [...axes].sort((a, b) => a - b),
        x!.shape.map((_, axis) => axis),
      )
    ) {
      throw shapeError('transpose', 'axes', `a permutation of the ${x!.shape.length} axes`, [
        ...axes,
      ]);
    }
    return [{ shape: axes.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  },
  gradient: ({ attrs: { axes }, gradients: [g] }) => [
    transpose(
      g!,
      axes.map((_, axis) => axes.indexOf(axis)),
    ),
  ],
  reference: ([x], attrs, [out]) => [
    stridedReference(x!, transposeStrides(x!.shape, out!.shape, attrs.axes)),
  ],
};
export function transposeStrides(from: Shape, to: Shape, axes: readonly number[]): StridedAttrs {
  const strides = stridesOf(from);
  return { shape: to, start: 0, strides: axes.map((axis) => strides[axis]!) };
}
/** Axis `i` of the result is axis `axes[i]` of `x`. */
export const transpose = (x: Value, axes: readonly number[]): Value =>
  apply1(transposeOp, [x], { axes });

export interface SliceAttrs {
  start: readonly number[];
  size: Shape;
}

export const sliceOp: Op<SliceAttrs, 'slice'> = {
  name: 'slice',
  infer([x], { start, size }) {
    const fits = x!.shape.every(
      (extent, axis) => start[axis]! >= 0 && start[axis]! + size[axis]! <= extent,
    );
    if (!fits || start.length !== x!.shape.length) {
      throw shapeError(
        'slice',
        `start ${show([...start])}, size ${show([...size])}`,
        'inside the input',
        [...x!.shape],
      );
    }
    return [{ shape: size, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x], attrs: { start, size }, gradients: [g] }) => [
    pad(
      g!,
      x!.shape.map((extent, axis) => [start[axis]!, extent - start[axis]! - size[axis]!]),
    ),
  ],
  reference: ([x], attrs) => [stridedReference(x!, sliceStrides(x!.shape, attrs))],
};
export function sliceStrides(from: Shape, { start, size }: SliceAttrs): StridedAttrs {
  const strides = stridesOf(from);
  return {
    shape: size,
    start: start.reduce((at, index, axis) => at + index * strides[axis]!, 0),
    strides,
  };
}
/** The box of `size` at `start`. */
export const slice = (x: Value, start: readonly number[], size: Shape): Value =>
  apply1(sliceOp, [x], { start, size });

/** Zeros before and after, an axis. */
export type Padding = readonly (readonly [number, number])[];

export const padOp: Op<{ padding: Padding }, 'pad'> = {
  name: 'pad',
  infer([x], { padding }) {
    if (
      padding.length !== x!.shape.length ||
      padding.some(([before, after]) => before < 0 || after < 0)
    ) {
      throw shapeError(
        'pad',
        'padding',
        `two numbers ≥ 0 for each of ${x!.shape.length} axes`,
        padding,
      );
    }
    return [
      {
        shape: x!.shape.map((extent, axis) => extent + padding[axis]![0] + padding[axis]![1]),
        dtype: x!.dtype,
      },
    ];
  },
  gradient: ({ inputs: [x], attrs: { padding }, gradients: [g] }) => [
    slice(
      g!,
      padding.map(([before]) => before),
      x!.shape,
    ),
  ],
  reference([x], { padding }, [out]) {
    const result = new Float64Array(sizeOf(out!.shape));
    const strides = stridesOf(out!.shape);
    const own = stridesOf(x!.shape);
    x!.data.forEach((element, i) => {
      let at = 0;
      for (let axis = 0; axis < own.length; axis++) {
        at += ((Math.floor(i / own[axis]!) % x!.shape[axis]!) + padding[axis]![0]) * strides[axis]!;
      }
      result[at] = element;
    });
    return [result];
  },
};
/** Zeros around `x`. */
export function pad(x: Value, padding: Padding): Value {
  const none = padding.every(([before, after]) => before === 0 && after === 0);
  return none ? x : apply1(padOp, [x], { padding });
}

export const concatOp: Op<{ axis: number }, 'concat'> = {
  name: 'concat',
  infer(inputs, { axis }) {
    const first = inputs[0]!;
    const fits = inputs.every(
      (x) =>
        x.dtype === first.dtype &&
        x.shape.length === first.shape.length &&
        x.shape.every((extent, a) => a === axis || extent === first.shape[a]),
    );
    if (!fits) {
      const found = inputs.map((x) => [...x.shape]);
      throw shapeError('concat', 'input shapes', `must be equal except at axis ${axis}`, found);
    }
    const total = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [
      { shape: first.shape.map((extent, a) => (a === axis ? total : extent)), dtype: first.dtype },
    ];
  },
  gradient({ inputs, attrs: { axis }, gradients: [g] }) {
    let at = 0;
    return inputs.map((x) => {
      const start = x.shape.map((_, a) => (a === axis ? at : 0));
      at += x.shape[axis]!;
      return slice(g!, start, x.shape);
    });
  },
  reference(inputs, { axis }, [out]) {
    const result = new Float64Array(sizeOf(out!.shape));
    const row = sizeOf(out!.shape.slice(axis));
    let at = 0;
    for (const x of inputs) {
      const width = sizeOf(x.shape.slice(axis));
      for (let outer = 0; outer * width < x.data.length; outer++) {
        result.set(x.data.subarray(outer * width, (outer + 1) * width), outer * row + at);
      }
      at += width;
    }
    return [result];
  },
};
/** `inputs` side by side along `axis`. */
export const concat = (inputs: readonly [Value, ...Value[]], axis: number): Value =>
  apply1(concatOp, inputs, { axis });

export const gatherRowsOp: Op<undefined, 'gather_rows'> = {
  name: 'gather_rows',
  infer: ([data, rows]) => [
    { shape: [...rows!.shape, ...data!.shape.slice(1)], dtype: data!.dtype as DType },
  ],
  reference([data, rows], _attrs, [out]) {
    const result = new Float64Array(sizeOf(out!.shape));
    const width = sizeOf(data!.shape.slice(1));
    rows!.data.forEach((row, i) => {
      result.set(data!.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return [result];
  },
};
/** Row `rows[i]` of `data` at `i`: how a batch is taken from a data set by index. `rows` is `int32`. */
export const gatherRows = (data: Value, rows: Value): Value =>
  apply1(gatherRowsOp, [data, rows], undefined);
