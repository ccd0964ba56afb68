/**
 * @file Legal configurations drawn at random, a family for each kind of kernel. Extents lie around the kernels' tiles: 1,
 * primes, tile ± 1.
 *
 * Half of the cases are `exact`: all inputs are small multiples of 1/8, so that every sum is exact in float32 and the engine
 * must agree with float64 to the bit, whatever the order; ties, zeros and the first of several maxima come up often. In
 * the others products may differ by 8·√terms·2⁻²⁴·Σ|a·b|.
 */
import { RandomSequence } from '../../src/core/random.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import { pixelwise } from '../support/geometry.ts';
import type { Case, InputSpec } from './judge.ts';

export interface RandomCase extends Case {
  /** Results must be equal to the bit. */
  exact: boolean;
  /** Terms of the longest sum, where results are sums of products. */
  terms?: number;
  /** Winograd's method adds and takes away neighbours: its errors are relative to the largest sum, not to each. */
  mixes?: boolean;
}

export class Draw {
  private readonly random: RandomSequence;

  constructor(seed: number, family: number) {
    this.random = new RandomSequence(seed, family);
  }

  /** From `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + this.random.below(high - low + 1);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)]!;
  }
  chance(probability: number): boolean {
    return this.random.uniform() < probability;
  }
  channels(): number {
    return this.pick([1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 33]);
  }
  shape(rank: number, largest: number): number[] {
    return Array.from({ length: rank }, () => this.int(1, largest));
  }
}

type Fill = NonNullable<InputSpec['fill']>;

const eighths: Fill = (u) => Math.round((u * 2 - 1) * 8) / 8;
const plain: Fill = (u) => u * 2 - 1;
const fillOf = (exact: boolean): Fill => (exact ? eighths : plain);

type Family = (draw: Draw) => RandomCase;

export interface ConvConfig {
  x: number[];
  w: number[];
  attrs: ops.ConvAttrs;
}

/** 3 × 3, dense, whole vectors of channels: what goes by Winograd's method; now and then many pixels. */
function denseConfig(draw: Draw): ConvConfig {
  const [c, k] = [draw.pick([4, 8, 12, 16, 20]), draw.pick([4, 8, 12, 16, 24])];
  const large = draw.chance(0.1);
  const extent = () => (large ? draw.int(22, 25) : draw.int(1, 9));
  const pads = () =>
    draw.pick([[0, 0] as const, [1, 1] as const, [0, 1] as const, [3, 2] as const]);
  const padding = [pads(), pads()] as const;
  const fit = (size: number, [before, after]: ops.Pair) => Math.max(size, 3 - before - after, 1);
  const x = [draw.int(1, 3), fit(extent(), padding[0]), fit(extent(), padding[1]), c];
  return {
    x,
    w: [3, 3, c, k],
    attrs: { strides: [1, 1], dilation: [1, 1], padding, groups: 1 },
  };
}

export function convConfig(draw: Draw): ConvConfig {
  if (draw.chance(0.25)) return denseConfig(draw);
  for (;;) {
    const depthwise = draw.chance(0.2);
    const groups = depthwise ? draw.channels() : draw.chance(0.2) ? draw.pick([2, 3, 4]) : 1;
    const cg = depthwise
      ? 1
      : draw.chance(0.3)
        ? draw.int(1, 3)
        : Math.ceil(draw.channels() / groups);
    const k = depthwise ? groups : groups * Math.ceil(draw.channels() / groups);
    const w = [draw.int(1, 4), draw.int(1, 4), cg, k];
    const pads = () => [draw.int(0, 3), draw.int(0, 3)] as const;
    const attrs: ops.ConvAttrs = {
      strides: [draw.pick([1, 1, 2, 3]), draw.pick([1, 1, 2, 3])],
      dilation: [draw.pick([1, 1, 2, 3]), draw.pick([1, 1, 2])],
      padding: draw.chance(0.5)
        ? [
            [0, 0],
            [0, 0],
          ]
        : [pads(), pads()],
      groups,
    };
    const x = [draw.int(1, 3), draw.int(1, 9), draw.int(1, 9), cg * groups];
    const fits = [0, 1].every((axis) => {
      const [stride, dilation] = [attrs.strides[axis]!, attrs.dilation[axis]!];
      return ops.outputExtent(x[axis + 1]!, w[axis]!, stride, attrs.padding[axis]!, dilation) >= 1;
    });
    if (fits) return { x, w, attrs };
  }
}

const mixes = ({ w: [kh, kw], attrs: { strides, dilation, groups } }: ConvConfig): boolean =>
  kh === 3 && kw === 3 && [...strides, ...dilation, groups].every((one) => one === 1);

const conv: Family = (draw) => {
  const config = convConfig(draw);
  const { x, w, attrs } = config;
  const g = ops.convGeometry(x, w, attrs);
  const exact = draw.chance(0.5);
  const fill = fillOf(exact);
  return {
    name: `conv2d ${JSON.stringify([x, w, attrs])}`,
    exact,
    terms: g.kh * g.kw * g.cg + 1,
    mixes: mixes(config),
    inputs: [
      { shape: x, fill },
      { shape: w, fill },
      { shape: [g.k], fill },
    ],
    build: ([a, b, c]) => [
      ops.conv2d(a!, b!, attrs),
      ops.add(ops.conv2d(a!, b!, attrs), c!),
      ops.relu(ops.add(ops.conv2d(a!, b!, attrs), c!)),
    ],
  };
};

const convGradients: Family = (draw) => {
  const config = convConfig(draw);
  const { x, w, attrs } = config;
  const g = ops.convGeometry(x, w, attrs);
  const exact = draw.chance(0.5);
  const fill = fillOf(exact);
  return {
    name: `conv2d gradients ${JSON.stringify([x, w, attrs])}`,
    exact,
    terms: Math.max(g.n * g.oh * g.ow, g.kh * g.kw * g.k),
    mixes: mixes(config),
    inputs: [
      { shape: x, fill },
      { shape: w, fill },
      { shape: [g.n, g.oh, g.ow, g.k], fill },
    ],
    build: ([a, b, y]) => [
      ops.conv2dInputGradient(y!, b!, x, attrs),
      ops.conv2dFilterGradient(a!, y!, w, attrs),
    ],
  };
};

export function poolConfig(draw: Draw): { x: number[]; attrs: ops.PoolAttrs } {
  const window = [draw.int(1, 4), draw.int(1, 4)] as const;
  const strides = draw.chance(0.4) ? window : ([draw.int(1, 3), draw.int(1, 3)] as const);
  const pads = (axis: 0 | 1) =>
    draw.chance(0.5)
      ? ([0, 0] as const)
      : ([draw.int(0, window[axis] - 1), draw.int(0, window[axis] - 1)] as const);
  const padding = [pads(0), pads(1)] as const;
  const extent = (axis: 0 | 1) => {
    const least = Math.max(1, window[axis] - padding[axis][0] - padding[axis][1]);
    // A last window wholly in the padding after would have no elements.
    for (;;) {
      const size = draw.int(least, least + 8);
      const count = ops.outputExtent(size, window[axis], strides[axis], padding[axis]);
      if ((count - 1) * strides[axis] - padding[axis][0] < size) return size;
    }
  };
  const x = [draw.int(1, 3), extent(0), extent(1), draw.channels()];
  return { x, attrs: { window, strides, padding } };
}

const maxPool: Family = (draw) => {
  const { x, attrs } = poolConfig(draw);
  const g = ops.poolGeometry(x, attrs);
  return {
    name: `max_pool2d ${JSON.stringify([x, attrs])}`,
    exact: true,
    inputs: [
      { shape: x, fill: eighths },
      { shape: [g.n, g.oh, g.ow, g.c], fill: eighths },
    ],
    build: ([a, y]) => {
      const [top, winner] = a!.graph.apply(ops.maxPool2dOp, [a!], attrs);
      const back = { ...attrs, imageShape: x };
      const spread = a!.graph.apply(ops.maxPool2dGradientOp, [y!, winner!], back);
      return [top!, winner!, spread[0]!];
    },
  };
};

const averagePool: Family = (draw) => {
  const { x, attrs } = poolConfig(draw);
  const g = ops.poolGeometry(x, attrs);
  return {
    name: `average_pool2d ${JSON.stringify([x, attrs])}`,
    exact: false,
    terms: g.kh * g.kw,
    inputs: [
      { shape: x, fill: plain },
      { shape: [g.n, g.oh, g.ow, g.c], fill: plain },
    ],
    build: ([a, y]) => [
      ops.averagePool2d(a!, attrs),
      a!.graph.apply(ops.averagePool2dGradientOp, [y!], { ...attrs, imageShape: x })[0]!,
    ],
  };
};

const convPool: Family = (draw) => {
  const dense = draw.chance(0.4);
  const channels = () => (dense ? draw.pick([8, 12, 16, 24]) : draw.channels());
  const [c, k] = [channels(), channels()];
  const step = () => (dense ? 1 : draw.pick([1, 1, 2]));
  const attrs: ops.ConvPoolAttrs = {
    strides: [step(), step()],
    dilation: [step(), step()],
    pool: draw.pick([
      [2, 2],
      [2, 2],
      [1, 1],
      [1, 3],
      [3, 2],
      [2, 1],
      [1, 6],
    ] as const),
  };
  const w = dense ? [3, 3, c, k] : [draw.int(1, 3), draw.int(1, 3), c, k];
  const extent = (axis: 0 | 1) => {
    const covered = (attrs.pool[axis] * draw.int(1, 3) - 1) * attrs.strides[axis];
    return covered + (w[axis]! - 1) * attrs.dilation[axis] + 1 + draw.int(0, 1);
  };
  const x = [draw.int(1, 3), extent(0), extent(1), c];
  const g = ops.convPoolGeometry(x, w, attrs);
  return {
    name: `conv_relu_pool ${JSON.stringify([x, w, attrs])}`,
    exact: true,
    inputs: [
      { shape: x, fill: eighths },
      { shape: w, fill: eighths },
      { shape: [g.k], fill: eighths },
      { shape: [g.n, g.ph, g.pw, g.k], fill: eighths },
    ],
    build: ([a, b, bias, y]) => {
      const graph = a!.graph;
      const [pooled, winner] = graph.apply(ops.convReluPoolOp, [a!, b!, bias!], attrs);
      return [
        pooled!,
        winner!,
        graph.apply(ops.pooledFilterGradientOp, [a!, y!, winner!], {
          ...attrs,
          kernelShape: w,
        })[0]!,
        graph.apply(ops.pooledInputGradientOp, [y!, winner!, b!], { ...attrs, imageShape: x })[0]!,
        graph.apply(ops.pooledBiasGradientOp, [y!, winner!], undefined)[0]!,
      ];
    },
  };
};

const matmul: Family = (draw) => {
  const extent = () => draw.pick([1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 63, 64, 65]);
  const [m, k, n] = [extent(), extent(), extent()];
  const [ta, tb] = [draw.chance(0.5), draw.chance(0.5)];
  const exact = draw.chance(0.5);
  const fill = fillOf(exact);
  return {
    name: `matmul ${m}×${k}×${n} ${ta ? 'T' : '·'}${tb ? 'T' : '·'}`,
    exact,
    terms: k + 1,
    inputs: [
      { shape: ta ? [k, m] : [m, k], fill },
      { shape: tb ? [n, k] : [k, n], fill },
      { shape: [n], fill },
    ],
    build: ([a, b, c]) => {
      const product = () => ops.matmul(a!, b!, ta, tb);
      return [product(), ops.add(product(), c!), ops.relu(ops.add(product(), c!))];
    },
  };
};

/** Products that walk lists of what is not zero: few zeros, many, nothing else. */
const listed: Family = (draw) => {
  const m = draw.int(16, 41);
  const [r, k] = [draw.pick([16, 20, 32, 64, 80, 124, 132, 272]), draw.pick([64, 80, 128, 144])];
  const share = () => draw.pick([0, 0.2, 0.4, 0.9, 1]);
  const [zeros, others] = [share(), share()];
  const exact = draw.chance(0.5);
  const fill = fillOf(exact);
  const some =
    (part: number): Fill =>
    (u, i) =>
      u < part ? 0 : fill((u - part) / (1 - part), i);
  return {
    name: `listed ${m}×${r}×${k}, ${zeros} and ${others} zero`,
    exact,
    terms: Math.max(m, r, 128) + 1,
    inputs: [
      { shape: [m, r], fill: some(zeros) },
      { shape: [r, k], fill },
      { shape: [k], fill },
      { shape: [m, k], fill: some(others) },
      { shape: [1, m, 1, 128], fill: some(zeros) },
      { shape: [1, 1, 128, 144], fill },
    ],
    build: ([x, w, bias, g, image, kernel]) => {
      const product = ops.matmul(x!, w!);
      const pixels = ops.conv2d(ops.relu(image!), kernel!, pixelwise);
      return [
        product,
        ops.relu(ops.add(ops.matmul(x!, w!), bias!)),
        ops.matmul(g!, w!, false, true),
        ops.matmul(x!, g!, true, false),
        ops.select(ops.less(0, x!), ops.matmul(ops.mul(g!, 2), w!, false, true), 0),
        pixels,
      ];
    },
  };
};

const reduce: Family = (draw) => {
  const shape = draw.shape(draw.int(1, 4), draw.pick([3, 9, 20]));
  const axes = shape.flatMap((_, axis) => (draw.chance(0.5) ? [axis] : []));
  const chosen = axes.length > 0 ? axes : [shape.length - 1];
  const exact = draw.chance(0.5);
  return {
    name: `reduce [${shape}] over ${chosen}`,
    exact,
    terms: sizeOf(shape),
    inputs: [{ shape, fill: fillOf(exact) }],
    build: ([x]) => [
      ops.reduceSum(x!, chosen),
      ops.reduceMax(x!, chosen, draw.chance(0.5)),
      ops.argMax(x!),
    ],
  };
};

/** Sums over leading axes of what elementwise work makes, with results that are kept as well. */
const sums: Family = (draw) => {
  // Or more rows of channels in several blocks, which pass some at a time.
  const shape = draw.chance(0.8)
    ? [draw.int(1, 40), draw.int(1, 9), draw.pick([1, 3, 4, 8, 12, 16, 20, 33])]
    : [draw.int(30, 50), draw.int(7, 12), draw.pick([48, 80])];
  const exact = draw.chance(0.5);
  const fill = fillOf(exact);
  const axes = draw.pick([[0, 1], [0], [1]]);
  return {
    name: `sums of [${shape}] over ${axes}`,
    exact,
    terms: sizeOf(shape),
    inputs: [
      { shape, fill },
      { shape: shape.slice(draw.int(1, 2)), fill },
      { shape, fill },
    ],
    build: ([x, c, g]) => {
      const y = ops.add(ops.mul(x!, 2), c!);
      const scaled = ops.mul(g!, 0.5);
      return [
        ops.reduceSum(y, axes),
        ops.reduceSum(ops.mul(y, scaled), axes),
        ops.reduceSum(x!, axes),
        scaled,
      ];
    },
  };
};

/** Places on whole, half and quarter pixels, inside and outside: weights and sums are exact. */
const sample: Family = (draw) => {
  const image = [draw.int(1, 3), draw.int(1, 8), draw.int(1, 8), draw.channels()];
  const places = [image[0]!, draw.int(1, 8), draw.int(1, 8)];
  const around =
    (extent: number): Fill =>
    (u) =>
      Math.round((u * (extent + 3) - 2) * 4) / 4;
  const attrs = { interpolation: draw.pick(['bilinear', 'nearest'] as const), fillValue: 0.25 };
  return {
    name: `sample ${JSON.stringify([image, places, attrs])}`,
    exact: true,
    inputs: [
      { shape: image, fill: eighths },
      { shape: places, fill: around(image[1]!) },
      { shape: places, fill: around(image[2]!) },
      { shape: [...places, image[3]!], fill: eighths },
    ],
    build: ([x, rows, columns, g]) => {
      const back = { ...attrs, imageShape: image };
      return [
        ops.sample2d(x!, rows!, columns!, attrs),
        x!.graph.apply(ops.sample2dGradientOp, [g!, rows!, columns!], back)[0]!,
      ];
    },
  };
};

/** Operations that float32 does exactly on small multiples of 1/8 (products stay small because depth is). */
const exactSteps: readonly ((a: Value, b: Value, c: Value) => Value)[] = [
  ops.add,
  ops.sub,
  ops.maximum,
  ops.minimum,
  (a) => ops.neg(a),
  (a) => ops.abs(a),
  (a) => ops.sign(a),
  (a) => ops.floor(a),
  (a) => ops.relu(a),
  (a, b, c) => ops.select(ops.less(a, b), c, a),
  (a, b, c) => ops.select(ops.logicalNot(ops.lessEqual(a, b)), b, c),
  (a, b, c) => ops.select(ops.logicalAnd(ops.equal(a, b), ops.less(b, c)), 3, a),
  (a) => ops.cast(ops.cast(a, 'int32'), 'float32'),
  (a) => ops.cast(ops.cast(ops.abs(a), 'uint8'), 'float32'),
  (a, b) => ops.cast(ops.less(a, b), 'float32'),
  (a) => ops.stopGradient(ops.mul(a, 0.5)),
];

const elementwise: Family = (draw) => {
  const shape = draw.shape(draw.int(0, 4), draw.pick([2, 5, 9]));
  /** `shape` with some axes of extent 1 or left out. */
  const slim = (): Shape => {
    if (draw.chance(0.5)) return shape;
    const kept = shape.slice(draw.int(0, shape.length));
    return kept.map((extent) => (draw.chance(0.3) ? 1 : extent));
  };
  const inputs: InputSpec[] = [{ shape, fill: eighths }];
  for (let i = draw.int(0, 3); i > 0; i--) inputs.push({ shape: slim(), fill: eighths });
  const depth = draw.int(1, 8);
  const choices = Array.from({ length: depth }, () => draw.int(0, exactSteps.length - 1));
  const picks = Array.from({ length: depth }, () => [draw.int(0, 99), draw.int(0, 99)]);
  return {
    name: `elementwise [${inputs.map((spec) => `[${spec.shape}]`)}], ${choices}, ${picks}`,
    exact: true,
    inputs,
    build(values) {
      const known = [...values];
      const at = (i: number) => known[i % known.length]!;
      choices.forEach((choice, i) => {
        // The newest value with two others, so that the whole chain stays alive.
        known.push(exactSteps[choice]!(at(known.length - 1), at(picks[i]![0]!), at(picks[i]![1]!)));
      });
      return known.slice(-3);
    },
  };
};

const layout: Family = (draw) => {
  const shape = [...draw.shape(draw.int(1, 3), 6), draw.channels()];
  const dtype = draw.pick(['float32', 'uint8', 'int32'] as const);
  const fill: Fill = dtype === 'float32' ? plain : (u) => u * 256;
  const axes = shape
    .map((_, axis) => ({ axis, key: draw.int(0, 999) }))
    .sort((a, b) => a.key - b.key)
    .map(({ axis }) => axis);
  const start = shape.map((extent) => draw.int(0, extent - 1));
  const size = shape.map((extent, axis) => draw.int(1, extent - start[axis]!));
  const padding = shape.map(() =>
    draw.chance(0.5) ? ([draw.int(0, 2), draw.int(0, 2)] as const) : ([0, 0] as const),
  );
  const axis = draw.int(0, shape.length - 1);
  const others = Array.from({ length: draw.int(1, 2) }, () => draw.int(1, 5));
  const rows = draw.int(1, 9);
  return {
    name: `layout ${dtype}[${shape}] ${JSON.stringify({ axes, start, size, padding, axis, others, rows })}`,
    exact: true,
    inputs: [
      { shape, dtype, fill },
      { shape: [rows], dtype: 'int32', fill: (u) => u * shape[0]! },
      ...others.map((extent) => ({
        shape: shape.map((own, a) => (a === axis ? extent : own)),
        dtype,
        fill,
      })),
    ],
    build: ([x, order, ...more]) => [
      ops.transpose(x!, axes),
      ops.slice(x!, start, size),
      ops.pad(x!, padding),
      ops.concat([x!, ...more], axis),
      ops.gatherRows(x!, order!),
      ops.transpose(ops.reshape(x!, [sizeOf(shape)]), [0]),
    ],
  };
};

export const families: Readonly<Record<string, Family>> = {
  conv,
  convGradients,
  maxPool,
  averagePool,
  convPool,
  matmul,
  listed,
  reduce,
  sums,
  sample,
  elementwise,
  layout,
};
