/**
 * @file One row for each operation that has a gradient: how to make a small random instance whose inputs keep away from
 * kinks and ties. Operations without a gradient are listed with the reason.
 */
import { sizeOf } from '../../src/core/shape.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import type { InputSpec } from '../backends/judge.ts';
import type { Draw } from '../backends/random_cases.ts';

export interface GradientRow {
  inputs: readonly InputSpec[];
  build(inputs: readonly Value[]): Value;
  /** Inputs to differentiate by; default all. */
  wrt?: readonly number[];
}

type Make = (draw: Draw) => GradientRow;
type Fill = NonNullable<InputSpec['fill']>;

const between =
  (low: number, high: number): Fill =>
  (u) =>
    low + u * (high - low);
/** Of either sign, at least `least` from zero. */
const awayFromZero =
  (least: number, largest: number): Fill =>
  (u) =>
    u < 0.5 ? -least - u * 2 * (largest - least) : least + (u * 2 - 1) * (largest - least);
/** Numbers no two of which are near each other, in a scattered order. */
const distinct: Fill = (u, i) => (((i * 37) % 101) + u * 0.3) / 25 - 2;

/** An elementwise function of one input. */
const unary =
  (f: (x: Value) => Value, fill: Fill): Make =>
  (draw) => ({ inputs: [{ shape: draw.shape(draw.int(0, 2), 4), fill }], build: ([x]) => f(x!) });

/** Of two inputs, one of them stretched now and then. */
const binary =
  (f: (a: Value, b: Value) => Value, fillA: Fill, fillB: Fill): Make =>
  (draw) => {
    const shape = draw.shape(2, 3);
    const slim = draw.pick([shape, shape.slice(1), [shape[0]!, 1], []]);
    const [a, b] = draw.chance(0.5) ? [shape, slim] : [slim, shape];
    return {
      inputs: [
        { shape: a, fill: fillA },
        { shape: b, fill: fillB },
      ],
      build: ([x, y]) => f(x!, y!),
    };
  };

const plain = between(-2, 2);
/** Even and odd multiples: elements of two inputs are never near each other. */
const even: Fill = (u, i) => ((i * 7) % 5) * 0.4 - 1 + u * 0.1;
const odd: Fill = (u, i) => ((i * 3) % 5) * 0.4 - 0.8 + u * 0.1;

interface ConvRow {
  x: number[];
  w: number[];
  y: number[];
  attrs: ops.ConvAttrs;
}

function convRow(draw: Draw): ConvRow {
  for (;;) {
    const groups = draw.pick([1, 1, 2]);
    const [cg, kg] = [draw.int(1, 2), draw.int(1, 2)];
    const w = [draw.int(1, 2), draw.int(1, 3), cg, kg * groups];
    const x = [draw.int(1, 2), draw.int(1, 4), draw.int(1, 4), cg * groups];
    const pads = () => [draw.int(0, 1), draw.int(0, 1)] as const;
    const attrs: ops.ConvAttrs = {
      strides: [draw.int(1, 2), draw.int(1, 2)],
      dilation: [draw.int(1, 2), 1],
      padding: [pads(), pads()],
      groups,
    };
    const extent = (axis: 0 | 1) =>
      ops.outputExtent(
        x[axis + 1]!,
        w[axis]!,
        attrs.strides[axis],
        attrs.padding[axis],
        attrs.dilation[axis],
      );
    const y = [x[0]!, extent(0), extent(1), w[3]!];
    if (y.every((size) => size > 0) && sizeOf(x) <= 36 && sizeOf(y) <= 36)
      return { x, w, y, attrs };
  }
}

function poolRow(draw: Draw): { x: number[]; y: number[]; attrs: ops.PoolAttrs } {
  const window = [draw.int(1, 3), draw.int(1, 2)] as const;
  const x = [draw.int(1, 2), draw.int(window[0], 4), draw.int(window[1], 4), draw.int(1, 3)];
  const pads = (axis: 0 | 1) => [draw.int(0, window[axis] - 1), 0] as const;
  const attrs: ops.PoolAttrs = {
    window,
    strides: [draw.int(1, 2), draw.int(1, 2)],
    padding: [pads(0), pads(1)],
  };
  const g = ops.poolGeometry(x, attrs);
  return { x, y: [g.n, g.oh, g.ow, g.c], attrs };
}

const places = (extent: number): Fill => between(-1.4, extent + 0.4);

