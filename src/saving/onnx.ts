/**
 * @file Networks as ONNX files, for other runtimes: what inference computes, traced as a graph, each operation as a node,
 * the weights as constants. The batch stays open: the network is traced for two batches, and what differs between them is
 * what depends on the batch.
 *
 * @see https://onnx.ai/onnx/operators/
 */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { Tensor, tensor } from '../core/tensor.ts';
import { Graph, type Node, type Value } from '../ir/graph.ts';
import { Trace, tracing } from '../layers/trace.ts';
import type { Variable } from '../layers/variable.ts';
import { input } from '../ops/source.ts';
import type { Network, NetworkInput } from '../topology/network.ts';
import {
  type Attribute,
  integersProto,
  modelProto,
  type OnnxNode,
  tensorProto,
  valueProto,
} from './onnx_encode.ts';
import { type OnnxWriter, onnxRules } from './onnx_ops.ts';

/** The version of the operators. */
const opset = 17;
/** Batches of the two traces; extents of layers are unlikely to be both. */
const batches = [1013, 2027] as const;

/**
 * A network as the bytes of an ONNX file, opset 17, its batch open. Inputs and outputs have the names of the model's.
 *
 * @throws TsunoError `STATE` for a network that is not built; `UNSUPPORTED` naming the layer, where ONNX has no such
 * operation or a shape but the batch is open.
 * @example
 * ```ts
 * const bytes = toOnnx(model); // for a browser; model.export('model.onnx') writes a file
 * ```
 */
export function toOnnx(network: Network): Uint8Array {
  const specs = network.inputSpecs;
  if (!network.built || !specs) {
    throw new TsunoError('STATE', {
      where: network.where,
      what: 'a model that is exported',
      expected: 'must be built',
      found: 'one that does not know its inputs yet',
      repair: 'Call model.build(shape), or give the model data first.',
    });
  }
  for (const { name, shape } of specs) checkClosed(network.where, name, shape.slice(1));
  const [graph, twin] = batches.map((batch) => traceFor(network, specs, batch)) as [Graph, Graph];
  return new Exporter(network, specs, graph, twin).file();
}

function checkClosed(where: string, name: string, shape: readonly (number | null)[]): void {
  if (!shape.includes(null)) return;
  throw new TsunoError('UNSUPPORTED', {
    where,
    what: `input ${show(name)}`,
    expected: 'of a known shape, but for the batch',
    found: show(shape),
  });
}

function traceFor(network: Network, specs: readonly NetworkInput[], batch: number): Graph {
  const graph = new Graph();
  tracing(new Trace(graph, false), () => {
    const inputs = specs.map(({ name, shape, dtype }) =>
      input(graph, name, [batch, ...(shape.slice(1) as number[])], dtype),
    );
    network.trace(inputs).forEach((value, i) => {
      graph.outputs.set(`output${i}`, value);
    });
  });
  return graph;
}

class Exporter {
  private readonly nodes: OnnxNode[] = [];
  private readonly constants: Uint8Array[] = [];
  private readonly names = new Map<Value, string>();
  private readonly network: Network;
  private readonly specs: readonly NetworkInput[];
  private readonly graph: Graph;
  private readonly twin: Graph;
  private count = 0;

  constructor(network: Network, specs: readonly NetworkInput[], graph: Graph, twin: Graph) {
    this.network = network;
    this.specs = specs;
    this.graph = graph;
    this.twin = twin;
  }

  file(): Uint8Array {
    const needed = neededFor([...this.graph.outputs.values()]);
    for (const node of this.graph.nodes)
      if (needed.has(node)) this.node(node, this.twin.nodes[node.id]!);
    const values = [...this.graph.outputs.values()];
    const outputs = values.map((value, i) => {
      const name = this.outputName(i, values.length);
      this.nodes.push({ op: 'Identity', inputs: [this.names.get(value)!], outputs: [name], name });
      return valueProto(name, value.dtype, [null, ...value.shape.slice(1)]);
    });
    const inputs = this.specs.map(({ name, dtype, shape }) =>
      valueProto(name, dtype, [null, ...shape.slice(1)]),
    );
    const { nodes, constants } = this;
    return modelProto({ name: this.network.name, nodes, constants, inputs, outputs }, opset);
  }

