/**
 * @file The pass for code whose neighbouring vectors V8 joins: weights are cut into strips of sixteen columns, so that a tile's
 * accumulators fill registers of 256 bits (strips of eight stay where a matrix has no more columns), and kernels that do
 * otherwise with such registers are told so.
 */
import type { Graph } from '../../../ir/graph.ts';
import type { Op } from '../../../ir/op.ts';
import { rewrite } from '../../../ir/rewrite.ts';
import {
  filterPartialsOp,
  type PackAttrs,
  packedExtents,
  packPanelsOp,
  panelConvOp,
  panelWidth,
  pooledPartialsOp,
} from '../ops/convolution.ts';
import { listedWidth, wideListedWidth } from '../ops/listed.ts';
import { winogradWeightsOp } from '../ops/winograd.ts';

const wide = 16;
const packing: ReadonlySet<Op> = new Set([packPanelsOp as Op, winogradWeightsOp as Op]);
const told: ReadonlySet<Op> = new Set([
  panelConvOp as Op,
  filterPartialsOp as Op,
  pooledPartialsOp as Op,
]);

export function widen(graph: Graph): Graph {
  return rewrite(graph, (node, { inputs, target }) => {
    if (told.has(node.op))
      return target.apply(node.op, inputs, { ...(node.attrs as object), joined: true });
    if (!packing.has(node.op)) return undefined;
    const attrs = node.attrs as PackAttrs;
    if (attrs.width === listedWidth)
      return target.apply(node.op, inputs, { ...attrs, width: wideListedWidth });
    const { columns } = packedExtents(node.inputs[0]!.shape, attrs);
    return columns > panelWidth
      ? target.apply(node.op, inputs, { ...attrs, width: wide })
      : undefined;
  });
}
