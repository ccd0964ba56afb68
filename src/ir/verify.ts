/** @file The verifier: what must hold of every graph, checked after each pass. A breach is a bug of ours. */
import { internal } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import type { Graph } from './graph.ts';

/** @throws Error `internal:` naming the stage and the node, where the graph is not well formed. */
export function verify(graph: Graph, stage: string): void {
  const fail = (what: string) => {
    throw internal(`${stage}: ${what}`);
  };
  graph.nodes.forEach((node, position) => {
    const label = `%${node.id} ${node.op.name}`;
    if (node.id !== position || node.graph !== graph) fail(`${label} is out of place`);
    for (const input of node.inputs) {
      if (input.graph !== graph || input.node.id >= node.id)
        fail(`${label} reads a value that is not earlier`);
      if (input.node.outputs[input.index] !== input) fail(`${label} reads a value nobody makes`);
    }
    const types = node.op.infer(node.inputs, node.attrs);
    types.forEach((type, i) => {
      const output = node.outputs[i];
      if (!output || output.dtype !== type.dtype || !sameShape(output.shape, type.shape)) {
        fail(`${label} output ${i} has another type than its rule says`);
      }
    });
    const rules = [node.op.elementwise, node.op.decompose, node.op.reference, node.op.source];
    if (rules.filter(Boolean).length !== 1) fail(`${label} must have exactly one meaning`);
  });
  for (const value of graph.results())
    if (value.graph !== graph) fail('a result belongs to another graph');
  for (const [variable, value] of graph.updates) {
    if (variable.dtype !== value.dtype || !sameShape(variable.shape, value.shape)) {
      fail(`variable ${variable.name} is given another type than its own`);
    }
  }
}
