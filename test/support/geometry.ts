/** @file Windows that tests use again and again. */
import type * as ops from '../../src/ops/index.ts';

/** A convolution of 3 × 3 whose result is as large as the image. */
export const same3x3 = {
  strides: [1, 1],
  dilation: [1, 1],
  groups: 1,
  padding: [
    [1, 1],
    [1, 1],
  ],
} as const satisfies ops.ConvAttrs;

/** A convolution of 1 × 1: a product for each pixel. */
export const pixelwise = {
  ...same3x3,
  padding: [
    [0, 0],
    [0, 0],
  ],
} as const satisfies ops.ConvAttrs;

/** Windows of 2 × 2 beside each other. */
export const pool2x2 = {
  window: [2, 2],
  strides: [2, 2],
  padding: [
    [0, 0],
    [0, 0],
  ],
} as const satisfies ops.PoolAttrs;
