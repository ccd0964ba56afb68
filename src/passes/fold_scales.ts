/**
 * @file What scales and moves each channel of a convolution becomes part of the convolution:
 *
 *     (conv(x, w) + b − mean)·scale + offset = conv(x, w·scale) + (b − mean)·scale + offset
 *
 * Batch normalization by moving statistics is this: in prediction, in validation, and where it is frozen. Kernels are smaller
 * than images, and what depends on weights alone is computed once for many batches. Statistics of the batch itself read the
 * convolution a second time, so they never match.
 */
import { apply1, type Graph, type Node, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { type RuleContext, removeDead, rewrite } from '../ir/rewrite.ts';
import {
  add,
  addOp,
  type ConvAttrs,
  conv2dOp,
  inputOp,
  mul,
  mulOp,
  neg,
  reshape,
  sub,
  subOp,
} from '../ops/index.ts';

/** A convolution, and what happens to its channels afterwards: values [k] of the new graph. */
interface ScaledConv {
  conv: Node;
  scale?: Value;
  offset?: Value;
}

export function foldScales(graph: Graph): Graph {
  const changing = dependents(graph);
  return removeDead(
    rewrite(graph, (node, context) => {
      const { conv, scale, offset } = asScaledConv(node, changing, context) ?? {};
      if (!conv || !scale) return undefined;
      const [x, w] = conv.inputs.map(context.find) as [Value, Value];
      const y = apply1(conv2dOp, [x, mul(w, scale)], conv.attrs as ConvAttrs);
      return [offset ? add(y, offset) : y];
    }),
  );
}

/** Nodes that depend on a batch, or on chance. */
function dependents(graph: Graph): Set<Node> {
  const changing = new Set<Node>();
  for (const node of graph.nodes) {
    const own = node.op === (inputOp as Op) || node.op.volatile;
    if (own || node.inputs.some((input) => changing.has(input.node))) changing.add(node);
  }
  return changing;
}

function asScaledConv(
  node: Node,
  changing: ReadonlySet<Node>,
  context: RuleContext,
): ScaledConv | undefined {
  if (node.op === (conv2dOp as Op)) return { conv: node };
  const isSum = node.op === (addOp as Op);
  const isProduct = node.op === (mulOp as Op);
  if (!isSum && !isProduct && node.op !== (subOp as Op)) return undefined;
  const [left, right] = node.inputs as [Value, Value];
  const sides =
    isSum || isProduct
      ? [
          [left, right],
          [right, left],
        ]
      : [[left, right]];
  for (const [before, vector] of sides as [Value, Value][]) {
    const inner =
      context.uses(before) === 1 ? asScaledConv(before.node, changing, context) : undefined;
    const by = inner && !changing.has(vector.node) && channelVector(vector, inner.conv, context);
    if (!inner || !by) continue;
    const { conv, scale, offset } = inner;
    if (!isProduct) return { ...inner, offset: moved(offset, by, isSum) };
    return {
      conv,
      scale: scale ? mul(scale, by) : by,
      ...(offset && { offset: mul(offset, by) }),
    };
  }
  return undefined;
}

function moved(offset: Value | undefined, by: Value, isSum: boolean): Value {
  if (!offset) return isSum ? by : neg(by);
  return isSum ? add(offset, by) : sub(offset, by);
}

/** `value` as [k] if it has one element for each of the convolution's channels. */
function channelVector(value: Value, conv: Node, { find }: RuleContext): Value | undefined {
  const k = conv.outputs[0]!.shape.at(-1)!;
  const { shape, dtype } = value;
  const suits =
    dtype === 'float32' &&
    shape.at(-1) === k &&
    shape.every((extent, i) => extent === 1 || i === shape.length - 1);
  return suits && shape.length <= 4 ? reshape(find(value), [k]) : undefined;
}
