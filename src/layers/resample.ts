/**
 * @file Images at another size. Each axis is a product with a matrix [target, source] of weights: for bilinear
 * interpolation max(0, 1 − |source − place|) with the centres of pixels at half, for nearest neighbours 1 at one place.
 */
import type { Value } from '../ir/graph.ts';
import {
  abs,
  add,
  broadcast,
  cast,
  div,
  equal,
  floor,
  iota,
  matmul,
  maximum,
  minimum,
  mul,
  relu,
  reshape,
  sub,
  transpose,
} from '../ops/index.ts';

export type Interpolation = 'nearest' | 'bilinear';

/** [target, source]: what each place of the target takes from each of the source. */
function weights(like: Value, target: number, source: number, interpolation: Interpolation): Value {
  const places = cast(iota(like, source), 'float32');
  const rows = reshape(cast(iota(like, target), 'float32'), [target, 1]);
  // Multiplied before divided, so that places on a whole number are exact.
  const centres = div(mul(add(rows, 0.5), source), target);
  if (interpolation === 'nearest')
    return cast(equal(places, minimum(floor(centres), source - 1)), 'float32');
  const inside = minimum(maximum(sub(centres, 0.5), 0), source - 1);
  return relu(sub(1, abs(sub(places, inside))));
}

/** `x` with `axis` of extent `target`. */
function resampleAlong(
  x: Value,
  axis: number,
  target: number,
  interpolation: Interpolation,
): Value {
  const source = x.shape[axis]!;
  if (source === target) return x;
  const order = [axis, ...[...x.shape.keys()].filter((i) => i !== axis)];
  const front = transpose(x, order);
  const rest = front.shape.slice(1);
  const columns = reshape(front, [source, front.shape.slice(1).reduce((a, b) => a * b, 1)]);
  const product = matmul(weights(x, target, source, interpolation), columns);
  const back = order.map((_, i) => order.indexOf(i));
  return transpose(reshape(product, [target, ...rest]), back);
}

/** Images [n, h, w, c] as [n, height, width, c]. */
export function resample(
  x: Value,
  height: number,
  width: number,
  interpolation: Interpolation,
): Value {
  return resampleAlong(resampleAlong(x, 1, height, interpolation), 2, width, interpolation);
}

/** Each element along `axis` `times` over. */
export function repeatAlong(x: Value, axis: number, times: number): Value {
  if (times === 1) return x;
  const before = x.shape.slice(0, axis + 1);
  const after = x.shape.slice(axis + 1);
  const apart = broadcast(reshape(x, [...before, 1, ...after]), [...before, times, ...after]);
  return reshape(apart, [...before.slice(0, -1), before.at(-1)! * times, ...after]);
}
