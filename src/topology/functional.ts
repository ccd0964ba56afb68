/**
 * @file Reading a network off its symbolic outputs: which calls of which layers lie between inputs and outputs, in what
 * order they run, in what order the layers are listed. The order is Keras's: by depth, the number of calls between a
 * layer and the outputs, then by first encounter when walking back from the outputs.
 */
import { TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { InputLayer } from '../layers/input_layer.ts';
import { isShapeList, type Layer } from '../layers/layer.ts';
import type { InboundNode, SymbolicTensor } from '../layers/symbolic.ts';

/** The layer of a call. */
export function layerOf(node: InboundNode): Layer {
  return node.layer as Layer;
}

interface Traversal {
  /** Each call after those it needs. */
  nodes: InboundNode[];
  /** Place of each layer's first encounter. */
  encounter: Map<Layer, number>;
}

/** Walks back from `outputs`, depth first; calls whose outputs are `inputs` are not followed. */
function traverse(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): Traversal {
  const given = new Set(inputs);
  const finished = new Set<InboundNode>();
  const nodes: InboundNode[] = [];
  const encounter = new Map<Layer, number>();
  for (const output of outputs) {
    // A stack of its own, since a network may be deeper than the stack of JavaScript.
    const stack: { node: InboundNode; next: number }[] = [];
    const enter = (tensor: SymbolicTensor) => {
      const { node } = tensor;
      if (finished.has(node)) return;
      if (node.inputs.length > 0 && given.has(tensor)) {
        finished.add(node);
        return;
      }
      const layer = layerOf(node);
      if (!encounter.has(layer)) encounter.set(layer, encounter.size);
      stack.push({ node, next: 0 });
    };
    enter(output);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { node } = top;
      if (finished.has(node)) stack.pop();
      else if (top.next < node.inputs.length) enter(node.inputs[top.next++]!);
      else {
        finished.add(node);
        nodes.push(node);
        stack.pop();
      }
    }
  }
  return { nodes, encounter };
}

/** Number of calls between a call, or a layer, and the outputs. */
function depths({ nodes }: Traversal) {
  const ofNode = new Map<InboundNode, number>();
  const ofLayer = new Map<Layer, number>();
  const members = new Set(nodes);
  for (const node of [...nodes].reverse()) {
    const layer = layerOf(node);
    const depth = Math.max(ofNode.get(node) ?? 0, ofLayer.get(layer) ?? 0);
    ofLayer.set(layer, depth);
    ofNode.set(node, depth);
    for (const { node: parent } of node.inputs) {
      if (members.has(parent)) ofNode.set(parent, Math.max(depth + 1, ofNode.get(parent) ?? 0));
    }
  }
  return { ofNode, ofLayer };
}

/** A network of calls between symbolic tensors. */
export class Functional {
  readonly kind = 'functional';
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  /** The layers, input layers among them, in Keras's order. */
  readonly layers: readonly Layer[];
  /** The calls, in the order in which they run. */
  readonly nodes: readonly InboundNode[];
  private readonly where: string;
  private readonly members: ReadonlySet<InboundNode>;

  /** @throws TsunoError `ARGUMENT` where an output needs an input that is not given, or two layers share a name. */
  constructor(
    where: string,
    inputs: readonly SymbolicTensor[],
    outputs: readonly SymbolicTensor[],
  ) {
    this.where = where;
    this.inputs = inputs;
    this.outputs = outputs;
    const traversal = traverse(inputs, outputs);
    const { ofNode, ofLayer } = depths(traversal);
    for (const { node } of inputs) {
      // An input that no output needs is still an input.
      const layer = layerOf(node);
      if (node.inputs.length > 0 || ofLayer.has(layer)) continue;
      ofLayer.set(layer, 0);
      ofNode.set(node, 0);
      traversal.encounter.set(layer, -1);
    }
    const { encounter } = traversal;
    this.nodes = [...ofNode].sort(([, a], [, b]) => b - a).map(([node]) => node);
    this.members = new Set(this.nodes);
    this.layers = [...ofLayer]
      .sort(([x, a], [y, b]) => b - a || encounter.get(x)! - encounter.get(y)!)
      .map(([layer]) => layer);
    this.check();
  }

