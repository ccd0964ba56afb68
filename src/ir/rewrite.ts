/**
 * @file How a pass makes its new graph: walk the old nodes in order, map each to values of the new graph, carry results
 * over. Nodes that nothing needs are left behind.
 */
import { Graph, type Node, type Value } from './graph.ts';

/** Gives the new values of a node's outputs, or `undefined` to copy the node as it is. */
export type Rule = (
  node: Node,
  inputs: readonly Value[],
  target: Graph,
) => readonly Value[] | undefined;

/** Nodes that some result depends on. */
export function liveNodes(graph: Graph): Set<Node> {
  const live = new Set<Node>();
  const stack = graph.results().map((value) => value.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (live.has(node)) continue;
    live.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return live;
}

/** A new graph: the live nodes of `graph`, each as `rule` says. */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const target = new Graph();
  const live = liveNodes(graph);
  const mapped = new Map<Value, Value>();
  for (const node of graph.nodes) {
    if (!live.has(node)) continue;
    const inputs = node.inputs.map((input) => mapped.get(input)!);
    const outputs = target.within(
      node.scope,
      () => rule(node, inputs, target) ?? target.apply(node.op, inputs, node.attrs),
    );
    node.outputs.forEach((output, i) => {
      mapped.set(output, outputs[i]!);
    });
  }
  for (const [name, value] of graph.outputs) target.outputs.set(name, mapped.get(value)!);
  for (const [variable, value] of graph.updates) target.updates.set(variable, mapped.get(value)!);
  for (const [variable, value] of graph.variables) {
    const kept = mapped.get(value);
    if (kept) target.variables.set(variable, kept);
  }
  return target;
}

/** How often each value is read, results included. */
export function useCounts(graph: Graph): Map<Value, number> {
  const counts = new Map<Value, number>();
  const count = (value: Value) => counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(count);
  graph.results().forEach(count);
  return counts;
}
