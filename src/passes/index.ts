/** @file The passes, in order. Each is a function from graph to graph; the graph is verified after each. */
import type { Graph } from '../ir/graph.ts';
import { verify } from '../ir/verify.ts';
import { cse } from './cse.ts';
import { decompose, decomposeForGradients } from './decompose.ts';
import { fold } from './fold.ts';
import { foldScales } from './fold_scales.ts';
import { fuseConvPool } from './fuse_conv_pool.ts';
import { fuseElementwise } from './fuse_elementwise.ts';
import { fuseSums } from './fuse_sums.ts';

export interface Pass {
  name: string;
  run(graph: Graph): Graph;
}

/** Before differentiation: forms that compute less, and whose gradients do. */
export const forwardPasses: readonly Pass[] = [
  { name: 'decompose', run: decomposeForGradients },
  { name: 'fold_scales', run: foldScales },
  { name: 'fuse_conv_pool', run: fuseConvPool },
];

/** On the whole step; `lower` is the backend's own. */
export function stepPasses(lower: Pass): readonly Pass[] {
  return [
    { name: 'decompose', run: decompose },
    { name: 'fold', run: fold },
    { name: 'cse', run: cse },
    lower,
    { name: 'cse', run: cse },
    { name: 'fuse_elementwise', run: fuseElementwise },
    { name: 'fuse_sums', run: fuseSums },
  ];
}

/** Runs passes in order. @param watch sees the graph after each. */
export function runPasses(
  graph: Graph,
  passes: readonly Pass[],
  watch?: (name: string, graph: Graph) => void,
): Graph {
  return passes.reduce((before, pass) => {
    const after = pass.run(before);
    verify(after, pass.name);
    watch?.(pass.name, after);
    return after;
  }, graph);
}
