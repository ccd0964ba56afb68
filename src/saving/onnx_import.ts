/**
 * @file Networks out of ONNX files: node after node becomes layers of tsuno, with the weights of the file, so that the
 * result is a model as any other and can be trained on. Images lie with channels last, however the file has them.
 *
 * @see https://onnx.ai/onnx/operators/
 */
import { show, TsunoError } from '../core/errors.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import { Input } from '../topology/input.ts';
import { OnnxCall, type OnnxContext } from './onnx_call.ts';
import { folds } from './onnx_constants.ts';
import { split } from './onnx_cuts.ts';
import {
  type Constant,
  type DecodedGraph,
  type DecodedInput,
  type DecodedNode,
  decodeOnnx,
} from './onnx_decode.ts';
import { type AxisProduct, axisProduct, axisProducts } from './onnx_resample.ts';
import { onnxImportRules } from './onnx_rules.ts';
import { channelsFirst, Flow, type Known, plainAxes } from './onnx_values.ts';

/** What reading an ONNX file takes. */
export interface OnnxOptions {
  /**
   * How the model takes images and gives them: `'nhwc'`, the default, with channels last, whatever the file has; `'nchw'`
   * with channels first, as PyTorch has them.
   */
  layout?: 'nhwc' | 'nchw' | undefined;
}

/** The parts of a functional model. */
export interface ImportedNetwork {
  readonly name: string;
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
}

/** Elements of folded constants beyond those the file has: it may ask for shapes and for zeros. */
const spareElements = 2 ** 22;

/**
 * The network in the bytes of an ONNX file.
 *
 * @throws TsunoError as `decodeOnnx` does; `UNSUPPORTED`, `SHAPE` or `ONNX` naming the node that cannot become a layer;
 * `WEIGHTS_NONFINITE` for weights that are not finite.
 */
export function importOnnx(
  bytes: Uint8Array,
  where: string,
  { layout = 'nhwc' }: OnnxOptions = {},
): ImportedNetwork {
  if (layout !== 'nhwc' && layout !== 'nchw') {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'layout',
      expected: "'nhwc' or 'nchw'",
      found: show(layout),
    });
  }
  return new Importer(decodeOnnx(bytes, where), where, layout, bytes.length).network();
}

class Importer {
  private readonly graph: DecodedGraph;
  private readonly context: OnnxContext;
  private readonly layout: 'nhwc' | 'nchw';
  private readonly values = new Map<string, Known>();
  private readonly products: ReadonlyMap<DecodedNode, AxisProduct>;
  /** Nodes that are part of a product along one axis. */
  private readonly within: ReadonlySet<DecodedNode>;

