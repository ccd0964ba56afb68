/**
 * @file Tensors on the host: a typed array with a shape. They carry data in and results out; arithmetic happens in
 * the engine, on the values of a graph.
 */
import { type AnyArray, allocate, type DType, type TypedArrays } from './dtype.ts';
import { show, TsunoError } from './errors.ts';
import { type Shape, sizeOf } from './shape.ts';

/** Numbers in nested arrays, as in `[[1, 2], [3, 4]]`. */
export type Nested = number | readonly Nested[];

/**
 * An n-dimensional array, row-major.
 *
 * @example
 * ```ts
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * x.shape;                  // [2, 3]
 * x.slice(1, 2).toArray();  // [[4, 5, 6]]
 * ```
 */
export class Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  /** The elements, row-major; `slice` shares them. */
  readonly data: TypedArrays[D];

  constructor(dtype: D, shape: Shape, data: TypedArrays[D] = allocate(dtype, sizeOf(shape))) {
    if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
      throw new TsunoError('SHAPE', {
        where: 'Tensor',
        what: 'shape',
        expected: 'a list of whole numbers, none negative',
        found: show(shape),
      });
    }
    if (data.length !== sizeOf(shape)) {
      throw new TsunoError('SHAPE', {
        where: 'Tensor',
        what: `data of shape ${show(shape)}`,
        expected: `must have ${sizeOf(shape)} elements`,
        found: String(data.length),
      });
    }
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.data = data;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** Number of rows: the extent of axis 0. */
  get length(): number {
    return this.shape[0] ?? 1;
  }

  /** Rows `start` (default 0) up to, not including, `end` (default all): a view, as `Array.prototype.slice` counts. */
  slice(start = 0, end = this.length): Tensor<D> {
    const clamp = (i: number) => Math.min(this.length, Math.max(0, i < 0 ? i + this.length : i));
    const from = clamp(Math.trunc(start));
    const to = Math.max(from, clamp(Math.trunc(end)));
    const row = sizeOf(this.shape.slice(1));
    const data = this.data.subarray(from * row, to * row) as TypedArrays[D];
    return new Tensor(this.dtype, [to - from, ...this.shape.slice(1)], data);
  }

  /**
   * A copy of the rows at `indices`, in their order.
   *
   * @example
   * ```ts
   * tensor([[1, 2], [3, 4], [5, 6]]).rows([2, 0]).toArray(); // [[5,6],[1,2]]
   * ```
   */
  rows(indices: ArrayLike<number>): Tensor<D> {
    const picked = new Tensor(this.dtype, [indices.length, ...this.shape.slice(1)]);
    copyRows(this, indices, picked.data, 0);
    return picked;
  }

  /** The same elements under another shape; one extent may be -1. */
  reshape(shape: Shape): Tensor<D> {
    const known = sizeOf(shape.filter((extent) => extent !== -1));
    return new Tensor(
      this.dtype,
      shape.map((extent) => (extent === -1 ? this.size / known : extent)),
      this.data,
    );
  }

  /** The element at `index`, one number an axis. */
  at(...index: number[]): number {
    let offset = 0;
    for (let axis = 0; axis < this.rank; axis++) offset = offset * this.shape[axis]! + index[axis]!;
    return this.data[offset]!;
  }

  /** Nested arrays of numbers. */
  toArray(): Nested {
    if (this.rank === 0) return this.data[0]!;
    if (this.rank === 1) return Array.from(this.data);
    return Array.from({ length: this.length }, (_, i) =>
      this.slice(i, i + 1)
        .reshape(this.shape.slice(1))
        .toArray(),
    );
  }

  /** Position of the largest element of each row along the last axis: the predicted class. */
  argMax(): number[] {
    const width = this.shape[this.rank - 1] ?? 1;
    return Array.from({ length: this.size / width }, (_, row) => {
      let best = 0;
      for (let i = 1; i < width; i++) {
        if (this.data[row * width + i]! > this.data[row * width + best]!) best = i;
      }
      return best;
    });
  }
}

/**
 * Copies rows of `from` into `target`, where they are rows `at` and those behind it.
 *
 * @param indices which rows, in their order; default all.
 */
export function copyRows<D extends DType>(
  from: Tensor<D>,
  indices: ArrayLike<number> | undefined,
  target: TypedArrays[D],
  at: number,
): void {
  const { data } = from;
  const row = sizeOf(from.shape.slice(1));
  if (!indices) target.set(data, at * row);
  else if (row === 1) for (let i = 0; i < indices.length; i++) target[at + i] = data[indices[i]!]!;
  else
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      target.set(data.subarray(index * row, (index + 1) * row), (at + i) * row);
    }
}

/**
 * A tensor from nested arrays or a typed array with a shape. Numbers become `float32` unless `dtype` says otherwise;
 * a typed array keeps its type.
 *
 * @throws TsunoError `SHAPE` for ragged arrays or a shape that does not fit.
 * @example
 * ```ts
 * tensor([[1, 2, 3], [4, 5, 6]]).shape; // [2, 3]
 * tensor(Uint8Array.of(1, 2, 3, 4), [2, 2]).dtype; // 'uint8'
 * ```
 */
export function tensor(values: Float32Array, shape?: Shape): Tensor<'float32'>;
export function tensor(values: Int32Array, shape?: Shape): Tensor<'int32'>;
export function tensor(values: Uint8Array, shape?: Shape): Tensor<'uint8'>;
export function tensor(values: Nested, shape?: Shape): Tensor<'float32'>;
export function tensor<D extends DType>(
  values: Nested,
  shape: Shape | undefined,
  dtype: D,
): Tensor<D>;
export function tensor(values: Nested | AnyArray, shape?: Shape, dtype: DType = 'float32'): Tensor {
  if (values instanceof Float32Array)
    return new Tensor('float32', shape ?? [values.length], values);
  if (values instanceof Int32Array) return new Tensor('int32', shape ?? [values.length], values);
  if (values instanceof Uint8Array) return new Tensor('uint8', shape ?? [values.length], values);
  const nested = values as Nested;
  const found = nestedShape(nested);
  const flat: number[] = [];
  flatten(nested, found, 0, flat);
  const data = allocate(dtype, flat.length);
  data.set(flat);
  return new Tensor(dtype, shape ?? found, data);
}

function nestedShape(values: Nested): number[] {
  const shape: number[] = [];
  for (let level: Nested | undefined = values; Array.isArray(level); level = level[0])
    shape.push(level.length);
  return shape;
}

function flatten(values: Nested, shape: Shape, depth: number, out: number[]): void {
  const isArray = Array.isArray(values);
  if (isArray !== depth < shape.length || (isArray && values.length !== shape[depth])) {
    throw new TsunoError('SHAPE', {
      where: 'tensor',
      what: 'nested arrays',
      expected: `must be regular: ${shape[depth] ?? 'a number'} at depth ${depth}`,
      found: isArray ? `${(values as readonly Nested[]).length} items` : String(values),
    });
  }
  if (!isArray) out.push(values as number);
  else for (const item of values as readonly Nested[]) flatten(item, shape, depth + 1, out);
}
