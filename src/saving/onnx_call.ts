/**
 * @file A node of an ONNX graph while it becomes layers: its attributes and inputs with their checks, names for layers,
 * and errors that name the node.
 */
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { permute } from '../layers/permute.ts';
import { reshape } from '../layers/reshape.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Constant, DecodedNode } from './onnx_decode.ts';
import {
  apply,
  Flow,
  type FlowParts,
  float32,
  type Known,
  liesAlike,
  type PartialExtents,
  plainAxes,
  sameList,
} from './onnx_values.ts';

/** What all nodes of a file share. */
export interface OnnxContext {
  readonly where: string;
  readonly opset: number;
  /** How many elements folded constants may still have. */
  allowance: number;
  /** How often a value is read, by name. */
  readonly uses: ReadonlyMap<string, number>;
  /** Names of layers that are taken. */
  readonly taken: Set<string>;
}

export class OnnxCall {
  readonly node: DecodedNode;
  readonly inputs: readonly (Known | undefined)[];
  readonly context: OnnxContext;

  constructor(context: OnnxContext, node: DecodedNode, inputs: readonly (Known | undefined)[]) {
    this.context = context;
    this.node = node;
    this.inputs = inputs;
  }

  get opset(): number {
    return this.context.opset;
  }

  refuse(
    code: ErrorCode,
    what: string,
    expected: string,
    found: string,
    cause?: unknown,
  ): TsunoError {
    const where = `${this.context.where}, node ${show(this.node.name)} (${this.node.op})`;
    return new TsunoError(code, { where, what, expected, found, cause });
  }