  constructor(graph: DecodedGraph, where: string, layout: 'nhwc' | 'nchw', length: number) {
    this.graph = graph;
    this.layout = layout;
    const uses = new Map<string, number>();
    for (const name of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs])
      uses.set(name, (uses.get(name) ?? 0) + 1);
    this.context = {
      where,
      opset: graph.opset,
      allowance: length + spareElements,
      uses,
      taken: new Set(),
    };
    this.products = axisProducts(graph, uses);
    this.within = new Set([...this.products.values()].flatMap(({ nodes }) => nodes));
  }

  network(): ImportedNetwork {
    const { graph } = this;
    for (const [name, constant] of graph.constants) this.set(name, constant);
    const inputs = graph.inputs
      .filter(({ name }) => !graph.constants.has(name))
      .map((input) => this.input(input));
    if (inputs.length === 0 || graph.outputs.length === 0)
      throw this.refuse(
        'inputs and outputs',
        'one or more',
        `${inputs.length} and ${graph.outputs.length}`,
      );
    for (const node of graph.nodes) {
      const product = this.products.get(node);
      if (product) this.product(node, product);
      else if (!this.within.has(node)) this.node(node);
    }
    const outputs = graph.outputs.map((name) => this.output(name));
    return { name: layerName(graph.name) || 'onnx', inputs, outputs };
  }

  private refuse(what: string, expected: string, found: string): TsunoError {
    return new TsunoError('ONNX', { where: this.context.where, what, expected, found });
  }

  private set(name: string, value: Known): void {
    if (name === '') throw this.refuse('value', 'named', 'none');
    if (this.values.has(name)) throw this.refuse(`value ${show(name)}`, 'given once', 'twice');
    this.values.set(name, value);
  }

  /** An input of the model, and of the graph, which may have its axes in another order. */
  private input({ name, shape, elementType }: DecodedInput): SymbolicTensor {
    const { context } = this;
    const extents = shape.map((extent, axis) => (axis === 0 ? null : extent));
    if (extents.length < 2 || extents.some((extent) => extent === 0))
      throw this.refuse(`input ${show(name)}`, 'a batch of samples', show([...shape]));
    const dtype =
      elementType === 2
        ? 'uint8'
        : [1, 6, 7, 10, 11, 16].includes(elementType)
          ? 'float32'
          : undefined;
    if (!dtype) {
      const found = `type ${elementType}`;
      throw new TsunoError('UNSUPPORTED', {
        where: context.where,
        what: `input ${show(name)}`,
        expected: 'of floats or bytes',
        found,
      });
    }
    const isImage = extents.length === 4;
    const isFirst = isImage && this.isChannelsFirst(name, extents);
    const order = isImage ? { nchw: [0, 1, 2, 3], nhwc: [0, 2, 3, 1] } : undefined;
    // Which axis of the graph each axis of the tensor carries, and the reverse.
    const wanted = order?.[this.layout] ?? plainAxes(extents.length);
    const own = isFirst || !isImage ? wanted : this.layout === 'nchw' ? [0, 3, 1, 2] : plainAxes(4);
    const axes = plainAxes(extents.length).map((axis) => own.indexOf(axis));
    const label = layerName(name) || 'input';
    context.taken.add(label);
    const symbol = Input({ shape: own.slice(1).map((axis) => extents[axis]!), dtype, name: label });
    this.set(
      name,
      new Flow({ shape: extents, axes, isNonNegative: dtype === 'uint8' }, () => symbol),
    );
    return symbol;
  }

  /** Whether the graph has an input with channels first: by the first operator that says so, else by its extents. */
  private isChannelsFirst(name: string, shape: readonly (number | null)[]): boolean {
    const seen = new Set([name]);
    for (const { op, inputs, outputs } of this.graph.nodes) {
      if (!inputs[0] || !inputs.some((input) => seen.has(input))) continue;
      if (imageOperators.has(op)) return true;
      if (op === 'Transpose') return false;
      if (passing.has(op)) for (const output of outputs) seen.add(output);
    }
    const isCount = (extent: number | null | undefined) =>
      extent === 1 || extent === 3 || extent === 4;
    return isCount(shape[1]) && !isCount(shape[3]);
  }

  private node(node: DecodedNode): void {
    const { context, values } = this;
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const call = new OnnxCall(context, node, inputs);
    const missing = node.inputs.find((name) => name !== '' && !values.has(name));
    if (missing !== undefined)
      throw call.refuse('ONNX', `input ${show(missing)}`, 'given by a node before', 'none');
    if (node.domain !== '' && node.domain !== 'ai.onnx')
      throw call.refuse('UNSUPPORTED', 'operator', 'of ONNX itself', `one of ${show(node.domain)}`);
    // What else a node gives, as the mask of a dropout, is not known here; a node that reads it is refused.
    const found = node.op === 'Split' ? this.named(call, () => split(call)) : [this.computed(call)];
    found.forEach((value, i) => {
      if (i === 0 || node.outputs[i] !== '') this.set(node.outputs[i]!, value);
    });
  }

  /** A product along one axis, whose nodes become one layer. */
  private product(node: DecodedNode, { image, weights, shapes, order }: AxisProduct): void {
    const inputs = [image, weights, ...shapes];
    const call = new OnnxCall(
      this.context,
      { ...node, inputs },
      inputs.map((name) => this.values.get(name)),
    );
    this.set(
      node.outputs[0]!,
      this.named(call, () => axisProduct(call, order)),
    );
  }

  /** What `body` gives; errors of layers name the node. */
  private named<T>(call: OnnxCall, body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof TsunoError) || error.where.startsWith(this.context.where)) throw error;
      throw call.refuse(error.code, error.what, error.expected, error.found, error);
    }
  }

  private computed(call: OnnxCall): Known {
    const { node, inputs } = call;
    if (node.op === 'Constant') return constantOf(call);
    const known = inputs.filter((input): input is Constant => input?.kind === 'constant');
    const fold = folds.get(node.op);
    const rule = onnxImportRules.get(node.op);
    if (!fold && !rule)
      throw call.refuse('UNSUPPORTED', 'operator', 'one that tsuno reads', show(node.op));
    const [fewest, most] = inputCounts.get(node.op) ?? [1, 6];
    const isComplete = inputs.slice(0, fewest).every((input) => input !== undefined);
    if (inputs.length < fewest || inputs.length > most || !isComplete)
      throw call.refuse('ONNX', 'inputs', `at least ${fewest}`, String(inputs.length));
    return this.named(call, () => {
      if (fold && known.length === inputs.length) return fold(call, known);
      if (!rule) throw call.refuse('UNSUPPORTED', 'inputs', 'constants', 'computed ones');
      const value = rule(call);
      // Layers are made here, unless something is kept for what comes next: errors then name this node.
      if (value.kind === 'flow' && !value.linear && !value.affine) value.symbol;
      return value;
    });
  }

  private output(name: string): SymbolicTensor {
    const value = this.values.get(name);
    if (value?.kind !== 'flow')
      throw this.refuse(
        `output ${show(name)}`,
        'computed from the inputs',
        value ? 'a constant' : 'nothing',
      );
    const node = {
      name,
      op: 'output',
      domain: '',
      inputs: [name],
      outputs: [name],
      attributes: new Map(),
    };
    const call = new OnnxCall(this.context, node, [value]);
    const isImage = value.rank === 4 && String(value.axes) === String(channelsFirst);
    return isImage && this.layout === 'nhwc'
      ? value.symbol
      : call.ordered(value, plainAxes(value.rank));
  }
}

