/**
 * @file Images at another size. Each axis is a product with a matrix [target, source] of weights: for bilinear
 * interpolation max(0, 1 − |source − place|) with the centres of pixels at half, for nearest neighbours 1 at one place,
 * for the others a filter of the distance, whose weights inside the image are brought to a sum of 1.
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
  less,
  lessEqual,
  matmul,
  maximum,
  minimum,
  mul,
  reduceSum,
  relu,
  reshape,
  select,
  sin,
  square,
  sub,
  transpose,
} from '../ops/index.ts';

export const interpolations = ['nearest', 'bilinear', 'bicubic', 'lanczos3', 'lanczos5'] as const;
export type Interpolation = (typeof interpolations)[number];

export interface ResampleOptions {
  interpolation: Interpolation;
  /** Whether smaller images are made of all pixels, by filters that grow with what a pixel covers; default false. */
  antialias?: boolean;
}

/** [target, source]: what each place of the target takes from each of the source. */
function weights(
  like: Value,
  target: number,
  source: number,
  { interpolation, antialias = false }: ResampleOptions,
): Value {
  const places = cast(iota(like, source), 'float32');
  const rows = reshape(cast(iota(like, target), 'float32'), [target, 1]);
  // Multiplied before divided, so that places on a whole number are exact.
  const centres = div(mul(add(rows, 0.5), source), target);
  if (interpolation === 'nearest')
    return cast(equal(places, minimum(floor(centres), source - 1)), 'float32');
  if (interpolation === 'bilinear' && !antialias) {
    const inside = minimum(maximum(sub(centres, 0.5), 0), source - 1);
    return relu(sub(1, abs(sub(places, inside))));
  }
  const width = antialias ? Math.max(1, source / target) : 1;
  const exact = sub(centres, 0.5);
  const middles = interpolation === 'bicubic' && !antialias ? inSteps(exact) : exact;
  const found = filters[interpolation](div(abs(sub(places, middles)), width));
  return div(found, reduceSum(found, [1], true));
}

/** TensorFlow takes the weights of the cubic from a table of 1,024 steps from pixel to pixel. */
function inSteps(places: Value): Value {
  const below = floor(places);
  return add(below, div(floor(add(mul(sub(places, below), 1024), 0.5)), 1024));
}

/** Weights by the distance from the centre. */
const filters: Readonly<Record<Exclude<Interpolation, 'nearest'>, (distance: Value) => Value>> = {
  bilinear: (d) => relu(sub(1, d)),
  // Keys's cubic with a = -1/2.
  bicubic: (d) => {
    const near = add(mul(mul(sub(mul(d, 1.5), 2.5), d), d), 1);
    const far = add(mul(sub(mul(sub(2.5, mul(d, 0.5)), d), 4), d), 2);
    return select(less(d, 1), near, select(less(d, 2), far, 0));
  },
  lanczos3: (d) => lanczos(d, 3),
  lanczos5: (d) => lanczos(d, 5),
};

/** r·sin(πd)·sin(πd/r)/(πd)², 1 in the middle. */
function lanczos(distance: Value, radius: number): Value {
  const middle = lessEqual(distance, 1e-3);
  const angle = mul(select(middle, 1, distance), Math.PI);
  const waves = mul(mul(sin(angle), sin(div(angle, radius))), radius);
  return select(middle, 1, select(lessEqual(distance, radius), div(waves, square(angle)), 0));
}

/** The product of a matrix [target, source] and `x` along `axis`, whose extent becomes `target`. */
export function productAlong(x: Value, axis: number, matrix: Value): Value {
  const order = [axis, ...[...x.shape.keys()].filter((i) => i !== axis)];
  const front = transpose(x, order);
  const rest = front.shape.slice(1);
  const columns = reshape(front, [x.shape[axis]!, rest.reduce((a, b) => a * b, 1)]);
  const product = matmul(matrix, columns);
  const back = order.map((_, i) => order.indexOf(i));
  return transpose(reshape(product, [matrix.shape[0]!, ...rest]), back);
}

/** `x` with `axis` of extent `target`. */
function resampleAlong(x: Value, axis: number, target: number, options: ResampleOptions): Value {
  const source = x.shape[axis]!;
  return source === target ? x : productAlong(x, axis, weights(x, target, source, options));
}

/** Images [n, h, w, c] as [n, height, width, c]. */
export function resample(x: Value, height: number, width: number, options: ResampleOptions): Value {
  return resampleAlong(resampleAlong(x, 1, height, options), 2, width, options);
}

/** Each element along `axis` `times` over. */
export function repeatAlong(x: Value, axis: number, times: number): Value {
  if (times === 1) return x;
  const before = x.shape.slice(0, axis + 1);
  const after = x.shape.slice(axis + 1);
  const apart = broadcast(reshape(x, [...before, 1, ...after]), [...before, times, ...after]);
  return reshape(apart, [...before.slice(0, -1), before.at(-1)! * times, ...after]);
}
