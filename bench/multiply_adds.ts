/**
 * @file How many multiply-adds of a kernel are of use: those of the plain formula, whatever the kernel itself does. Padding
 * to whole vectors does not count; a sparse gradient counts as if every pooling window had a winner, a product that leaves out
 * zeros as if there were none.
 */
import type { kernels } from '../src/backends/wasm/kernels/index.ts';
import type { PanelConvAttrs, PanelPoolAttrs } from '../src/backends/wasm/ops/convolution.ts';
import type { DepthwiseAttrs } from '../src/backends/wasm/ops/depthwise.ts';
import { type Shape, sizeOf } from '../src/core/shape.ts';
import type { Node, Value } from '../src/ir/graph.ts';
import type { Pair } from '../src/ops/index.ts';

type Count = (node: Node) => number;

const perResult = (node: Node) => sizeOf(node.outputs[0]!.shape);
const channelsOf = ({ shape }: Value) => shape.at(-1)!;
const areaOf = ([rows, columns]: Pair) => rows * columns;
/** A patch of one output channel of a kernel [kh, kw, c, k]. */
const patchOf = (kernel: Shape) => sizeOf(kernel.slice(0, 3));

/**
 * Of a convolution with a window of `taps`. Images' gradients are convolutions too, of the result's gradient with zeros
 * around and between: those are in no product of use, and each other number is in one for each tap.
 */
function convolution({ inputs, outputs }: Node, taps: number, depthwise = false): number {
  const [x, y] = [inputs[0]!, outputs[0]!];
  const source = x.node.op.name === 'place' ? x.node.inputs[0]! : x;
  const all = sizeOf(y.shape) * (depthwise ? 1 : channelsOf(x));
  const given = sizeOf(source.shape) * (depthwise ? 1 : channelsOf(y));
  return taps * Math.min(all, given);
}

/** Of the gradient of kernels [kh, kw, c, k], from images and the gradient of the result. */
const filterGradient: Count = (node) =>
  sizeOf(node.inputs[1]!.shape) * patchOf((node.attrs as { kernelShape: Shape }).kernelShape);

/** Operations that multiply and add; all others count none. */
const counts: Partial<Record<keyof typeof kernels, Count>> = {
  conv2d: (node) => perResult(node) * patchOf(node.inputs[1]!.shape),
  conv2d_input_gradient: (node) => sizeOf(node.inputs[0]!.shape) * patchOf(node.inputs[1]!.shape),
  conv2d_filter_gradient: filterGradient,
  filter_partials: filterGradient,
  panel_conv: (node) => convolution(node, areaOf((node.attrs as PanelConvAttrs).kernel)),
  listed_product: (node) => perResult(node) * node.inputs[1]!.shape[1]!,
  listed_gradient: (node) => perResult(node) * channelsOf(node.inputs[0]!),
  masked_product: (node) => perResult(node) * channelsOf(node.inputs[0]!),
  panel_conv_pool: (node) => {
    const { kernel, pool } = node.attrs as PanelPoolAttrs;
    return perResult(node) * areaOf(pool) * areaOf(kernel) * channelsOf(node.inputs[0]!);
  },
  pooled_filter_partials: filterGradient,
  rows_input_gradient: (node) =>
    sizeOf(node.inputs[0]!.shape) * patchOf((node.attrs as { kernel: Shape }).kernel),
  depthwise_conv: (node) => convolution(node, areaOf((node.attrs as DepthwiseAttrs).kernel), true),
  depthwise_filter: (node) =>
    sizeOf(node.inputs[1]!.shape) * areaOf((node.attrs as DepthwiseAttrs).kernel),
  // Winograd's method does 16 products for what the formula needs 36.
  winograd_conv: (node) => convolution(node, 9),
  winograd_conv_pool: (node) => perResult(node) * 4 * 9 * channelsOf(node.inputs[0]!),
  winograd_partials: (node) => sizeOf(node.inputs[1]!.shape) * 9 * channelsOf(node.inputs[0]!),
};

export function multiplyAddsOf(node: Node): number {
  return (counts as Readonly<Record<string, Count>>)[node.op.name]?.(node) ?? 0;
}
