/** @file Common subexpressions: a node equal to an earlier one (operation, attributes, inputs) is that node. */
import type { Graph, Value } from '../ir/graph.ts';
import { structureKey } from '../ir/key.ts';
import { removeDead, rewrite } from '../ir/rewrite.ts';

export function cse(graph: Graph): Graph {
  const seen = new Map<string, readonly Value[]>();
  return removeDead(
    rewrite(graph, ({ op, attrs }, { inputs, target }) => {
      if (op.source || op.volatile) return undefined;
      const key = structureKey([
        op.name,
        attrs,
        inputs.map((input) => [input.node.id, input.index]),
      ]);
      const known = seen.get(key) ?? target.apply(op, inputs, attrs);
      seen.set(key, known);
      return known;
    }),
  );
}