  /** Names of the layers that give the outputs. */
  get outputNames(): string[] {
    return this.outputs.map(({ history }) => history.layer.name);
  }

  /** Calls every layer, in order, on values in place of the symbolic tensors. */
  run(inputs: readonly Value[]): Value[] {
    const values = new Map(this.inputs.map((tensor, i) => [tensor, inputs[i]!]));
    for (const node of this.nodes) {
      if (node.inputs.length === 0) continue;
      const given = node.inputs.map((tensor) => values.get(tensor)!);
      const results = layerOf(node).outputsOf(node.many ? given : given[0]!, node.options);
      node.outputs.forEach((tensor, i) => {
        values.set(tensor, results[i]!);
      });
    }
    return this.outputs.map((tensor) => values.get(tensor)!);
  }

  /** Shapes of the outputs for inputs of other shapes. */
  outputShapes(inputShapes: readonly PartialShape[]): PartialShape[] {
    const shapes = new Map(this.inputs.map((tensor, i) => [tensor, inputShapes[i]!]));
    for (const node of this.nodes) {
      if (node.inputs.length === 0) continue;
      const given = node.inputs.map((tensor) => shapes.get(tensor)!);
      const result = layerOf(node).outputShape(node.many ? given : given[0]!);
      const list = isShapeList(result) ? result : [result];
      node.outputs.forEach((tensor, i) => {
        shapes.set(tensor, list[i]!);
      });
    }
    return this.outputs.map((tensor) => shapes.get(tensor)!);
  }

  /** Whether the call is part of this network. */
  has(node: InboundNode): boolean {
    return this.members.has(node);
  }

  private check(): void {
    const computable = new Set(this.inputs);
    for (const node of this.nodes) {
      const missing = node.inputs.find((tensor) => !computable.has(tensor));
      const isStranger = node.inputs.length === 0 && !computable.has(node.outputs[0]!);
      if (missing || isStranger) {
        const name = missing?.history.layer.name ?? node.layer.name;
        throw new TsunoError('ARGUMENT', {
          where: this.where,
          what: 'outputs',
          expected: 'must depend on the given inputs alone',
          found: missing ? `layer "${node.layer.name}" reading "${name}"` : `input "${name}"`,
          repair: `Give ${layerOf(node) instanceof InputLayer ? `"${name}"` : 'it'} among the inputs.`,
        });
      }
      for (const output of node.outputs) computable.add(output);
    }
    const disconnected = this.outputs.find((output) => !computable.has(output));
    if (disconnected) {
      throw new TsunoError('ARGUMENT', {
        where: this.where,
        what: `output of "${disconnected.history.layer.name}"`,
        expected: 'must be connected to the inputs',
        found: 'one that is not',
      });
    }
    checkNames(this.where, this.layers);
  }
}

/** @throws TsunoError `ARGUMENT` where two layers have one name: files could not tell them apart. */
export function checkNames(where: string, layers: readonly Layer[]): void {
  const names = new Set<string>();
  for (const { name } of layers) {
    if (names.has(name)) {
      throw new TsunoError('ARGUMENT', {
        where,
        what: 'names of layers',
        expected: 'must differ',
        found: `"${name}" twice`,
        repair: 'Give one of them another name.',
      });
    }
    names.add(name);
  }
}

/** A list of tensors from one or several. @throws TsunoError `ARGUMENT` for anything but symbolic tensors. */
export function tensorsOf(
  where: string,
  what: string,
  given: SymbolicTensor | readonly SymbolicTensor[],
  isTensor: (value: unknown) => value is SymbolicTensor,
): SymbolicTensor[] {
  const list = Array.isArray(given) ? [...given] : [given as SymbolicTensor];
  const stranger = list.find((item) => !isTensor(item));
  if (list.length > 0 && stranger === undefined && new Set(list).size === list.length) return list;
  throw new TsunoError('ARGUMENT', {
    where,
    what,
    expected: 'one or more different symbolic tensors, as Input and calls of layers give',
    found: list.length === 0 ? 'none' : stranger === undefined ? 'one twice' : typeof stranger,
  });
}
