/** @file Replaces operations that are made of others by those others. */
import type { Graph } from '../ir/graph.ts';
import { rewrite } from '../ir/rewrite.ts';

export function decompose(graph: Graph): Graph {
  return rewrite(graph, ({ op, attrs }, { inputs }) => op.decompose?.(inputs, attrs));
}

/** Only those without a gradient of their own: before differentiation. */
export function decomposeForGradients(graph: Graph): Graph {
  return rewrite(graph, ({ op, attrs }, { inputs }) =>
    op.gradient ? undefined : op.decompose?.(inputs, attrs),
  );
}
