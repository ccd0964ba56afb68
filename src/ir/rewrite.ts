/**
 * @file How a pass makes its new graph: walk the old nodes in order, map each to values of the new graph, carry results
 * over. Nodes that nothing needs are left behind.
 */
import { Graph, type Node, type Value } from './graph.ts';

export interface RuleContext {
  /** The node's inputs in the new graph. */
  inputs: readonly Value[];
  target: Graph;
  /** The new value of any earlier value of the old graph. */
  find(value: Value): Value;
  /** How often a value of the old graph is read, results included. */
  uses(value: Value): number;
}

/** Gives the new values of a node's outputs, or `undefined` to copy the node as it is. */
export type Rule = (node: Node, context: RuleContext) => readonly Value[] | undefined;

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

/** How often each value is read by live nodes and results. */
export function useCounts(graph: Graph): Map<Value, number> {
  const counts = new Map<Value, number>();
  const count = (value: Value) => counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const node of liveNodes(graph)) node.inputs.forEach(count);
  graph.results().forEach(count);
  return counts;
}

/** A new graph: the live nodes of `graph`, each as `rule` says. */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const target = new Graph();
  const live = liveNodes(graph);
  const counts = useCounts(graph);
  const mapped = new Map<Value, Value>();
  const find = (value: Value) => mapped.get(value)!;
  const uses = (value: Value) => counts.get(value) ?? 0;
  for (const node of graph.nodes) {
    if (!live.has(node)) continue;
    const inputs = node.inputs.map(find);
    const outputs = target.within(
      node.scope,
      () => rule(node, { inputs, target, find, uses }) ?? target.apply(node.op, inputs, node.attrs),
    );
    node.outputs.forEach((output, i) => {
      mapped.set(output, outputs[i]!);
    });
  }
  carryResults(graph, target, find);
  return target;
}

/** Names the results of `graph` in `target`. */
export function carryResults(
  graph: Graph,
  target: Graph,
  find: (value: Value) => Value | undefined,
): void {
  for (const [name, value] of graph.outputs) target.outputs.set(name, find(value)!);
  for (const [variable, value] of graph.updates) target.updates.set(variable, find(value)!);
  for (const [variable, value] of graph.variables) {
    const kept = find(value);
    if (kept) target.variables.set(variable, kept);
  }
}

/** Leaves out what no result needs. */
export function removeDead(graph: Graph): Graph {
  return rewrite(graph, () => undefined);
}