  /** Of the layer, unless an input has that name or another output comes from the same layer. */
  private outputName(i: number, count: number): string {
    const names = this.network.outputNames;
    const name = names[i] ?? 'output';
    const isTaken =
      this.specs.some((spec) => spec.name === name) ||
      names.indexOf(name) !== i ||
      count !== names.length;
    return isTaken ? `${name}_${i}` : name;
  }

  private node(node: Node, twin: Node): void {
    const [first] = node.outputs as [Value];
    const { op, scope } = node;
    if (op.name === 'input') this.names.set(first, (node.attrs as { name: string }).name);
    else if (op.name === 'variable') this.names.set(first, this.weight(node));
    else if (op.name === 'constant') {
      const { value, dtype } = node.attrs as { value: number; dtype: DType };
      this.names.set(first, this.scalar(value, dtype));
    } else if (op.name === 'iota') this.names.set(first, this.iota(node, twin));
    else {
      const rule = onnxRules.get(op.name);
      if (!rule) throw this.unsupported(scope, `an operation of ONNX for "${op.name}"`);
      const output = this.fresh(scope || op.name);
      this.names.set(first, output);
      rule(this.writer(node, output), node, twin);
    }
  }

  private unsupported(scope: string, expected: string): TsunoError {
    return new TsunoError('UNSUPPORTED', {
      where: this.network.where,
      what: `layer ${show(scope || this.network.name)}`,
      expected: `must have ${expected}`,
      found: 'none',
    });
  }

  private fresh(base: string): string {
    return `${base}:${this.count++}`;
  }

  private weight(node: Node): string {
    const { variable } = node.attrs as { variable: Variable };
    const name = this.fresh(variable.path);
    this.constants.push(tensorProto(name, variable.value()));
    return name;
  }

  private scalar(value: number, dtype: DType): string {
    const name = this.fresh('number');
    this.constants.push(tensorProto(name, tensor(value, [], dtype)));
    return name;
  }

  private iota(node: Node, twin: Node): string {
    const [{ shape }] = node.outputs as [Value];
    if (shape[0] !== twin.outputs[0]!.shape[0])
      throw this.unsupported(node.scope, 'a count that does not depend on the batch');
    const name = this.fresh('count');
    const data = Int32Array.from({ length: shape[0]! }, (_, i) => i);
    this.constants.push(tensorProto(name, new Tensor('int32', shape, data)));
    return name;
  }

  private writer(node: Node, output: string): OnnxWriter {
    const scope = node.scope || node.op.name;
    return {
      inputs: node.inputs.map((value) => this.names.get(value)!),
      output,
      add: (
        op: string,
        inputs: readonly string[],
        attributes: Readonly<Record<string, Attribute>> = {},
        isLast = false,
      ) => {
        const name = isLast ? output : this.fresh(scope);
        this.nodes.push({ op, inputs, outputs: [name], attributes, name });
        return name;
      },
      integers: (values) => {
        const name = this.fresh('numbers');
        this.constants.push(integersProto(name, values));
        return name;
      },
      scalar: (value, dtype) => this.scalar(value, dtype),
      extents: (shape, other, fallback) => {
        const open = shape.filter((extent, axis) => extent !== other[axis]).length;
        if (open > 1)
          throw this.unsupported(node.scope, 'a shape with the batch in one extent at most');
        return shape.map((extent, axis) => (extent === other[axis] ? extent : fallback));
      },
    };
  }
}

function neededFor(values: readonly Value[]): Set<Node> {
  const needed = new Set<Node>();
  const stack = values.map(({ node }) => node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    stack.push(...node.inputs.map((value) => value.node));
  }
  return needed;
}
