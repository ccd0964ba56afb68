/**
 * @file How many multiply-adds of a kernel are of use: those of the plain formula, whatever the kernel itself does. Padding
 * to whole vectors does not count; a sparse kernel counts as if every pooling window had a winner.
 */
import type { DepthwiseAttrs } from '../src/backends/wasm/depthwise_ops.ts';
import type { kernels } from '../src/backends/wasm/kernels/index.ts';
import type { PanelConvAttrs, PanelPoolAttrs } from '../src/backends/wasm/ops.ts';
import { type Shape, sizeOf } from '../src/core/shape.ts';
import type { Node } from '../src/ir/graph.ts';

type Count = (node: Node) => number;

const perResult = (node: Node) => sizeOf(node.outputs[0]!.shape);
const channelsOf = (node: Node) => node.inputs[0]!.shape.at(-1)!;
const areaOf = ([rows, columns]: readonly [number, number]) => rows * columns;
/** A patch of one output channel of a kernel [kh, kw, c, k]. */
const patchOf = (kernel: Shape) => sizeOf(kernel.slice(0, 3));

/** Of the gradient of kernels [kh, kw, c, k], from images and the gradient of the result. */
const filterGradient: Count = (node) =>
  sizeOf(node.inputs[1]!.shape) * patchOf((node.attrs as { kernelShape: Shape }).kernelShape);
const depthwise = (node: Node, size: number) =>
  size * areaOf((node.attrs as DepthwiseAttrs).kernel);

/** Operations that multiply and add; all others count none. */
const counts: Partial<Record<keyof typeof kernels, Count>> = {
  conv2d: (node) => perResult(node) * patchOf(node.inputs[1]!.shape),
  conv2d_input_gradient: (node) => sizeOf(node.inputs[0]!.shape) * patchOf(node.inputs[1]!.shape),
  conv2d_filter_gradient: filterGradient,
  filter_partials: filterGradient,
  panel_conv: (node) =>
    perResult(node) * areaOf((node.attrs as PanelConvAttrs).kernel) * channelsOf(node),
  panel_conv_pool: (node) => {
    const { kernel, pool } = node.attrs as PanelPoolAttrs;
    return perResult(node) * areaOf(pool) * areaOf(kernel) * channelsOf(node);
  },
  pooled_filter_gradient: filterGradient,
  rows_input_gradient: (node) =>
    sizeOf(node.inputs[0]!.shape) * patchOf((node.attrs as { kernel: Shape }).kernel),
  depthwise_conv: (node) => depthwise(node, perResult(node)),
  depthwise_filter: (node) => depthwise(node, sizeOf(node.inputs[1]!.shape)),
  // Winograd's method does 16 products for what the formula needs 36.
  winograd_conv: (node) => perResult(node) * 9 * channelsOf(node),
  winograd_conv_pool: (node) => perResult(node) * 4 * 9 * channelsOf(node),
  winograd_partials: (node) => sizeOf(node.inputs[1]!.shape) * 9 * channelsOf(node),
};

export function multiplyAddsOf(node: Node): number {
  return (counts as Readonly<Record<string, Count>>)[node.op.name]?.(node) ?? 0;
}