export const gradientRows: Readonly<Record<string, Make>> = {
  add: binary(ops.add, plain, plain),
  sub: binary(ops.sub, plain, plain),
  mul: binary(ops.mul, plain, plain),
  div: binary(ops.div, plain, awayFromZero(0.5, 2)),
  maximum: binary(ops.maximum, even, odd),
  minimum: binary(ops.minimum, even, odd),
  neg: unary(ops.neg, plain),
  abs: unary(ops.abs, awayFromZero(0.1, 2)),
  square: unary(ops.square, plain),
  sqrt: unary(ops.sqrt, between(0.3, 3)),
  relu: unary(ops.relu, awayFromZero(0.1, 2)),
  exp: unary(ops.exp, plain),
  log: unary(ops.log, between(0.3, 3)),
  tanh: unary(ops.tanh, plain),
  sigmoid: unary(ops.sigmoid, between(-4, 4)),
  cos: unary(ops.cos, between(-4, 4)),
  sin: unary(ops.sin, between(-4, 4)),
  erf: unary(ops.erf, plain),
  erf_inverse: unary(ops.erfInverse, between(-0.9, 0.9)),
  exp_minus_one: unary(ops.expMinusOne, plain),
  softplus: unary(ops.softplus, between(-4, 4)),
  pow: binary(ops.pow, between(0.5, 2), plain),
  power: (draw) => {
    const exponent = draw.pick([-2, -0.5, 0.5, 1, 1.5, 2, 3, 5]);
    return unary((x) => ops.power(x, exponent), between(0.3, 2))(draw);
  },
  select: (draw) => {
    const shape = draw.shape(2, 4);
    return {
      inputs: [
        { shape: draw.pick([shape, shape.slice(1)]), dtype: 'bool', fill: (u) => u * 2 },
        { shape, fill: plain },
        { shape: draw.pick([shape, []]), fill: plain },
      ],
      build: ([mask, a, b]) => ops.select(mask!, a!, b!),
      wrt: [1, 2],
    };
  },
  broadcast: (draw) => {
    const shape = draw.shape(3, 3);
    const slim = shape.slice(draw.int(0, 2)).map((extent) => (draw.chance(0.5) ? 1 : extent));
    return { inputs: [{ shape: slim }], build: ([x]) => ops.broadcast(x!, shape) };
  },
  softmax: (draw) => ({
    inputs: [{ shape: draw.shape(2, 5), fill: plain }],
    build: ([x]) => ops.softmax(x!),
  }),
  batch_normalize: (draw) => {
    const c = draw.int(1, 3);
    const shape = draw.pick([
      [draw.int(3, 8), c],
      [2, draw.int(1, 2), 3, c],
    ]);
    return {
      inputs: [
        { shape, fill: distinct },
        { shape: [c], fill: between(0.5, 2) },
        { shape: [c], fill: plain },
      ],
      build: ([x, gamma, beta]) => ops.batchNormalize(x!, gamma!, beta!, 1e-3).y,
    };
  },
  reshape: (draw) => {
    const shape = draw.shape(3, 3);
    return { inputs: [{ shape }], build: ([x]) => ops.reshape(x!, [sizeOf(shape), 1]) };
  },
  transpose: (draw) => {
    const axes = draw.pick([
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
      [1, 0, 2],
      [0, 2, 1],
    ]);
    return { inputs: [{ shape: draw.shape(3, 3) }], build: ([x]) => ops.transpose(x!, axes) };
  },
  slice: (draw) => {
    const shape = draw.shape(3, 4);
    const start = shape.map((extent) => draw.int(0, extent - 1));
    const size = shape.map((extent, axis) => draw.int(1, extent - start[axis]!));
    return { inputs: [{ shape }], build: ([x]) => ops.slice(x!, start, size) };
  },
  pad: (draw) => {
    const shape = draw.shape(2, 3);
    const padding = shape.map(() => [draw.int(0, 2), draw.int(0, 2)] as const);
    return { inputs: [{ shape }], build: ([x]) => ops.pad(x!, padding) };
  },
  concat: (draw) => {
    const shape = draw.shape(3, 3);
    const axis = draw.int(0, 2);
    const other = shape.map((extent, a) => (a === axis ? draw.int(1, 3) : extent));
    return {
      inputs: [{ shape }, { shape: other }],
      build: ([a, b]) => ops.concat([a!, b!, a!], axis),
    };
  },
  reduce_sum: (draw) => {
    const shape = draw.shape(3, 3);
    const axes = draw.pick([[0], [1], [2], [0, 2], [0, 1, 2]]);
    const keep = draw.chance(0.5);
    return { inputs: [{ shape }], build: ([x]) => ops.reduceSum(x!, axes, keep) };
  },
  reduce_max: (draw) => {
    const axes = draw.pick([[0], [1], [2], [0, 1]]);
    return {
      inputs: [{ shape: draw.shape(3, 3), fill: distinct }],
      build: ([x]) => ops.reduceMax(x!, axes),
    };
  },
  matmul: (draw) => {
    const [m, k, n] = [draw.int(1, 4), draw.int(1, 4), draw.int(1, 4)];
    const [ta, tb] = [draw.chance(0.5), draw.chance(0.5)];
    return {
      inputs: [{ shape: ta ? [k, m] : [m, k] }, { shape: tb ? [n, k] : [k, n] }],
      build: ([a, b]) => ops.matmul(a!, b!, ta, tb),
    };
  },
  conv2d: (draw) => {
    const { x, w, attrs } = convRow(draw);
    return { inputs: [{ shape: x }, { shape: w }], build: ([a, b]) => ops.conv2d(a!, b!, attrs) };
  },
  conv2d_input_gradient: (draw) => {
    const { x, w, y, attrs } = convRow(draw);
    return {
      inputs: [{ shape: y }, { shape: w }],
      build: ([g, b]) => ops.conv2dInputGradient(g!, b!, x, attrs),
    };
  },
  conv2d_filter_gradient: (draw) => {
    const { x, w, y, attrs } = convRow(draw);
    return {
      inputs: [{ shape: x }, { shape: y }],
      build: ([a, g]) => ops.conv2dFilterGradient(a!, g!, w, attrs),
    };
  },
  max_pool2d: (draw) => {
    const { x, attrs } = poolRow(draw);
    return { inputs: [{ shape: x, fill: distinct }], build: ([a]) => ops.maxPool2d(a!, attrs) };
  },
  average_pool2d: (draw) => {
    const { x, attrs } = poolRow(draw);
    return { inputs: [{ shape: x }], build: ([a]) => ops.averagePool2d(a!, attrs) };
  },
  average_pool2d_gradient: (draw) => {
    const { x, y, attrs } = poolRow(draw);
    return {
      inputs: [{ shape: y }],
      build: ([g]) =>
        g!.graph.apply(ops.averagePool2dGradientOp, [g!], { ...attrs, imageShape: x })[0]!,
    };
  },
  sample2d: (draw) => {
    const image = [draw.int(1, 2), draw.int(1, 4), draw.int(1, 4), draw.int(1, 2)];
    const out = [image[0]!, draw.int(1, 3), draw.int(1, 3)];
    const interpolation = draw.pick(['bilinear', 'nearest'] as const);
    return {
      inputs: [
        { shape: image },
        { shape: out, fill: places(image[1]!) },
        { shape: out, fill: places(image[2]!) },
      ],
      build: ([x, rows, columns]) =>
        ops.sample2d(x!, rows!, columns!, { interpolation, fillValue: 0.5 }),
      wrt: [0],
    };
  },
  sample2d_gradient: (draw) => {
    const imageShape = [draw.int(1, 2), draw.int(1, 4), draw.int(1, 4), draw.int(1, 2)];
    const out = [imageShape[0]!, draw.int(1, 3), draw.int(1, 3)];
    const attrs = { interpolation: 'bilinear', fillValue: 0.5, imageShape } as const;
    return {
      inputs: [
        { shape: [...out, imageShape[3]!] },
        { shape: out, fill: places(imageShape[1]!) },
        { shape: out, fill: places(imageShape[2]!) },
      ],
      build: ([g, rows, columns]) =>
        g!.graph.apply(ops.sample2dGradientOp, [g!, rows!, columns!], attrs)[0]!,
      wrt: [0],
    };
  },
  conv_relu_pool: (draw) => {
    const [c, k] = [draw.int(1, 2), draw.int(1, 3)];
    const w = [draw.int(1, 2), draw.int(1, 3), c, k];
    const pool = draw.pick([
      [2, 2],
      [1, 3],
      [1, 1],
    ] as const);
    const x = [1, w[0]! + pool[0] - 1 + draw.int(0, 2), w[1]! + pool[1] - 1 + draw.int(0, 2), c];
    const attrs: ops.ConvPoolAttrs = { strides: [1, 1], dilation: [1, 1], pool };
    return {
      inputs: [{ shape: x }, { shape: w }, { shape: [k] }],
      build: ([a, b, bias]) => a!.graph.apply(ops.convReluPoolOp, [a!, b!, bias!], attrs)[0]!,
    };
  },
};

const flat = 'its value does not change in small steps';
const second = 'it is itself a gradient, of a piecewise linear operation; no second derivatives';
const whole = 'it is about whole numbers, masks or types';

/** Why an operation has no gradient. */
export const withoutGradient: Readonly<Record<string, string>> = {
  constant: 'it has no inputs',
  input: 'it has no inputs',
  variable: 'it has no inputs',
  iota: 'it has no inputs',
  random_uniform: whole,
  sign: flat,
  floor: flat,
  int_add: whole,
  less: whole,
  less_equal: whole,
  equal: whole,
  int_equal: whole,
  logical_and: whole,
  logical_not: whole,
  cast: whole,
  arg_max: whole,
  histogram: whole,
  gather_rows: 'it takes rows from data, which no training changes',
  integer_power: 'it serves the bias corrections of optimizers alone',
  stop_gradient: 'that is its purpose',
  max_pool2d_gradient: second,
  pooled_filter_gradient: second,
  pooled_input_gradient: second,
  pooled_bias_gradient: second,
};
