/**
 * @file Products that leave out zeros, as operations of this backend. A ReLU leaves half of its results zero, dropout more,
 * and of the pixels of a handwritten digit four fifths are black: of such a matrix the places that are not zero are listed,
 * and a product walks the lists.
 */
import { sizeOf } from '../../core/shape.ts';
import type { Op } from '../../ir/op.ts';
import type { Activation } from './activation.ts';
import { biased } from './ops.ts';

/** Columns that a list covers: so many rows of a strip of weights stay in the first cache. */
export const listBlock = 128;

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
      { shape: [m, Math.ceil(r / listBlock)], dtype: 'int32' },
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
  reference([x, panels, , ...others], { k, activation, lists }, [out]) {
    const [bias] = lists === 'given' ? others.slice(0, -2) : others;
    const [, r, width] = panels!.shape as readonly [number, number, number];
    const y = Float64Array.from({ length: sizeOf(out!.shape) }, (_, i) => {
      const [row, column] = [Math.floor(i / k), i % k];
      const first = Math.floor(column / width) * r * width + (column % width);
      let sum = 0;
      for (let j = 0; j < r; j++) sum += x!.data[row * r + j]! * panels!.data[first + j * width]!;
      return sum;
    });
    return [biased(y, bias?.data, activation)];
  },
};

export const listedOps = [nonzeroListsOp, listedProductOp] as const;
export type ListedOpName = (typeof listedOps)[number]['name'];
