/**
 * @file The reference backend: a graph evaluated node by node in float64 by each record's own plain rule. Clear and slow:
 * the judge of the fast backends.
 */
import { internal } from '../../core/errors.ts';
import { sizeOf, stridesOf } from '../../core/shape.ts';
import { Graph, type Node, type Value, type VariableRef } from '../../ir/graph.ts';
import type { ReferenceTensor } from '../../ir/op.ts';
import { broadcastStrides } from '../../ops/fused.ts';
import { type InputAttrs, input } from '../../ops/source.ts';

export interface ReferenceResult {
  outputs: Map<string, ReferenceTensor>;
  updates: Map<VariableRef, ReferenceTensor>;
  /** Any value of the graph. */
  find(value: Value): ReferenceTensor;
}

/**
 * Runs `graph` once.
 *
 * @param inputs elements of each input, by name.
 * @param variables elements of each variable before the run.
 */
export function evaluate(
  graph: Graph,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  variables: (variable: VariableRef) => ArrayLike<number>,
): ReferenceResult {
  const known = new Map<Value, ReferenceTensor>();
  for (const node of graph.nodes) {
    const results = node.op.source
      ? [Float64Array.from(source(node, inputs, variables))]
      : evaluateNode(
          node,
          node.inputs.map((input) => known.get(input)!),
        );
    node.outputs.forEach((output, i) => {
      known.set(output, { shape: output.shape, data: results[i]! });
    });
  }
  const find = (value: Value) => known.get(value)!;
  return {
    outputs: new Map([...graph.outputs].map(([name, value]) => [name, find(value)])),
    updates: new Map([...graph.updates].map(([variable, value]) => [variable, find(value)])),
    find,
  };
}

function source(
  node: Node,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  variables: (variable: VariableRef) => ArrayLike<number>,
): ArrayLike<number> {
  const attrs = node.attrs as InputAttrs | { variable: VariableRef };
  if ('variable' in attrs) return variables(attrs.variable);
  const given = inputs[attrs.name];
  if (!given) throw internal(`input ${attrs.name} is not given`);
  return given;
}

function evaluateNode(node: Node, inputs: readonly ReferenceTensor[]): readonly Float64Array[] {
  const { op, attrs, outputs } = node;
  if (op.elementwise) return [evaluateElements(node, inputs)];
  if (op.reference) return op.reference(inputs, attrs, outputs);
  return evaluateComposition(node, inputs);
}

function evaluateElements(node: Node, inputs: readonly ReferenceTensor[]): Float64Array {
  const { shape } = node.outputs[0]!;
  const rule = node.op.elementwise!;
  const reach = inputs.map((input) => broadcastStrides(input.shape, shape));
  const own = stridesOf(shape);
  const arguments_ = new Array<number>(inputs.length);
  return new Float64Array(sizeOf(shape)).map((_, index) => {
    inputs.forEach((input, i) => {
      let at = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        at += (Math.floor(index / own[axis]!) % shape[axis]!) * reach[i]![axis]!;
      }
      arguments_[i] = input.data[at]!;
    });
    return rule.scalar(arguments_, node.attrs, index);
  });
}

function evaluateComposition(
  node: Node,
  inputs: readonly ReferenceTensor[],
): readonly Float64Array[] {
  const graph = new Graph();
  const values = inputs.map((tensor, i) =>
    input(graph, String(i), tensor.shape, node.inputs[i]!.dtype),
  );
  node.op.decompose!(values, node.attrs).forEach((value, i) => {
    graph.outputs.set(String(i), value);
  });
  const given = Object.fromEntries(inputs.map((input, i) => [String(i), input.data]));
  const { outputs } = evaluate(graph, given, () => []);
  return node.outputs.map((_, i) => outputs.get(String(i))!.data);
}
