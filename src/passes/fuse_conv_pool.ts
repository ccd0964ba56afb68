/**
 * @file Demand-driven pooling: `max_pool2d(relu(conv2d(x, w) + b))` becomes one operation that computes only what windows
 * cover and remembers only the winners. It runs before differentiation, so the gradients are the sparse ones.
 */
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { type RuleContext, removeDead, rewrite } from '../ir/rewrite.ts';
import {
  addOp,
  type ConvAttrs,
  conv2dOp,
  convReluPoolOp,
  maxPool2dOp,
  type PoolAttrs,
  pad,
  reluOp,
} from '../ops/index.ts';

/** Window positions whose sums fit into registers. */
const largestWindow = 6;

export function fuseConvPool(graph: Graph): Graph {
  return removeDead(
    rewrite(graph, (node, context) => {
      if (node.op !== maxPool2dOp || context.uses(node.outputs[1]!) > 0) return undefined;
      const match = matchConvReluPool(node, context);
      if (!match) return undefined;
      const { conv, bias } = match;
      const { strides, dilation, padding } = conv.attrs as ConvAttrs;
      const pool = (node.attrs as PoolAttrs).window;
      const x = pad(context.find(conv.inputs[0]!), [[0, 0], ...padding, [0, 0]]);
      const inputs = [x, context.find(conv.inputs[1]!), context.find(bias)];
      return context.target.apply(convReluPoolOp, inputs, { strides, dilation, pool });
    }),
  );
}

function matchConvReluPool(
  pool: Node,
  { uses }: RuleContext,
): { conv: Node; bias: Value } | undefined {
  const { window, strides, padding } = pool.attrs as PoolAttrs;
  const apart = window[0] === strides[0] && window[1] === strides[1];
  if (!apart || padding.flat().some((zeros) => zeros > 0) || window[0] * window[1] > largestWindow)
    return undefined;
  const onlyUse = (value: Value | undefined, op: Op<never>) =>
    value && value.node.op === (op as Op<unknown>) && uses(value) === 1 ? value.node : undefined;
  const relu = onlyUse(pool.inputs[0], reluOp as Op<never>);
  const add = onlyUse(relu?.inputs[0], addOp as Op<never>);
  const conv = onlyUse(add?.inputs[0], conv2dOp as Op<never>);
  const bias = add?.inputs[1];
  if (!conv || !bias || bias.shape.length !== 1 || (conv.attrs as ConvAttrs).groups !== 1)
    return undefined;
  return bias.shape[0] === conv.outputs[0]!.shape[3] ? { conv, bias } : undefined;
}
