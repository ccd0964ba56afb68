/**
 * @file Sums over leading axes join the elementwise group whose result they sum (or stand as a group without steps): the
 * group is computed once, what only the sums read is never written.
 */
import { sameShape } from '../core/shape.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { liveNodes, type RuleContext, removeDead, rewrite } from '../ir/rewrite.ts';
import { type FusedAttrs, fusedOp } from '../ops/fused.ts';
import {
  describeSums,
  type FusedSumAttrs,
  fusedSumOp,
  rowsAndChannels,
  rowWalk,
} from '../ops/fused_sum.ts';
import { reduceSum, reduceSumOp, reshape } from '../ops/index.ts';
import type { ReduceAttrs } from '../ops/sum.ts';

/** Fewer rows than this are summed well enough by the plain reduction. */
const leastRows = 64;
/** Into how many parts a sum is cut, so that threads can share it. */
const mostParts = 16;
/** Sums of one group that stay in registers. */
const mostSums = 4;

const isFused = (node: Node) => node.op === (fusedOp as Op);

/** The axis up to which a sum over whole leading axes goes. */
function leadingSum(node: Node): number | undefined {
  if (node.op !== (reduceSumOp as Op)) return undefined;
  const { from, to } = node.attrs as ReduceAttrs;
  const [rows, channels] = rowsAndChannels(node.inputs[0]!.shape, to);
  return from === 0 && rows >= leastRows && channels % 4 === 0 ? to : undefined;
}

/** Groups with the sums that join them. */
function findSums(graph: Graph): Map<Node, Node[]> {
  const joined = new Map<Node, Node[]>();
  for (const node of liveNodes(graph)) {
    const to = leadingSum(node);
    const source = node.inputs[0]?.node;
    if (to === undefined || !source || !isFused(source)) continue;
    const { shape } = source.attrs as FusedAttrs;
    if (!source.inputs.every((input) => rowWalk(input.shape, shape, to))) continue;
    const sums = joined.get(source) ?? [];
    if (sums.length >= mostSums || (sums[0] && leadingSum(sums[0]) !== to)) continue;
    joined.set(source, [...sums, node]);
  }
  return joined;
}

export function fuseSums(graph: Graph): Graph {
  const joined = findSums(graph);
  const owner = new Map([...joined].flatMap(([group, sums]) => sums.map((sum) => [sum, group])));
  /** Partial sums of each sum that joined a group. */
  const partials = new Map<Node, Value>();
  return removeDead(
    rewrite(graph, (node, context) => {
      const sums = joined.get(node);
      if (sums) return emitGroup(node, sums, context, partials);
      const to = leadingSum(node);
      if (to === undefined) return undefined;
      const partial = owner.has(node)
        ? partials.get(node)!
        : plainSum(context.inputs[0]!, to, context);
      return [finish(partial, node)];
    }),
  );
}

/** Adds up the parts. */
function finish(partial: Value, node: Node): Value {
  const { shape } = node.outputs[0]!;
  const whole = partial.shape[0] === 1 ? partial : reduceSum(partial, [0]);
  return sameShape(whole.shape, shape) ? whole : reshape(whole, shape);
}

function parted(
  shape: readonly number[],
  to: number,
): Pick<FusedSumAttrs, 'to' | 'parts' | 'rows'> {
  const [all] = rowsAndChannels(shape, to);
  const rows = Math.ceil(all / mostParts);
  return { to, rows, parts: Math.ceil(all / rows) };
}

function withText(attrs: Omit<FusedSumAttrs, 'toString'>): FusedSumAttrs {
  return { ...attrs, toString: () => describeSums(attrs) };
}

function plainSum(x: Value, to: number, { target }: RuleContext): Value {
  const attrs = {
    shape: x.shape,
    inputs: 1,
    steps: [],
    stored: [],
    summed: [0],
    ...parted(x.shape, to),
  };
  return target.apply(fusedSumOp, [x], withText(attrs))[0]!;
}

function emitGroup(
  node: Node,
  sums: readonly Node[],
  { inputs, target, uses }: RuleContext,
  partials: Map<Node, Value>,
): readonly Value[] {
  const attrs = node.attrs as FusedAttrs;
  const operand = (output: Value) => attrs.inputs + attrs.results[output.index]!;
  const summed = [...new Set(sums.map((sum) => sum.inputs[0]!))];
  const readBySums = (output: Value) => sums.filter((sum) => sum.inputs[0] === output).length;
  const kept = node.outputs.filter((output) => uses(output) > readBySums(output));
  const to = leadingSum(sums[0]!)!;
  const values = target.apply(
    fusedSumOp,
    inputs,
    withText({
      shape: attrs.shape,
      inputs: attrs.inputs,
      steps: attrs.steps,
      stored: kept.map(operand),
      summed: summed.map(operand),
      ...parted(attrs.shape, to),
    }),
  );
  for (const sum of sums) partials.set(sum, values[kept.length + summed.indexOf(sum.inputs[0]!)]!);
  // Nobody reads the results that are only summed; any value stands for them.
  return node.outputs.map((output) => values[Math.max(0, kept.indexOf(output))]!);
}
