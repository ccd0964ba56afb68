/**
 * @file Reverse-mode differentiation (Linnainmaa 1970): walk the nodes backward from the loss, ask each record for the
 * gradients of its inputs, add up where a value is used more than once. The walker knows no operation by name.
 */
import { internal } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import type { Node, Value } from '../ir/graph.ts';
import { add } from '../ops/arithmetic.ts';
import { scalar } from '../ops/elementwise.ts';
import { broadcast } from '../ops/sum.ts';

/**
 * Appends to the graph of `loss` the gradients of Σ loss with respect to each of `wrt`.
 *
 * @param seed gradient of `loss` itself, default ones.
 * @returns one value of the same shape for each of `wrt`; `undefined` where the loss does not depend on it.
 */
export function gradients(loss: Value, wrt: readonly Value[], seed?: Value): (Value | undefined)[] {
  const { graph } = loss;
  const reached = new Map<Value, Value>();
  reached.set(loss, seed ?? broadcast(scalar(loss, 1), loss.shape));
  const wanted = nodesLeadingTo(loss, wrt);
  for (const node of graph.nodes.slice(0, loss.node.id + 1).reverse()) {
    if (!wanted.has(node) || !node.op.gradient) continue;
    const outgoing = node.outputs.map((output) => reached.get(output));
    if (outgoing.every((gradient) => gradient === undefined)) continue;
    const incoming = graph.within(node.scope, () =>
      node.op.gradient!({
        inputs: node.inputs,
        outputs: node.outputs,
        attrs: node.attrs,
        gradients: outgoing,
      }),
    );
    incoming.forEach((gradient, i) => {
      if (gradient) accumulate(reached, node, i, gradient);
    });
  }
  return wrt.map((value) => reached.get(value));
}

function accumulate(reached: Map<Value, Value>, node: Node, i: number, gradient: Value): void {
  const input = node.inputs[i]!;
  if (!sameShape(input.shape, gradient.shape))
    throw internal(`${node.op.name}: gradient ${i} has another shape`);
  const before = reached.get(input);
  reached.set(input, before ? add(before, gradient) : gradient);
}

/** Nodes on a way from one of `sources` to `loss`: the others need no gradient. */
function nodesLeadingTo(loss: Value, sources: readonly Value[]): Set<Node> {
  const carrying = new Set<Value>(sources);
  const wanted = new Set<Node>();
  for (const node of loss.graph.nodes.slice(0, loss.node.id + 1)) {
    if (!node.inputs.some((input) => carrying.has(input))) continue;
    wanted.add(node);
    for (const output of node.outputs) carrying.add(output);
  }
  return wanted;
}
