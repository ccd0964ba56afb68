/** @file The kernel of each operation: a hole in this table is a compile error. */
import type { KernelOpName } from '../../../ops/index.ts';
import type { KernelTemplate } from '../kernel.ts';
import type { BackendOpName } from '../ops/convolution.ts';
import type { DepthwiseOpName } from '../ops/depthwise.ts';
import type { ListedOpName } from '../ops/listed.ts';
import type { WinogradOpName } from '../ops/winograd.ts';
import { depthwiseConvKernel, depthwiseFilterKernel } from './depthwise.ts';
import {
  directConvKernel,
  directFilterGradientKernel,
  directInputGradientKernel,
} from './direct_conv.ts';
import { elementwiseKernel } from './elementwise.ts';
import { filterPartialsKernel } from './filter_gradient.ts';
import { fusedSumKernel } from './fused_sum.ts';
import { histogramKernel } from './histogram.ts';
import { concatKernel, gatherRowsKernel, padKernel, sliceKernel } from './layout.ts';
import { listedGradientKernel } from './listed_gradient.ts';
import { listedProductKernel } from './listed_product.ts';
import { maskedProductKernel } from './masked_product.ts';
import { nonzeroListsKernel } from './nonzero_lists.ts';
import { interleaveKernel, packPanelsKernel, placeKernel } from './pack.ts';
import { panelConvKernel } from './panel_conv.ts';
import { panelConvPoolKernel } from './panel_conv_pool.ts';
import {
  averagePoolGradientKernel,
  averagePoolKernel,
  maxPoolGradientKernel,
  maxPoolKernel,
} from './pool.ts';
import { pooledBiasPartialsKernel, rowsInputGradientKernel } from './pooled_gradients.ts';
import { argMaxKernel, reduceMaxKernel, reduceSumKernel } from './reduce.ts';
import { sampleGradientKernel, sampleKernel } from './sample.ts';
import { pooledPartialsKernel } from './small_patch_gradient.ts';
import { transposeKernel } from './transpose.ts';
import { winogradConvKernel, winogradConvPoolKernel, winogradWeightsKernel } from './winograd.ts';
import { winogradFinishKernel, winogradPartialsKernel } from './winograd_gradient.ts';

/** Why an operation has no kernel here: another pass always replaces it. */
export type Replaced = 'alias' | 'lowered';

export const kernels: Record<
  | KernelOpName
  | BackendOpName
  | DepthwiseOpName
  | ListedOpName
  | WinogradOpName
  | 'fused'
  | 'fused_sum',
  KernelTemplate | Replaced
> = {
  fused: elementwiseKernel,
  fused_sum: fusedSumKernel,
  reshape: 'alias',
  transpose: transposeKernel,
  slice: sliceKernel,
  pad: padKernel,
  concat: concatKernel,
  gather_rows: gatherRowsKernel,
  reduce_sum: reduceSumKernel,
  reduce_max: reduceMaxKernel,
  arg_max: argMaxKernel,
  histogram: histogramKernel,
  matmul: 'lowered',
  conv2d: directConvKernel,
  conv2d_input_gradient: directInputGradientKernel,
  conv2d_filter_gradient: directFilterGradientKernel,
  max_pool2d: maxPoolKernel,
  max_pool2d_gradient: maxPoolGradientKernel,
  average_pool2d: averagePoolKernel,
  average_pool2d_gradient: averagePoolGradientKernel,
  sample2d: sampleKernel,
  sample2d_gradient: sampleGradientKernel,
  conv_relu_pool: 'lowered',
  pooled_filter_gradient: 'lowered',
  pooled_input_gradient: 'lowered',
  pooled_bias_gradient: 'lowered',
  pack_panels: packPanelsKernel,
  panel_conv: panelConvKernel,
  panel_conv_pool: panelConvPoolKernel,
  rows_input_gradient: rowsInputGradientKernel,
  pooled_filter_partials: pooledPartialsKernel,
  pooled_bias_partials: pooledBiasPartialsKernel,
  place: placeKernel,
  interleave: interleaveKernel,
  filter_partials: filterPartialsKernel,
  depthwise_conv: depthwiseConvKernel,
  depthwise_filter: depthwiseFilterKernel,
  nonzero_lists: nonzeroListsKernel,
  listed_product: listedProductKernel,
  listed_gradient: listedGradientKernel,
  masked_product: maskedProductKernel,
  winograd_weights: winogradWeightsKernel,
  winograd_conv: winogradConvKernel,
  winograd_conv_pool: winogradConvPoolKernel,
  winograd_partials: winogradPartialsKernel,
  winograd_finish: winogradFinishKernel,
};
