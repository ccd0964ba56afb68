/**
 * @file What an operation is: the record of types that `graph.ts` declares beside the graph, because a node holds its
 * operation and a rule speaks of nodes.
 */
export type { ElementwiseRule, GradientContext, Op, ReferenceTensor, TensorType } from './graph.ts';
