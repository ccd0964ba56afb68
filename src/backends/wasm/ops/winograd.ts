/**
 * @file Winograd's minimal filtering F(2×2, 3×3) as operations of this backend (Winograd 1980; Lavin and Gray 2016): 2 × 2
 * outputs of a 3 × 3 convolution by 16 products instead of 36.
 *
 *     y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A        d: 4 × 4 patch, w: kernel, y: 2 × 2 outputs
 *     ∂w = Gᵀ [ Σ (A g Aᵀ) ⊙ (Bᵀ d B) ] G     g: gradient of y
 *
 * Tiles lie two pixels apart; patches of those at the border reach past the image, where zeros are.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Op, ReferenceTensor } from '../../../ir/op.ts';
import type { Pair } from '../../../ops/conv_geometry.ts';
import { noWinner } from '../../../ops/conv_relu_pool.ts';
import { type Activation, activate } from './activation.ts';
import { type PackAttrs, panelWidth } from './convolution.ts';

/** Rows of the three transforms. */
export const transforms = {
  /** Bᵀ: of the patch. */
  input: [
    [1, 0, -1, 0],
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [0, 1, 0, -1],
  ],
  /** G: of the kernel. */
  kernel: [
    [1, 0, 0],
    [0.5, 0.5, 0.5],
    [0.5, -0.5, 0.5],
    [0, 0, 1],
  ],
  /** Aᵀ: of the products. */
  output: [
    [1, 1, 1, 0],
    [0, 1, -1, -1],
  ],
} as const;

type Matrix = readonly (readonly number[])[];

export const transposed = (m: Matrix): number[][] => m[0]!.map((_, j) => m.map((row) => row[j]!));

/** M x Mᵀ for a square `x` given row by row. */
function sandwich(m: Matrix, x: readonly number[]): number[] {
  const side = m[0]!.length;
  const half = m.map((row) =>
    Array.from({ length: side }, (_, j) =>
      row.reduce((sum, a, i) => sum + a * x[i * side + j]!, 0),
    ),
  );
  return half.flatMap((row) => m.map((other) => other.reduce((sum, a, j) => sum + a * row[j]!, 0)));
}

export interface Patches {
  /** Rows and columns of zeros before the image, where the first patch begins. */
  before: Pair;
}

export interface WinogradConvAttrs extends Patches {
  /** Output rows, columns and channels. */
  oh: number;
  ow: number;
  k: number;
  activation: Activation;
}

/** Elements of the transformed kernels: [16, strips, c, width]. */
export const winogradWeightsOp: Op<PackAttrs, 'winograd_weights'> = {
  name: 'winograd_weights',
  infer([w], { form, width = panelWidth }) {
    const [, , c, k] = w!.shape as readonly [number, number, number, number];
    const [rows, columns] = form === 'forward' ? [c, k] : [k, c];
    return [{ shape: [16, Math.ceil(columns / width), rows, width], dtype: 'float32' }];
  },
  reference([w], { form }, [out]) {
    const [, , c, k] = w!.shape as readonly [number, number, number, number];
    const forward = form === 'forward';
    const [rows, columns] = forward ? [c, k] : [k, c];
    const [, strips, , width] = out!.shape as readonly [number, number, number, number];
    const result = new Float64Array(sizeOf(out!.shape));
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const taps = Array.from({ length: 9 }, (_, tap) =>
          forward
            ? w!.data[(tap * c + row) * k + column]!
            : w!.data[((8 - tap) * c + column) * k + row]!,
        );
        sandwich(transforms.kernel, taps).forEach((value, e) => {
          const strip = e * strips + Math.floor(column / width);
          result[(strip * rows + row) * width + (column % width)] = value;
        });
      }
    return [result];
  },
};

/** The 4 × 4 patch of tile (ty, tx) in channel c, transformed. */
function transformedPatch(
  x: ReferenceTensor,
  before: Pair,
  n: number,
  ty: number,
  tx: number,
  c: number,
): number[] {
  const [, h, w, channels] = x.shape as readonly [number, number, number, number];
  const patch = Array.from({ length: 16 }, (_, i) => {
    const [row, column] = [ty * 2 + Math.floor(i / 4) - before[0], tx * 2 + (i % 4) - before[1]];
    const isInside = row >= 0 && row < h && column >= 0 && column < w;
    return isInside ? x.data[((n * h + row) * w + column) * channels + c]! : 0;
  });
  return sandwich(transforms.input, patch);
}

/** Calls `visit` with the 2 × 2 outputs (before bias) of each tile and channel. */
function eachTile(
  x: ReferenceTensor,
  weights: ReferenceTensor,
  { k, before }: { k: number } & Patches,
  tiles: Pair,
  visit: (n: number, ty: number, tx: number, channel: number, outputs: readonly number[]) => void,
): void {
  const [n, , , c] = x.shape as readonly [number, number, number, number];
  const [, strips, , width] = weights.shape as readonly [number, number, number, number];
  for (let image = 0; image < n; image++)
    for (let ty = 0; ty < tiles[0]; ty++)
      for (let tx = 0; tx < tiles[1]; tx++) {
        const patches = Array.from({ length: c }, (_, channel) =>
          transformedPatch(x, before, image, ty, tx, channel),
        );
        for (let channel = 0; channel < k; channel++) {
          const products = Array.from({ length: 16 }, (_, e) => {
            const strip = e * strips + Math.floor(channel / width);
            return patches.reduce(
              (sum, patch, i) =>
                sum + patch[e]! * weights.data[(strip * c + i) * width + (channel % width)]!,
              0,
            );
          });
          visit(image, ty, tx, channel, sandwich(transforms.output, products));
        }
      }
}

