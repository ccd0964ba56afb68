/** @file Tables of tones, one for each channel of an image or of its parts: how they are counted, summed and looked up. */
import { sizeOf } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { cast, gatherRows, intAdd, iota, lessEqual, matmul, mul, reshape } from '../ops/index.ts';

/** Sums of the first one, two, … numbers along the last axis: a product with a triangle of ones. */
export function cumulativeSum(x: Value): Value {
  const size = x.shape.at(-1)!;
  const order = cast(iota(x, size), 'float32');
  const triangle = lessEqual(reshape(order, [size, 1]), reshape(order, [1, size]));
  const rows = reshape(x, [sizeOf(x.shape) / size, size]);
  return reshape(matmul(rows, cast(triangle, 'float32')), x.shape);
}

/** 0, `step`, 2·`step`, … as whole numbers of the shape: where tables of `step` entries begin. */
export function starts(like: Value, shape: readonly number[], step: number): Value {
  const order = cast(iota(like, sizeOf(shape)), 'float32');
  return cast(reshape(mul(order, step), shape), 'int32');
}

/** Entries of `tables`, of any shape, at the sums of these whole numbers. */
export function lookUp(tables: Value, ...places: readonly [Value, ...Value[]]): Value {
  const place = places.reduce((sum, part) => intAdd(sum, part));
  return gatherRows(reshape(tables, [sizeOf(tables.shape)]), place);
}
