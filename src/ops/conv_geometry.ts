/** @file The arithmetic of convolution windows, shared by convolution, its gradients and pooling. */
import { show, TsunoError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';

export type Pair = readonly [number, number];
/** Zeros [before, after] for rows and for columns. */
export type Padding2D = readonly [Pair, Pair];

export interface ConvAttrs {
  strides: Pair;
  padding: Padding2D;
  dilation: Pair;
  /** Input and output channels fall into this many groups that do not mix. */
  groups: number;
}

export interface PoolAttrs {
  window: Pair;
  strides: Pair;
  padding: Padding2D;
}

/** Positions of a window of `kernel` taps along an axis: ⌊(size + padding − (kernel−1)·dilation − 1)/stride⌋ + 1. */
export function outputExtent(
  size: number,
  kernel: number,
  stride: number,
  padding: Pair,
  dilation = 1,
): number {
  return Math.floor((size + padding[0] + padding[1] - (kernel - 1) * dilation - 1) / stride) + 1;
}

/** Zeros that keep ⌈size/stride⌉ positions, the odd one after (TensorFlow's `same`). */
export function samePadding(size: number, kernel: number, stride: number, dilation = 1): Pair {
  const positions = Math.ceil(size / stride);
  const total = Math.max(0, (positions - 1) * stride + (kernel - 1) * dilation + 1 - size);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

/** All extents of a convolution. Images [n, h, w, c], kernels [kh, kw, c/groups, k], results [n, oh, ow, k]. */
export interface ConvGeometry {
  n: number;
  h: number;
  w: number;
  c: number;
  kh: number;
  kw: number;
  /** Input channels a group. */
  cg: number;
  k: number;
  oh: number;
  ow: number;
}

/** @throws TsunoError `SHAPE` where a kernel does not fit, with the arithmetic. */
export function convGeometry(image: Shape, kernel: Shape, attrs: ConvAttrs): ConvGeometry {
  const [n, h, w, c] = image as [number, number, number, number];
  const [kh, kw, cg, k] = kernel as [number, number, number, number];
  if (
    image.length !== 4 ||
    kernel.length !== 4 ||
    cg * attrs.groups !== c ||
    k % attrs.groups !== 0
  ) {
    throw new TsunoError('SHAPE', {
      where: 'conv2d',
      what: `kernel ${show([...kernel])} with ${attrs.groups} groups`,
      expected: 'must fit images [n, h, w, c] as [kh, kw, c/groups, k]',
      found: show([...image]),
    });
  }
  const oh = outputExtent(h, kh, attrs.strides[0], attrs.padding[0], attrs.dilation[0]);
  const ow = outputExtent(w, kw, attrs.strides[1], attrs.padding[1], attrs.dilation[1]);
  if (oh < 1 || ow < 1) {
    throw new TsunoError('SHAPE', {
      where: 'conv2d',
      what: `kernel ${kh}×${kw}`,
      expected: `must fit into ${h}×${w} with padding ${show(attrs.padding)}, dilation ${show([...attrs.dilation])}`,
      found: `an output of ${oh}×${ow}`,
    });
  }
  return { n, h, w, c, kh, kw, cg, k, oh, ow };
}

/**
 * Walks every product of a convolution: for each output element, each tap inside the image. The plain loops behind the
 * reference of convolution and of both its gradients.
 */
export function eachProduct(
  g: ConvGeometry,
  { strides, padding, dilation, groups }: ConvAttrs,
  visit: (image: number, kernel: number, output: number) => void,
): void {
  const kg = g.k / groups;
  for (let n = 0; n < g.n; n++)
    for (let oy = 0; oy < g.oh; oy++)
      for (let ox = 0; ox < g.ow; ox++)
        for (let dy = 0; dy < g.kh; dy++) {
          const y = oy * strides[0] + dy * dilation[0] - padding[0][0];
          if (y < 0 || y >= g.h) continue;
          for (let dx = 0; dx < g.kw; dx++) {
            const x = ox * strides[1] + dx * dilation[1] - padding[1][0];
            if (x < 0 || x >= g.w) continue;
            for (let k = 0; k < g.k; k++) {
              const output = ((n * g.oh + oy) * g.ow + ox) * g.k + k;
              const base = ((n * g.h + y) * g.w + x) * g.c + Math.floor(k / kg) * g.cg;
              for (let c = 0; c < g.cg; c++) {
                visit(base + c, ((dy * g.kw + dx) * g.cg + c) * g.k + k, output);
              }
            }
          }
        }
}

/** Extents of pooling. @throws TsunoError `SHAPE` where the window does not fit. */
export function poolGeometry(image: Shape, { window, strides, padding }: PoolAttrs): ConvGeometry {
  const [n, h, w, c] = image as [number, number, number, number];
  const oh = outputExtent(h, window[0], strides[0], padding[0]);
  const ow = outputExtent(w, window[1], strides[1], padding[1]);
  if (image.length !== 4 || oh < 1 || ow < 1) {
    throw new TsunoError('SHAPE', {
      where: 'pool2d',
      what: `window ${window[0]}×${window[1]}`,
      expected: `must fit into the image ${show([...image])}`,
      found: `an output of ${oh}×${ow}`,
    });
  }
  return { n, h, w, c, kh: window[0], kw: window[1], cg: 1, k: c, oh, ow };
}

/** Walks every window of a pooling: its output element and the image elements inside, in row-major order of the window. */
export function eachWindow(
  g: ConvGeometry,
  { strides, padding }: PoolAttrs,
  visit: (output: number, taps: readonly { image: number; position: number }[]) => void,
): void {
  for (let n = 0; n < g.n; n++)
    for (let oy = 0; oy < g.oh; oy++)
      for (let ox = 0; ox < g.ow; ox++)
        for (let c = 0; c < g.c; c++) {
          const taps: { image: number; position: number }[] = [];
          for (let dy = 0; dy < g.kh; dy++)
            for (let dx = 0; dx < g.kw; dx++) {
              const y = oy * strides[0] + dy - padding[0][0];
              const x = ox * strides[1] + dx - padding[1][0];
              if (y < 0 || y >= g.h || x < 0 || x >= g.w) continue;
              taps.push({ image: ((n * g.h + y) * g.w + x) * g.c + c, position: dy * g.kw + dx });
            }
          visit(((n * g.oh + oy) * g.ow + ox) * g.c + c, taps);
        }
}
