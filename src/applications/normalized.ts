/** @file Convolutions followed by batch normalization, the bricks of the small networks. */
import { batchNormalization, conv2d, depthwiseConv2d, relu } from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';

/** Convolution with padding and without bias, batch normalization. */
export function convNorm(
  x: SymbolicTensor,
  filters: number,
  kernelSize: number,
  strides = 1,
): SymbolicTensor {
  const y = conv2d(filters, kernelSize, { strides, padding: 'same', useBias: false })(x);
  return batchNormalization()(y);
}

/** The same with ReLU. */
export function convNormRelu(
  x: SymbolicTensor,
  filters: number,
  kernelSize: number,
  strides = 1,
): SymbolicTensor {
  return relu()(convNorm(x, filters, kernelSize, strides));
}

/** 3×3 on each channel, normalized, ReLU. */
export function depthwiseNormRelu(x: SymbolicTensor, strides: number): SymbolicTensor {
  const y = depthwiseConv2d(3, { strides, padding: 'same', useBias: false })(x);
  return relu()(batchNormalization()(y));
}
