/**
 * @file Windows that move over an input: the part that convolutions and poolings share. One-dimensional inputs
 * [n, l, c] are treated as images [n, 1, l, c] of one row.
 */
import { show, TsunoError } from '../core/errors.ts';
import { type PartialShape, type Shape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { outputExtent, type Padding2D, type Pair, reshape, samePadding } from '../ops/index.ts';
import { oneOf, refuse, type Sizes, sizes } from './checks.ts';

export type PaddingMode = 'valid' | 'same' | 'causal';

export interface WindowOptions {
  /** What errors call the window: `kernelSize`, `poolSize`. */
  what: string;
  size: Sizes;
  strides: Sizes;
  padding: string;
  dilation?: Sizes | undefined;
  modes?: readonly PaddingMode[];
}

export class Window {
  private readonly where: string;
  private readonly what: string;
  readonly rank: number;
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly padding: PaddingMode;
  readonly dilation: readonly number[];

  constructor(where: string, rank: number, options: WindowOptions) {
    const { what, modes = ['valid', 'same'] } = options;
    this.where = where;
    this.what = what;
    this.rank = rank;
    this.size = sizes(where, what, options.size, rank);
    this.strides = sizes(where, 'strides', options.strides, rank);
    this.padding = oneOf(where, 'padding', options.padding, modes);
    this.dilation = sizes(where, 'dilationRate', options.dilation ?? 1, rank);
    if (Math.max(...this.strides) > 1 && Math.max(...this.dilation) > 1) {
      throw refuse(where, 'strides', 'must be 1 where dilationRate is not', [...this.strides]);
    }
  }

  /** Zeros before and after along spatial axis `i` of `extent`. */
  private paddingAlong(i: number, extent: number): Pair {
    const [size, stride, dilation] = [this.size[i]!, this.strides[i]!, this.dilation[i]!];
    if (this.padding === 'same') return samePadding(extent, size, stride, dilation);
    return [this.padding === 'causal' ? (size - 1) * dilation : 0, 0];
  }

  /** [n, …positions, channels]. @throws TsunoError `SHAPE`, with the arithmetic, where the window does not fit. */
  outputShape(input: PartialShape, channels: number | null): PartialShape {
    const positions = this.size.map((size, i) => {
      const extent = input[i + 1];
      if (extent === null || extent === undefined) return null;
      const [stride, dilation] = [this.strides[i]!, this.dilation[i]!];
      const [before, after] = this.paddingAlong(i, extent);
      const count = outputExtent(extent, size, stride, [before, after], dilation);
      if (count >= 1) return count;
      const padded = before + after === 0 ? String(extent) : `${extent} + ${before + after}`;
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: `${this.what} ${show([...this.size])}`,
        expected:
          `must fit into the input ${showShape(input)}: along axis ${i + 1}, ` +
          `⌊(${padded} − ${(size - 1) * dilation} − 1) / ${stride}⌋ + 1 must be at least 1`,
        found: String(count),
        repair: 'Use padding "same", a smaller window or a larger input.',
      });
    });
    return [input[0]!, ...positions, channels];
  }

  /** Size, strides, dilation and padding for images of `shape` [n, h, w, c]. */
  attrs(shape: Shape): { window: Pair; strides: Pair; dilation: Pair; padding: Padding2D } {
    const spatial = shape.slice(3 - this.rank, 3);
    const padding = spatial.map((extent, i) => this.paddingAlong(i, extent));
    return {
      window: asPair(this.size, 1),
      strides: asPair(this.strides, 1),
      dilation: asPair(this.dilation, 1),
      padding: this.rank === 1 ? [[0, 0], padding[0]!] : [padding[0]!, padding[1]!],
    };
  }
}

/** `[a]` → `[first, a]`; two numbers stay. */
export function asPair(list: readonly number[], first: number): Pair {
  return list.length === 1 ? [first, list[0]!] : [list[0]!, list[1]!];
}

/** [n, l, c] → [n, 1, l, c]; images stay. */
export function asImage(x: Value): Value {
  const [n, l, c] = x.shape as [number, number, number];
  return x.shape.length === 3 ? reshape(x, [n, 1, l, c]) : x;
}

/** The way back to `rank` spatial axes. */
export function fromImage(y: Value, rank: number): Value {
  const [n, , l, c] = y.shape as [number, number, number, number];
  return rank === 1 ? reshape(y, [n, l, c]) : y;
}

/** A kernel of one spatial axis as one of two: [k, …] → [1, k, …]. */
export function asImageKernel(kernel: Value, rank: number): Value {
  return rank === 1 ? reshape(kernel, [1, ...kernel.shape]) : kernel;
}
