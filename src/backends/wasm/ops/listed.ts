/**
 * @file Products that leave out zeros, as operations of this backend. A ReLU leaves half of its results zero, dropout more,
 * and of the pixels of a handwritten digit four fifths are black: of such a matrix the places that are not zero are listed,
 * and a product walks the lists.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Op, TensorType } from '../../../ir/op.ts';
import { matmulOp } from '../../../ops/index.ts';
import { evenPieces } from '../kernel.ts';
import type { Activation } from './activation.ts';
import { biased, unpack } from './convolution.ts';

/** Columns that a list covers: so many rows of a strip of weights stay in the first cache. */
export const listBlock = 128;

/** Blocks of a row of `r` elements. */
export const blocksOf = (r: number): number => Math.ceil(r / listBlock);

/** Columns of a strip for a product that walks lists, without and with vectors that V8 joins. */
export const [listedWidth, wideListedWidth] = [24, 64];

/**
 * Of a matrix [m, r] the places that are not zero, row by row, in blocks of {@link listBlock} columns: byte offsets from the
 * row's begin, [m, r], and how many each block has, [m, ⌈r / block⌉]. What stands behind a block's last place means nothing.
 */
export const nonzeroListsOp: Op<undefined, 'nonzero_lists'> = {
  name: 'nonzero_lists',
  infer([x]) {
    const [m, r] = x!.shape as readonly [number, number];
    return [
      { shape: [m, r], dtype: 'int32' },
      { shape: [m, blocksOf(r)], dtype: 'int32' },
    ];
  },
  reference([x], _attrs, [lists, counts]) {
    const [, r] = x!.shape as readonly [number, number];
    const blocks = counts!.shape[1]!;
    const places = new Float64Array(sizeOf(lists!.shape));
    const found = new Float64Array(sizeOf(counts!.shape));
    x!.data.forEach((value, i) => {
      if (value === 0) return;
      const [row, column] = [Math.floor(i / r), i % r];
      const block = Math.floor(column / listBlock);
      const list = row * blocks + block;
      const end = found[list]!;
      places[row * r + block * listBlock + end] = column * 4;
      found[list] = end + 1;
    });
    return [places, found];
  },
};

export interface ListedProductAttrs {
  /** Columns of the result. */
  k: number;
  activation: Activation;
  /** Whether there is a bias. */
  biased: boolean;
  /** Whether lists and counts are given, or each unit makes those of its pixels. */
  lists: 'given' | 'own';
}

/**
 * y = act(x · W + b): x [m, r], W in panels, whether they are finite, the bias [k] if there is one, lists and counts of x if
 * they are given.
 */
export const listedProductOp: Op<ListedProductAttrs, 'listed_product'> = {
  name: 'listed_product',
  infer([x, panels], { k }) {
    return [{ shape: [sizeOf(x!.shape) / panels!.shape[1]!, k], dtype: 'float32' }];
  },
  reference([x, panels, , bias], { k, activation, biased: isBiased }, [out]) {
    const r = panels!.shape[1]!;
    const w = { shape: [r, k], data: unpack(panels!, [1, 1, r, k]) };
    const rows = { shape: [x!.data.length / r, r], data: x!.data };
    const [y] = matmulOp.reference!([rows, w], { transposeA: false, transposeB: false }, [out!]);
    return [biased(y!, isBiased ? bias!.data : undefined, activation)];
  },
};

/** How the work of a product falls into units. */
export interface ListedUnits {
  /** Tiles of the dense way: `long` of `size` pixels, then ones with one less. */
  count: number;
  size: number;
  long: number;
  /** Columns of a tile. */
  columns: number;
  /** Groups of tiles, and of strips. */
  groups: number;
  stripGroups: number;
  units: number;
}

/** Bytes of weights that stay in the first cache while the pixels of a unit pass. */
const nearBytes = 32 * 1024;

/** Dense tiles of a unit. */
export const unitTiles = 6;

/** Unit = (group of tiles, group of strips), or where a unit makes its own lists, group of tiles. */
export function listedUnits(
  x: TensorType,
  panels: TensorType,
  { lists }: Pick<ListedProductAttrs, 'lists'>,
): ListedUnits {
  const [strips, r, width] = panels.shape as readonly [number, number, number];
  const isWide = width % 16 === 0;
  const tiles = evenPieces(sizeOf(x.shape) / r, isWide ? 6 : 4);
  const groups = Math.ceil(tiles.count / unitTiles);
  const together = Math.max(1, r > listBlock ? 1 : Math.floor(nearBytes / (r * width * 4)));
  const stripGroups = Math.ceil(strips / together);
  const units = lists === 'given' ? groups * stripGroups : groups;
  return { ...tiles, columns: isWide ? 16 : 8, groups, stripGroups, units };
}

/** Rows of the turned product that a unit turns back together: two cache lines of the result. */
export const turnedRows = 32;

/** Units of {@link listedGradientOp}: as many as the most of its ways has. */
export function gradientUnits(inputs: readonly TensorType[]) {
  const [xt, gPanels, , , , gt, xPanels] = inputs as readonly TensorType[];
  const tiles = listedUnits(xt!, gPanels!, { lists: 'given' });
  const { stripGroups } = listedUnits(gt!, xPanels!, { lists: 'given' });
  const turned = { units: Math.ceil(gt!.shape[0]! / turnedRows) * stripGroups, stripGroups };
  return { tiles, turned, units: Math.max(tiles.units, turned.units) };
}

/**
 * xᵀ · g of x [p, m] and g [p, n], given as what both ways to it want: xᵀ, panels of g, whether they are finite, lists and
 * counts of xᵀ; then the same with x and g in each other's place.
 */
export const listedGradientOp: Op<undefined, 'listed_gradient'> = {
  name: 'listed_gradient',
  infer: (inputs) => [{ shape: [inputs[0]!.shape[0]!, inputs[5]!.shape[0]!], dtype: 'float32' }],
  reference: ([x, , , , , g], _attrs, outputs) =>
    matmulOp.reference!([x!, g!], { transposeA: false, transposeB: true }, outputs),
};

/** Columns of {@link maskedProductOp} that are done together: a cache line of the result. */
export const maskedColumns = 16;

/**
 * g · wᵀ of g [p, r] and w [k, r] at the places that are listed, lists and counts of a matrix [k, p] of one block; elsewhere 0.
 */
export const maskedProductOp: Op<undefined, 'masked_product'> = {
  name: 'masked_product',
  infer: ([g, w]) => [{ shape: [g!.shape[0]!, w!.shape[0]!], dtype: 'float32' }],
  reference([g, w, lists, counts], _attrs, [out]) {
    const [p, k] = out!.shape as readonly [number, number];
    const form = { transposeA: false, transposeB: true };
    const [all] = matmulOp.reference!([g!, w!], form, [out!]);
    const y = new Float64Array(p * k);
    for (let column = 0; column < k; column++)
      for (let i = 0; i < counts!.data[column]!; i++) {
        const place = (lists!.data[column * p + i]! / 4) * k + column;
        y[place] = all![place]!;
      }
    return [y];
  },
};

export const listedOps = [
  nonzeroListsOp,
  listedProductOp,
  listedGradientOp,
  maskedProductOp,
] as const;
export type ListedOpName = (typeof listedOps)[number]['name'];
