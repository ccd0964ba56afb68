/**
 * @file The pass that cuts weights into strips of sixteen columns where V8 joins neighbouring vectors: a tile's accumulators
 * then fill registers of 256 bits. Strips of eight stay where a matrix has no more columns.
 */
import type { Graph } from '../../ir/graph.ts';
import type { Op } from '../../ir/op.ts';
import { rewrite } from '../../ir/rewrite.ts';
import { type PackAttrs, packedExtents, packPanelsOp, panelWidth } from './ops.ts';
import { winogradWeightsOp } from './winograd_ops.ts';

const wide = 16;
const packing: ReadonlySet<Op> = new Set([packPanelsOp as Op, winogradWeightsOp as Op]);

export function widen(graph: Graph): Graph {
  return rewrite(graph, (node, { inputs, target }) => {
    if (!packing.has(node.op)) return undefined;
    const attrs = node.attrs as PackAttrs;
    const { columns } = packedExtents(node.inputs[0]!.shape, attrs);
    return columns > panelWidth
      ? target.apply(node.op, inputs, { ...attrs, width: wide })
      : undefined;
  });
}
