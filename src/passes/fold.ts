/**
 * @file Small simplifications of elementwise work: arithmetic on constants is done now, neutral operands vanish, and a
 * stretched operand is read unstretched where the operation stretches it anyway.
 */
import { broadcastShapes, sameShape } from '../core/shape.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import { removeDead, rewrite } from '../ir/rewrite.ts';
import { addOp, broadcast, constantOp, divOp, mulOp, scalar, subOp } from '../ops/index.ts';

/** Right operand (and left, if the operation commutes) that changes nothing. */
const neutral = new Map<unknown, { value: number; commutes: boolean }>([
  [addOp, { value: 0, commutes: true }],
  [subOp, { value: 0, commutes: false }],
  [mulOp, { value: 1, commutes: true }],
  [divOp, { value: 1, commutes: false }],
]);

export function fold(graph: Graph): Graph {
  return removeDead(
    rewrite(graph, (node, { inputs, target }) => {
      if (!node.op.elementwise || inputs.length === 0) return undefined;
      return (
        foldConstants(node, inputs) ?? dropNeutral(node, inputs) ?? unstretch(node, inputs, target)
      );
    }),
  );
}

/** The number behind a constant, stretched or not. */
export function constantOf(value: Value): number | undefined {
  if (value.node.op === constantOp) return (value.node.attrs as { value: number }).value;
  return value.node.op.name === 'broadcast' ? constantOf(value.node.inputs[0]!) : undefined;
}

function foldConstants(node: Node, inputs: readonly Value[]): Value[] | undefined {
  const numbers = inputs.map(constantOf);
  const output = node.outputs[0]!;
  if (output.dtype !== 'float32' || inputs.some((input) => input.dtype !== 'float32'))
    return undefined;
  if (node.op.name === 'broadcast' || numbers.some((number) => number === undefined))
    return undefined;
  const result = node.op.elementwise!.scalar(numbers as number[], node.attrs, 0);
  return [broadcast(scalar(inputs[0]!, result), output.shape)];
}

function dropNeutral(node: Node, inputs: readonly Value[]): Value[] | undefined {
  const rule = neutral.get(node.op);
  if (!rule) return undefined;
  const [a, b] = inputs as [Value, Value];
  const { shape } = node.outputs[0]!;
  if (constantOf(b) === rule.value && sameShape(a.shape, shape)) return [a];
  if (rule.commutes && constantOf(a) === rule.value && sameShape(b.shape, shape)) return [b];
  return undefined;
}

function unstretch(
  node: Node,
  inputs: readonly Value[],
  target: Graph,
): readonly Value[] | undefined {
  if (node.op.name === 'broadcast') return undefined;
  const slim = inputs.map((input) =>
    input.node.op.name === 'broadcast' ? input.node.inputs[0]! : input,
  );
  if (slim.every((input, i) => input === inputs[i])) return undefined;
  const shape = broadcastShapes(...slim.map((input) => input.shape));
  if (!shape || !sameShape(shape, node.outputs[0]!.shape)) return undefined;
  return target.apply(node.op, slim, node.attrs);
}
