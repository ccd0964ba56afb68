/** @file Graphs as text, one node a line: `%3 = conv2d(%0, %1) {strides: [1, 1]} : float32[32, 26, 26, 32]  # conv2d`. */
import type { Graph, Node, Value } from './graph.ts';

export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map(printNode);
  for (const [name, value] of graph.outputs) lines.push(`result ${name} = ${nameOf(value)}`);
  for (const [variable, value] of graph.updates)
    lines.push(`update ${variable.path ?? variable.name} = ${nameOf(value)}`);
  return lines.join('\n');
}

export function printNode(node: Node): string {
  const types = node.outputs.map((output) => `${output.dtype}[${output.shape.join(', ')}]`);
  const call = `${node.op.name}(${node.inputs.map(nameOf).join(', ')})`;
  const attrs = printAttrs(node.attrs);
  return `%${node.id} = ${call}${attrs && ` ${attrs}`} : ${types.join(', ')}${node.scope && `  # ${node.scope}`}`;
}

function nameOf(value: Value): string {
  return value.node.outputs.length === 1 ? `%${value.node.id}` : `%${value.node.id}.${value.index}`;
}

/** Attributes as `{key: value}`; an object with a `toString` of its own shows itself. */
export function printAttrs(attrs: unknown): string {
  if (attrs === undefined || attrs === null) return '';
  if (typeof attrs !== 'object') return String(attrs);
  if (Array.isArray(attrs)) return `[${attrs.map(printAttrs).join(', ')}]`;
  if (ArrayBuffer.isView(attrs)) return printAttrs(Array.from((attrs as Float32Array).slice(0, 4)));
  if (attrs.toString !== Object.prototype.toString) return String(attrs);
  const entries = Object.entries(attrs).filter(([, value]) => value !== undefined);
  return entries.length === 0
    ? ''
    : `{${entries.map(([key, value]) => `${key}: ${printAttrs(value)}`).join(', ')}}`;
}
