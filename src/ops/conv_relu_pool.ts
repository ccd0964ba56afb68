/**
 * @file Convolution, bias, ReLU and maximum pooling as one operation, and its sparse gradients. Only convolution outputs
 * that some window covers are ever computed, and only the window's winner, where it is above zero, has a gradient:
 *
 *     z = conv(x, w) + b,   y = max(0, max over the window of z),   winner = its position, or 255 where y = 0
 *     (where the window has a NaN, y is NaN and the winner means nothing)
 *     ∂w = Σ over winners of g · (patch of x at the winner)
 *     ∂x = Σ over winners of g · w[…, k], added at the winner's patch
 *
 * Images come padded already; windows do not overlap.
 */
import { type Shape, sizeOf } from '../core/shape.ts';
import { apply1 } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import {
  type ConvAttrs,
  type ConvGeometry,
  convGeometry,
  eachProduct,
  type Pair,
} from './conv_geometry.ts';

/** `winner` where the ReLU is off. */
export const noWinner = 255;

export interface ConvPoolAttrs {
  strides: Pair;
  dilation: Pair;
  /** Pooling window and stride. */
  pool: Pair;
}

/** The convolution inside. */
export function innerConv({ strides, dilation }: ConvPoolAttrs): ConvAttrs {
  return {
    strides,
    dilation,
    padding: [
      [0, 0],
      [0, 0],
    ],
    groups: 1,
  };
}

export interface ConvPoolGeometry extends ConvGeometry {
  /** Pooled rows and columns. */
  ph: number;
  pw: number;
}

export function convPoolGeometry(
  image: Shape,
  kernel: Shape,
  attrs: ConvPoolAttrs,
): ConvPoolGeometry {
  const g = convGeometry(image, kernel, innerConv(attrs));
  return { ...g, ph: Math.floor(g.oh / attrs.pool[0]), pw: Math.floor(g.ow / attrs.pool[1]) };
}

/** Visits each winner: its pooled element, and the element of the convolution's result where it stood. */
function eachWinner(
  g: ConvPoolGeometry,
  { pool }: ConvPoolAttrs,
  winner: Float64Array,
  visit: (pooled: number, output: number) => void,
): void {
  for (let pooled = 0; pooled < winner.length; pooled++) {
    const position = winner[pooled]!;
    if (position === noWinner) continue;
    const k = pooled % g.k;
    const px = Math.floor(pooled / g.k) % g.pw;
    const py = Math.floor(pooled / (g.k * g.pw)) % g.ph;
    const n = Math.floor(pooled / (g.k * g.pw * g.ph));
    const oy = py * pool[0] + Math.floor(position / pool[1]);
    const ox = px * pool[1] + (position % pool[1]);
    visit(pooled, ((n * g.oh + oy) * g.ow + ox) * g.k + k);
  }
}

/** The pooled gradient spread over the convolution's result: zero but at the winners. */
function unpool(
  g: ConvPoolGeometry,
  attrs: ConvPoolAttrs,
  gradient: Float64Array,
  winner: Float64Array,
): Float64Array {
  const spread = new Float64Array(g.n * g.oh * g.ow * g.k);
  eachWinner(g, attrs, winner, (pooled, output) => {
    spread[output] = gradient[pooled]!;
  });
  return spread;
}

export const convReluPoolOp: Op<ConvPoolAttrs, 'conv_relu_pool'> = {
  name: 'conv_relu_pool',
  infer([x, w], attrs) {
    const g = convPoolGeometry(x!.shape, w!.shape, attrs);
    const shape = [g.n, g.ph, g.pw, g.k];
    return [
      { shape, dtype: 'float32' },
      { shape, dtype: 'uint8' },
    ];
  },
  gradient({ inputs: [x, w], outputs: [, winner], attrs, gradients: [g] }) {
    return [
      apply1(pooledInputGradientOp, [g!, winner!, w!], { ...attrs, imageShape: x!.shape }),
      apply1(pooledFilterGradientOp, [x!, g!, winner!], { ...attrs, kernelShape: w!.shape }),
      apply1(pooledBiasGradientOp, [g!, winner!], undefined),
    ];
  },
  reference([x, w, b], attrs) {
    const g = convPoolGeometry(x!.shape, w!.shape, attrs);
    const z = new Float64Array(g.n * g.oh * g.ow * g.k);
    eachProduct(g, innerConv(attrs), (image, kernel, output) => {
      z[output] = z[output]! + x!.data[image]! * w!.data[kernel]!;
    });
    const y = new Float64Array(g.n * g.ph * g.pw * g.k);
    const winner = new Float64Array(y.length).fill(noWinner);
    const [rows, columns] = attrs.pool;
    for (let position = 0; position < rows * columns; position++) {
      eachWinner(g, attrs, new Float64Array(y.length).fill(position), (pooled, output) => {
        const value = z[output]! + b!.data[pooled % g.k]!;
        if (value > y[pooled]! || Number.isNaN(value)) {
          y[pooled] = value;
          winner[pooled] = position;
        }
      });
    }
    return [y, winner];
  },
};

export const pooledFilterGradientOp: Op<
  ConvPoolAttrs & { kernelShape: Shape },
  'pooled_filter_gradient'
> = {
  name: 'pooled_filter_gradient',
  infer: (_inputs, { kernelShape }) => [{ shape: kernelShape, dtype: 'float32' }],
  reference([x, gradient, winner], attrs) {
    const g = convPoolGeometry(x!.shape, attrs.kernelShape, attrs);
    const spread = unpool(g, attrs, gradient!.data, winner!.data);
    const w = new Float64Array(sizeOf(attrs.kernelShape));
    eachProduct(g, innerConv(attrs), (image, kernel, output) => {
      w[kernel] = w[kernel]! + x!.data[image]! * spread[output]!;
    });
    return [w];
  },
};

export const pooledInputGradientOp: Op<
  ConvPoolAttrs & { imageShape: Shape },
  'pooled_input_gradient'
> = {
  name: 'pooled_input_gradient',
  infer: (_inputs, { imageShape }) => [{ shape: imageShape, dtype: 'float32' }],
  reference([gradient, winner, w], attrs) {
    const g = convPoolGeometry(attrs.imageShape, w!.shape, attrs);
    const spread = unpool(g, attrs, gradient!.data, winner!.data);
    const x = new Float64Array(sizeOf(attrs.imageShape));
    eachProduct(g, innerConv(attrs), (image, kernel, output) => {
      x[image] = x[image]! + spread[output]! * w!.data[kernel]!;
    });
    return [x];
  },
};

export const pooledBiasGradientOp: Op<undefined, 'pooled_bias_gradient'> = {
  name: 'pooled_bias_gradient',
  infer: ([g]) => [{ shape: [g!.shape[3]!], dtype: 'float32' }],
  reference([gradient, winner], _attrs, [out]) {
    const b = new Float64Array(sizeOf(out!.shape));
    gradient!.data.forEach((value, i) => {
      if (winner!.data[i] !== noWinner) b[i % b.length] = b[i % b.length]! + value;
    });
    return [b];
  },
};