export const winogradConvOp: Op<WinogradConvAttrs, 'winograd_conv'> = {
  name: 'winograd_conv',
  infer: ([x], { oh, ow, k }) => [{ shape: [x!.shape[0]!, oh, ow, k], dtype: 'float32' }],
  reference([x, weights, bias], { oh, ow, k, activation, before }, [out]) {
    const y = new Float64Array(sizeOf(out!.shape));
    eachTile(
      x!,
      weights!,
      { k, before },
      [Math.ceil(oh / 2), Math.ceil(ow / 2)],
      (n, ty, tx, channel, outputs) => {
        outputs.forEach((output, i) => {
          const [row, column] = [ty * 2 + Math.floor(i / 2), tx * 2 + (i % 2)];
          if (row >= oh || column >= ow) return;
          const sum = output + (bias ? bias.data[channel]! : 0);
          y[((n * oh + row) * ow + column) * k + channel] = activate(activation, sum);
        });
      },
    );
    return [y];
  },
};

export interface WinogradPoolAttrs extends Patches {
  /** Pooled rows, columns and channels: a tile is a 2 × 2 pooling window. */
  ph: number;
  pw: number;
  k: number;
}

export const winogradConvPoolOp: Op<WinogradPoolAttrs, 'winograd_conv_pool'> = {
  name: 'winograd_conv_pool',
  infer([x], { ph, pw, k }) {
    const shape = [x!.shape[0]!, ph, pw, k];
    return [
      { shape, dtype: 'float32' },
      { shape, dtype: 'uint8' },
    ];
  },
  reference([x, weights, bias], { ph, pw, k, before }, [out]) {
    const y = new Float64Array(sizeOf(out!.shape));
    const winner = new Float64Array(y.length).fill(noWinner);
    eachTile(x!, weights!, { k, before }, [ph, pw], (n, ty, tx, channel, outputs) => {
      const at = ((n * ph + ty) * pw + tx) * k + channel;
      outputs.forEach((output, position) => {
        const value = output + bias!.data[channel]!;
        if (!(value > y[at]! || Number.isNaN(value))) return;
        y[at] = value;
        winner[at] = position;
      });
    });
    return [y, winner];
  },
};

export interface WinogradPartialsAttrs extends Patches {
  /** Into how many runs of tiles the sum is cut; fixed by the shapes, so that threads do not change it. */
  parts: number;
  /** Tiles a run. */
  tiles: number;
}

/** Σ (A g Aᵀ) ⊙ (Bᵀ d B) over each run of tiles: [parts, 16, c, k]. */
export const winogradPartialsOp: Op<WinogradPartialsAttrs, 'winograd_partials'> = {
  name: 'winograd_partials',
  infer: ([x, g], { parts }) => [
    { shape: [parts, 16, x!.shape[3]!, g!.shape[3]!], dtype: 'float32' },
  ],
  reference([x, g], { tiles, before }, [out]) {
    const [n, oh, ow, k] = g!.shape as readonly [number, number, number, number];
    const c = x!.shape[3]!;
    const [th, tw] = [Math.ceil(oh / 2), Math.ceil(ow / 2)];
    const sums = new Float64Array(sizeOf(out!.shape));
    const spread = transposed(transforms.output);
    for (let tile = 0; tile < n * th * tw; tile++) {
      const [image, ty, tx] = [Math.floor(tile / (th * tw)), Math.floor(tile / tw) % th, tile % tw];
      const part = Math.floor(tile / tiles);
      const patches = Array.from({ length: c }, (_, channel) =>
        transformedPatch(x!, before, image, ty, tx, channel),
      );
      for (let channel = 0; channel < k; channel++) {
        const gradient = Array.from({ length: 4 }, (_, i) => {
          const [row, column] = [ty * 2 + Math.floor(i / 2), tx * 2 + (i % 2)];
          return row < oh && column < ow
            ? g!.data[((image * oh + row) * ow + column) * k + channel]!
            : 0;
        });
        sandwich(spread, gradient).forEach((factor, e) => {
          patches.forEach((patch, i) => {
            const at = ((part * 16 + e) * c + i) * k + channel;
            sums[at] = sums[at]! + factor * patch[e]!;
          });
        });
      }
    }
    return [sums];
  },
};

/** Gᵀ s G of sums [16, c, k]: the gradient [3, 3, c, k]. */
export const winogradFinishOp: Op<undefined, 'winograd_finish'> = {
  name: 'winograd_finish',
  infer: ([sums]) => [{ shape: [3, 3, ...sums!.shape.slice(-2)], dtype: 'float32' }],
  reference([sums], _attrs, [out]) {
    const pairs = sizeOf(sums!.shape.slice(-2));
    const w = new Float64Array(sizeOf(out!.shape));
    for (let pair = 0; pair < pairs; pair++) {
      const own = Array.from({ length: 16 }, (_, e) => sums!.data[e * pairs + pair]!);
      sandwich(transposed(transforms.kernel), own).forEach((value, tap) => {
        w[tap * pairs + pair] = value;
      });
    }
    return [w];
  },
};

export const winogradOps = [
  winogradWeightsOp,
  winogradConvOp,
  winogradConvPoolOp,
  winogradPartialsOp,
  winogradFinishOp,
] as const;
export type WinogradOpName = (typeof winogradOps)[number]['name'];