  /** A name for a layer of this node that no other has. */
  name(): string {
    const base = this.node.name
      .replace(/[^\w.-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 100);
    const { taken } = this.context;
    for (let i = 0; ; i++) {
      const name = i === 0 ? base || this.node.op.replace(/\W+/g, '_') : `${base}_${i}`;
      if (taken.has(name)) continue;
      taken.add(name);
      return name;
    }
  }

  number(name: string, otherwise: number): number {
    const found = this.node.attributes.get(name);
    if (found === undefined) return otherwise;
    if (typeof found === 'number') return found;
    throw this.refuse('ONNX', `attribute ${show(name)}`, 'a number', show(found));
  }

  whole(name: string, otherwise: number): number {
    const found = this.number(name, otherwise);
    if (Number.isSafeInteger(found)) return found;
    throw this.refuse('ONNX', `attribute ${show(name)}`, 'a whole number', String(found));
  }

  text(name: string, otherwise: string): string {
    const found = this.node.attributes.get(name);
    if (found === undefined) return otherwise;
    if (typeof found === 'string') return found;
    throw this.refuse('ONNX', `attribute ${show(name)}`, 'a text', show(found));
  }

  list(name: string): readonly number[] | undefined {
    const found = this.node.attributes.get(name);
    if (found === undefined) return undefined;
    if (Array.isArray(found) && found.every((item) => typeof item === 'number')) return found;
    throw this.refuse('ONNX', `attribute ${show(name)}`, 'a list of numbers', show(found));
  }

  /** Sizes of a window along rows and columns, whole numbers from `least`. */
  pair(name: string, otherwise: readonly number[], least = 1): [number, number] {
    const found = this.list(name) ?? otherwise;
    const fits =
      found.length === 2 &&
      found.every((n) => Number.isSafeInteger(n) && n >= least && n < 2 ** 31);
    if (fits) return [found[0]!, found[1]!];
    throw this.refuse(
      'UNSUPPORTED',
      `attribute ${show(name)}`,
      `2 whole numbers from ${least}`,
      show(found),
    );
  }

  /** The constant at an input; `undefined` where the input is left out. */
  constant(i: number): Constant | undefined {
    const input = this.inputs[i];
    if (input === undefined || input.kind === 'constant') return input;
    throw this.refuse('UNSUPPORTED', `input ${i}`, 'a constant', 'one that is computed');
  }

  /** The numbers of a constant that becomes weights. @throws TsunoError where they are not finite. */
  weights(i: number): Constant {
    const constant = this.constant(i);
    if (!constant) throw this.refuse('ONNX', `input ${i}`, 'there', 'none');
    return this.finite(constant, `input ${i}`);
  }

  finite(constant: Constant, what: string): Constant {
    const wrong = constant.data.findIndex((x) => !Number.isFinite(Math.fround(x)));
    if (wrong < 0) return constant;
    throw this.refuse(
      'WEIGHTS_NONFINITE',
      `element ${wrong} of ${what}`,
      'finite',
      String(constant.data[wrong]),
    );
  }

  /** The only number of a constant. */
  scalar(i: number, otherwise: number): number {
    const constant = this.constant(i);
    if (!constant) return otherwise;
    if (constant.data.length === 1) return constant.data[0]!;
    throw this.refuse('UNSUPPORTED', `input ${i}`, 'one number', show([...constant.shape]));
  }

  flow(i: number): Flow {
    const input = this.inputs[i];
    if (input?.kind === 'flow') return input;
    throw this.refuse(
      'UNSUPPORTED',
      `input ${i}`,
      'a tensor that is computed',
      input ? 'a constant' : 'none',
    );
  }

  /** Images: [n, c, h, w] in the graph. */
  image(i: number): Flow {
    const flow = this.flow(i);
    if (flow.rank === 4) return flow;
    throw this.refuse('UNSUPPORTED', `input ${i}`, 'images, of 4 axes', `${flow.rank} axes`);
  }

  /** Whether nothing but this node reads the value at an input, so that it may be changed. */
  readsAlone(i: number): boolean {
    return this.context.uses.get(this.node.inputs[i]!) === 1;
  }

  /** `size` elements of a constant. @throws TsunoError where the file's length does not allow for them. */
  allowed(size: number): number {
    if (Number.isSafeInteger(size) && size >= 0 && size <= this.context.allowance) {
      this.context.allowance -= size;
      return size;
    }
    throw this.refuse(
      'ONNX_LIMIT',
      'a constant',
      'of a size the file allows for',
      `${size} elements`,
    );
  }

  /** The axes of a transpose; default: reversed. */
  permutation(rank: number): readonly number[] {
    const axes = this.list('perm') ?? plainAxes(rank).reverse();
    if (
      sameList(
        [...axes].sort((a, b) => a - b),
        plainAxes(rank),
      )
    )
      return axes;
    throw this.refuse('SHAPE', 'perm', `an order of ${rank} axes`, show([...axes]));
  }

  /** A flow whose tensor exists. */
  flowOf(parts: FlowParts, symbol: SymbolicTensor): Flow {
    return new Flow(parts, () => symbol);
  }

  /** The tensor of a flow with its axes in the wanted order; a layer moves them where they lie otherwise. */
  ordered(flow: Flow, wanted: readonly number[]): SymbolicTensor {
    if (sameList(flow.axes, wanted)) return flow.symbol;
    if (liesAlike(flow.shape, flow.axes, wanted)) {
      const target = new Flow({ shape: flow.shape, axes: wanted }, () => flow.symbol).physical;
      return this.shaped(flow.symbol, target);
    }
    const dims: number[] = [];
    wanted.forEach((axis, i) => {
      dims[axis] = flow.axes[i]!;
    });
    return apply(permute(dims.slice(1), { name: this.name() }), flow.symbol);
  }

  /** A tensor in another shape, as it lies. */
  shaped(symbol: SymbolicTensor, target: PartialExtents): SymbolicTensor {
    if (sameList(symbol.shape, target)) return symbol;
    const extents = target.slice(1);
    if (extents.includes(null))
      throw this.refuse('UNSUPPORTED', 'shape', 'known but for the batch', show([...target]));
    return apply(reshape(extents as number[], { name: this.name() }), symbol);
  }

  /** A constant of the graph as a tensor beside those of a flow: its axes moved and stretched to the same number. */
  beside(flow: Flow, constant: Constant): Tensor<'float32'> {
    const missing = flow.rank - constant.shape.length;
    const shape = flow.shape.map((_, axis) =>
      axis < missing ? 1 : constant.shape[axis - missing]!,
    );
    const fits =
      missing >= 0 && shape.every((extent, axis) => extent === 1 || extent === flow.shape[axis]);
    if (!fits || shape[0] !== 1) {
      const found = `${show([...constant.shape])} beside ${show([...flow.shape])}`;
      throw this.refuse('UNSUPPORTED', 'constant', 'one that stretches to the other input', found);
    }
    this.finite(constant, 'constant');
    const physical: number[] = [];
    flow.axes.forEach((axis, i) => {
      physical[axis] = i;
    });
    return float32(
      moved(constant.data, shape, physical),
      physical.map((axis) => shape[axis]!),
    );
  }
}

/** Elements with their axes in another order. */
function moved(
  data: ArrayLike<number>,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const out = new Float32Array(data.length);
  const strides = axes.map((axis) => sizeOf(shape.slice(axis + 1)));
  const place = axes.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[place.reduce((sum, at, axis) => sum + at * strides[axis]!, 0)]!;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      place[axis]! += 1;
      if (place[axis]! < shape[axes[axis]!]!) break;
      place[axis] = 0;
    }
  }
  return out;
}