/** Fewest and most inputs of operators, where they are not one and up to six. */
const inputCounts: ReadonlyMap<string, readonly [number, number]> = new Map([
  ...named(2, 2, 'Add Sub Mul Div Pow Less LessOrEqual Greater GreaterOrEqual Equal And'),
  ...named(2, 2, 'MatMul Reshape Expand Gather PRelu'),
  ...named(1, Infinity, 'Max Min Sum Concat'),
  ...named(3, 3, 'Where'),
  ...named(5, 5, 'BatchNormalization'),
]);

function named(fewest: number, most: number, operators: string): [string, [number, number]][] {
  return operators.split(' ').map((op) => [op, [fewest, most]]);
}

/** Operators whose images have channels first. */
const imageOperators = new Set([
  'Conv',
  'ConvTranspose',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'BatchNormalization',
]);

/** Operators after which images still lie as before. */
const passing = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Cast',
  'Identity',
  'Relu',
  'Clip',
  'Pad',
  'Neg',
  'Slice',
  'Split',
  'Concat',
  'Resize',
  'Upsample',
]);

/** A name without what names of layers may not have. */
function layerName(name: string): string {
  return name
    .replace(/[^\w.-]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 100);
}

/** The value of a constant in one of the forms that operators have for it. */
function constantOf(call: OnnxCall): Constant {
  const { attributes } = call.node;
  const value = attributes.get('value');
  if (typeof value === 'object' && 'kind' in value) return value;
  const single = attributes.get('value_float') ?? attributes.get('value_int');
  const list =
    call.list('value_floats') ??
    call.list('value_ints') ??
    (typeof single === 'number' ? [single] : undefined);
  if (!list) throw call.refuse('UNSUPPORTED', 'value', 'of numbers', show([...attributes.keys()]));
  const isFloat = attributes.has('value_float') || attributes.has('value_floats');
  const data = isFloat ? Float32Array.from(list) : Float64Array.from(list);
  return { kind: 'constant', isFloat, shape: single === undefined ? [list.length] : [], data };
}
