/** @file Every operation, by name: one line each. A backend's table of kernels has the same keys, checked by the types. */

import {
  absOp,
  addOp,
  divOp,
  floorOp,
  intAddOp,
  maximumOp,
  minimumOp,
  mulOp,
  negOp,
  reluOp,
  signOp,
  sqrtOp,
  squareOp,
  subOp,
} from './arithmetic.ts';
import { batchNormalizeOp } from './batch_normalize.ts';
import {
  equalOp,
  intEqualOp,
  lessEqualOp,
  lessOp,
  logicalAndOp,
  logicalNotOp,
  selectOp,
} from './comparison.ts';
import {
  convReluPoolOp,
  pooledBiasGradientOp,
  pooledFilterGradientOp,
  pooledInputGradientOp,
} from './conv_relu_pool.ts';
import { conv2dFilterGradientOp, conv2dInputGradientOp, conv2dOp } from './conv2d.ts';
import { castOp, iotaOp, stopGradientOp } from './convert.ts';
import { constantOp } from './elementwise.ts';
import { erfInverseOp, erfOp, expMinusOneOp, softplusOp } from './error_function.ts';
import { histogramOp } from './histogram.ts';
import { concatOp, gatherRowsOp, padOp, reshapeOp, sliceOp, transposeOp } from './layout.ts';
import { matmulOp } from './matmul.ts';
import {
  averagePool2dGradientOp,
  averagePool2dOp,
  maxPool2dGradientOp,
  maxPool2dOp,
} from './pool2d.ts';
import { powerOp } from './power.ts';
import { randomUniformOp } from './random.ts';
import { argMaxOp, reduceMaxOp } from './reduce.ts';
import { sample2dGradientOp, sample2dOp } from './sample2d.ts';
import { softmaxOp } from './softmax.ts';
import { inputOp, variableOp } from './source.ts';
import { broadcastOp, reduceSumOp } from './sum.ts';
import { expOp, integerPowerOp, logOp, powOp, sigmoidOp, tanhOp } from './transcendental.ts';
import { cosOp, sinOp } from './trigonometric.ts';

export const elementwiseOps = [
  constantOp,
  addOp,
  subOp,
  mulOp,
  divOp,
  maximumOp,
  minimumOp,
  negOp,
  absOp,
  signOp,
  squareOp,
  sqrtOp,
  floorOp,
  reluOp,
  intAddOp,
  lessOp,
  lessEqualOp,
  equalOp,
  intEqualOp,
  logicalAndOp,
  logicalNotOp,
  selectOp,
  expOp,
  logOp,
  tanhOp,
  sigmoidOp,
  powOp,
  integerPowerOp,
  powerOp,
  cosOp,
  sinOp,
  erfOp,
  erfInverseOp,
  expMinusOneOp,
  softplusOp,
  castOp,
  broadcastOp,
  stopGradientOp,
  iotaOp,
  randomUniformOp,
] as const;

export const composedOps = [batchNormalizeOp, softmaxOp] as const;

export const sourceOps = [inputOp, variableOp] as const;

/** Operations with loops of their own: each needs a kernel in each fast backend. */
export const kernelOps = [
  reshapeOp,
  transposeOp,
  sliceOp,
  padOp,
  concatOp,
  gatherRowsOp,
  reduceSumOp,
  reduceMaxOp,
  argMaxOp,
  histogramOp,
  matmulOp,
  conv2dOp,
  conv2dInputGradientOp,
  conv2dFilterGradientOp,
  maxPool2dOp,
  maxPool2dGradientOp,
  averagePool2dOp,
  averagePool2dGradientOp,
  sample2dOp,
  sample2dGradientOp,
  convReluPoolOp,
  pooledFilterGradientOp,
  pooledInputGradientOp,
  pooledBiasGradientOp,
] as const;

export type KernelOpName = (typeof kernelOps)[number]['name'];

export * from './arithmetic.ts';
export * from './batch_normalize.ts';
export * from './comparison.ts';
export * from './conv_geometry.ts';
export * from './conv_relu_pool.ts';
export * from './conv2d.ts';
export * from './convert.ts';
export { constantOp, type Operand, scalar } from './elementwise.ts';
export * from './error_function.ts';
export * from './histogram.ts';
export * from './layout.ts';
export * from './matmul.ts';
export * from './pool2d.ts';
export * from './power.ts';
export * from './random.ts';
export * from './reduce.ts';
export * from './sample2d.ts';
export * from './softmax.ts';
export * from './source.ts';
export { broadcast, broadcastOp, reduceSum, reduceSumOp, sumTo } from './sum.ts';
export * from './transcendental.ts';
export * from './trigonometric.ts';
