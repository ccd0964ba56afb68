/**
 * @file How many multiply-adds of a kernel are of use: those of the plain formula, whatever the kernel itself does. Padding
 * to whole vectors does not count; a sparse kernel counts as if every pooling window had a winner.
 */
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
const kernelShapeOf = (node: Node) => (node.attrs as { kernelShape: Shape }).kernelShape;

/** Operations that multiply and add; all others count none. */
const counts: Partial<Record<keyof typeof kernels, Count>> = {
  conv2d: (node) => perResult(node) * patchOf(node.inputs[1]!.shape),
  conv2d_input_gradient: (node) => sizeOf(node.inputs[0]!.shape) * patchOf(node.inputs[1]!.shape),
  conv2d_filter_gradient: (node) => sizeOf(node.inputs[1]!.shape) * patchOf(kernelShapeOf(node)),
  panel_conv: (node) =>
    perResult(node) * areaOf((node.attrs as PanelConvAttrs).kernel) * channelsOf(node),
  panel_conv_pool: (node) => {
    const { kernel, pool } = node.attrs as PanelPoolAttrs;
    return perResult(node) * areaOf(pool) * areaOf(kernel) * channelsOf(node);
  },
  pooled_filter_gradient: (node) => sizeOf(node.inputs[1]!.shape) * patchOf(kernelShapeOf(node)),
  rows_input_gradient: (node) =>
    sizeOf(node.inputs[0]!.shape) * patchOf((node.attrs as { kernel: Shape }).kernel),
};

export function multiplyAddsOf(node: Node): number {
  return (counts as Readonly<Record<string, Count>>)[node.op.name]?.(node) ?? 0;
}
