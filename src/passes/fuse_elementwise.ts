/**
 * @file Joins elementwise operations of one shape into groups that run as one loop each (the usual loop fusion). A node
 * joins the groups of its producers where no detour through a node outside would make a cycle.
 */
import { sameShape } from '../core/shape.ts';
import { Graph, type Node, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { carryResults, liveNodes } from '../ir/rewrite.ts';
import { constantOp } from '../ops/elementwise.ts';
import { describeSteps, type FusedAttrs, type FusedStep, fusedOp } from '../ops/fused.ts';

/** Nodes that run together; a node that is not elementwise is a unit alone. */
interface Unit {
  nodes: Node[];
  elementwise: boolean;
}

/** A number that stands in the code of each loop that uses it. (Others without inputs may depend on the element's place.) */
const isInline = (node: Node) => node.op === (constantOp as Op);

export function fuseElementwise(graph: Graph): Graph {
  const live = liveNodes(graph);
  const unitOf = new Map<Node, Unit>();
  for (const node of graph.nodes) {
    if (!live.has(node) || isInline(node)) continue;
    let unit: Unit = { nodes: [node], elementwise: node.op.elementwise !== undefined };
    unitOf.set(node, unit);
    if (!unit.elementwise) continue;
    for (const input of node.inputs) {
      const producer = unitOf.get(input.node);
      if (producer?.elementwise && producer !== unit && mayJoin(producer, unit, unitOf)) {
        unit = join(producer, unit, unitOf);
      }
    }
  }
  return emit(graph, [...new Set(unitOf.values())], unitOf);
}

function mayJoin(a: Unit, b: Unit, unitOf: Map<Node, Unit>): boolean {
  if (!sameShape(a.nodes[0]!.outputs[0]!.shape, b.nodes[0]!.outputs[0]!.shape)) return false;
  return !detour(b, a, unitOf) && !detour(a, b, unitOf);
}

/** Whether `from` depends on `to` by way of a third unit. */
function detour(from: Unit, to: Unit, unitOf: Map<Node, Unit>): boolean {
  const first = to.nodes[0]!.id;
  const seen = new Set<Unit>([from]);
  const stack = producers(from, unitOf).filter((unit) => unit !== to && unit !== from);
  for (let unit = stack.pop(); unit; unit = stack.pop()) {
    if (unit === to) return true;
    if (seen.has(unit) || unit.nodes.at(-1)!.id < first) continue;
    seen.add(unit);
    stack.push(...producers(unit, unitOf));
  }
  return false;
}

function producers(unit: Unit, unitOf: Map<Node, Unit>): Unit[] {
  return unit.nodes.flatMap((node) => node.inputs.flatMap((input) => unitOf.get(input.node) ?? []));
}

function join(a: Unit, b: Unit, unitOf: Map<Node, Unit>): Unit {
  const unit = { nodes: [...a.nodes, ...b.nodes].sort((x, y) => x.id - y.id), elementwise: true };
  for (const node of unit.nodes) unitOf.set(node, unit);
  return unit;
}

/** Units in an order that respects what they read, else that of their last nodes. */
function inOrder(units: Unit[], unitOf: Map<Node, Unit>): Unit[] {
  const order: Unit[] = [];
  const done = new Set<Unit>();
  const visit = (unit: Unit) => {
    if (done.has(unit)) return;
    done.add(unit);
    for (const producer of producers(unit, unitOf)) visit(producer);
    order.push(unit);
  };
  [...units].sort((a, b) => a.nodes.at(-1)!.id - b.nodes.at(-1)!.id).forEach(visit);
  return order;
}

function emit(graph: Graph, units: Unit[], unitOf: Map<Node, Unit>): Graph {
  const target = new Graph();
  const mapped = new Map<Value, Value>();
  const outside = visibleOutside(graph, unitOf);
  for (const unit of inOrder(units, unitOf)) {
    const last = unit.nodes.at(-1)!;
    const outputs = target.within(last.scope, () =>
      unit.elementwise
        ? emitGroup(target, unit, mapped, outside)
        : target.apply(
            last.op,
            last.inputs.map((input) => mapped.get(input) ?? constant(target, input.node)),
            last.attrs,
          ),
    );
    const visible = unit.elementwise
      ? unit.nodes.flatMap(({ outputs: [o] }) => (outside.has(o!) ? [o!] : []))
      : last.outputs;
    visible.forEach((value, i) => {
      mapped.set(value, outputs[i]!);
    });
  }
  const find = (value: Value) =>
    mapped.get(value) ?? (isInline(value.node) ? constant(target, value.node) : undefined);
  carryResults(graph, target, find);
  return target;
}

/** An inline node that something other than a loop reads, or a result: a loop of its own. */
function constant(target: Graph, node: Node): Value {
  const step: FusedStep = { op: node.op, attrs: node.attrs, type: node.outputs[0]!, operands: [] };
  return target.apply(fusedOp, [], group(node.outputs[0]!.shape, 0, [step], [0]))[0]!;
}

/** Values that a node of another unit or a result reads. */
function visibleOutside(graph: Graph, unitOf: Map<Node, Unit>): Set<Value> {
  const visible = new Set<Value>(graph.results());
  for (const [node, unit] of unitOf) {
    for (const input of node.inputs) if (unitOf.get(input.node) !== unit) visible.add(input);
  }
  return visible;
}

function emitGroup(
  target: Graph,
  unit: Unit,
  mapped: Map<Value, Value>,
  outside: Set<Value>,
): readonly Value[] {
  const members = new Set(unit.nodes);
  const inputs: Value[] = [];
  const external = unit.nodes
    .flatMap((node) => node.inputs)
    .filter(({ node }) => !members.has(node) && !isInline(node));
  for (const value of new Set(external)) inputs.push(mapped.get(value)!);
  const place = new Map<Value, number>([...new Set(external)].map((value, i) => [value, i]));
  const steps: FusedStep[] = [];
  const add = (node: Node): void => {
    for (const { node: source } of node.inputs)
      if (isInline(source) && !place.has(source.outputs[0]!)) add(source);
    const operands = node.inputs.map((input) => place.get(input)!);
    place.set(node.outputs[0]!, inputs.length + steps.length);
    steps.push({ op: node.op, attrs: node.attrs, type: node.outputs[0]!, operands });
  };
  unit.nodes.forEach(add);
  const results = unit.nodes.flatMap(({ outputs: [o] }) =>
    outside.has(o!) ? [place.get(o!)! - inputs.length] : [],
  );
  return target.apply(
    fusedOp,
    inputs,
    group(unit.nodes[0]!.outputs[0]!.shape, inputs.length, steps, results),
  );
}

function group(
  shape: FusedAttrs['shape'],
  inputs: number,
  steps: FusedStep[],
  results: number[],
): FusedAttrs {
  return {
    shape,
    inputs,
    steps,
    results,
    toString: () => describeSteps({ shape, inputs, steps, results }),
  };
}
