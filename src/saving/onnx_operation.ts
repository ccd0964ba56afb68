/**
 * @file The layer for what graphs of ONNX have and Keras has no layer for: one operation on tensors and constants. Made by
 * the import alone; models that hold it are saved and loaded as others are, by tsuno.
 */
import { TsunoError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import * as activations from '../layers/activations.ts';
import { Layer, type LayerOptions } from '../layers/layer.ts';
import { registerLayer } from '../layers/registry.ts';
import { productAlong } from '../layers/resample.ts';
import type { Config } from '../layers/serialized.ts';
import type { Variable } from '../layers/variable.ts';
import * as ops from '../ops/index.ts';

/** Numbers an operation is told: axes, extents, margins. */
export type OperationNumbers = Readonly<Record<string, readonly number[]>>;

type Compute = (values: readonly Value[], numbers: OperationNumbers) => Value;

const mask = (value: Value): Value => ops.cast(value, 'float32');
const unary =
  (body: (x: Value) => Value): Compute =>
  (values) =>
    body(values[0]!);
const binary =
  (body: (a: Value, b: Value) => Value): Compute =>
  (values) =>
    body(values[0]!, values[1]!);

/** A shape whose batch is that of the value. */
function batched(x: Value, extents: readonly number[] = []): number[] {
  return [x.shape[0]!, ...extents];
}

/** Margins of all axes after the batch: before and after each in turn. */
function padded(x: Value, { margins = [], value = [0] }: OperationNumbers): Value {
  const padding = x.shape.map((_, axis): [number, number] =>
    axis === 0 ? [0, 0] : [margins[2 * axis - 2] ?? 0, margins[2 * axis - 1] ?? 0],
  );
  const wide = ops.pad(x, padding);
  if (value[0] === 0) return wide;
  const inside = ops.pad(ops.broadcast(ops.scalar(x, 1), x.shape), padding);
  return ops.select(ops.less(0, inside), wide, value[0]!);
}

/** Every `step`th element along `axis`, from the first. */
function everyNth(x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const [before, extent, after] = [x.shape.slice(0, axis), x.shape[axis]!, x.shape.slice(axis + 1)];
  const count = Math.ceil(extent / step);
  const padding = x.shape.map((_, i): [number, number] => [
    0,
    i === axis ? count * step - extent : 0,
  ]);
  const apart = ops.reshape(ops.pad(x, padding), [...before, count, step, ...after]);
  const start = apart.shape.map(() => 0);
  return ops.reshape(ops.slice(apart, start, [...before, count, 1, ...after]), [
    ...before,
    count,
    ...after,
  ]);
}

/** From `start`, as many elements as `extents` says, `steps` apart: each of all axes after the batch. */
function sliced(x: Value, { start = [], extents = [], steps = [] }: OperationNumbers): Value {
  const reach = extents.map((extent, i) => (extent - 1) * (steps[i] ?? 1) + 1);
  const inside = ops.slice(x, [0, ...start], batched(x, reach));
  return extents.reduce((y, _, i) => everyNth(y, i + 1, steps[i] ?? 1), inside);
}

/** A transposed convolution in groups, with a bias. */
function convTransposed([x, kernel, bias]: readonly Value[], numbers: OperationNumbers): Value {
  const { image, strides, dilations, margins, groups } = numbers;
  const [top, bottom, left, right] = margins as [number, number, number, number];
  const y = ops.conv2dInputGradient(x!, kernel!, batched(x!, image), {
    strides: strides as [number, number],
    dilation: dilations as [number, number],
    padding: [
      [top, bottom],
      [left, right],
    ],
    groups: groups![0]!,
  });
  return ops.add(y, bias!);
}

/** Truth is 1, its absence 0. */
const operations: Readonly<Record<string, Compute>> = {
  add: binary(ops.add),
  sub: binary(ops.sub),
  mul: binary(ops.mul),
  div: binary(ops.div),
  maximum: binary(ops.maximum),
  minimum: binary(ops.minimum),
  pow: binary(ops.pow),
  neg: unary(ops.neg),
  abs: unary(ops.abs),
  sign: unary(ops.sign),
  sqrt: unary(ops.sqrt),
  square: unary(ops.square),
  floor: unary(ops.floor),
  ceil: unary((x) => ops.neg(ops.floor(ops.neg(x)))),
  reciprocal: unary((x) => ops.div(1, x)),
  exp: unary(ops.exp),
  log: unary(ops.log),
  erf: unary(ops.erf),
  cos: unary(ops.cos),
  sin: unary(ops.sin),
  gelu_tanh: unary((x) => activations.gelu(x, true)),
  less: binary((a, b) => mask(ops.less(a, b))),
  less_equal: binary((a, b) => mask(ops.lessEqual(a, b))),
  equal: binary((a, b) => mask(ops.equal(a, b))),
  and: binary((a, b) => ops.mul(a, b)),
  not: unary((x) => ops.sub(1, x)),
  where: ([condition, a, b]) => ops.select(ops.less(0, condition!), a!, b!),
  reduce_sum: ([x], { axes, keep }) => ops.reduceSum(x!, axes, keep?.[0] === 1),
  reduce_mean: ([x], { axes, keep }) => ops.reduceMean(x!, axes, keep?.[0] === 1),
  reduce_max: ([x], { axes, keep }) => ops.reduceMax(x!, axes, keep?.[0] === 1),
  broadcast: ([x], { extents }) => ops.broadcast(x!, batched(x!, extents)),
  slice: ([x], numbers) => sliced(x!, numbers),
  product_along: ([x, matrix], { axis }) => productAlong(x!, axis![0]!, matrix!),
  conv_transpose: convTransposed,
  pad: ([x], numbers) => padded(x!, numbers),
};

/** What fills one place of an operation: an input of the layer, a number, or a weight of this shape. */
export type Place = 'input' | number | { readonly shape: Shape; readonly trainable: boolean };

/** What operations need to be told: how many places they have, and how many whole numbers each list. */
const demands: Readonly<Record<string, { places: number; lists: Record<string, number> }>> = {
  product_along: { places: 2, lists: { axis: 1 } },
  conv_transpose: {
    places: 3,
    lists: { image: 3, strides: 2, dilations: 2, margins: 4, groups: 1 },
  },
};

export interface OnnxOperationOptions extends LayerOptions {
  operation: string;
  places: readonly Place[];
  numbers?: OperationNumbers | undefined;
}

function isPlace(place: unknown): place is Place {
  if (place === 'input' || Number.isFinite(place)) return true;
  const shape = (place as { shape?: unknown } | null)?.shape;
  return (
    Array.isArray(shape) && shape.every((extent) => Number.isSafeInteger(extent) && extent > 0)
  );
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

function isNumbers(value: unknown): value is OperationNumbers {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((list) => Array.isArray(list) && list.every(Number.isFinite));
}

export class OnnxOperation extends Layer {
  static readonly className = 'OnnxOperation';
  readonly operation: string;
  readonly places: readonly Place[];
  readonly numbers: OperationNumbers;
  private readonly constants: (Variable | undefined)[] = [];

  constructor(options: OnnxOperationOptions) {
    super(options);
    const { operation, places, numbers = {} } = options;
    if (!Object.hasOwn(operations, operation)) throw this.refuse('operation', 'one that is known');
    if (!Array.isArray(places) || places.length > 3 || !places.every(isPlace))
      throw this.refuse('places', 'a list of at most 3 inputs, numbers and shapes');
    if (!isNumbers(numbers)) throw this.refuse('numbers', 'lists of numbers by name');
    const demand = Object.hasOwn(demands, operation) ? demands[operation] : undefined;
    if (demand && places.length !== demand.places)
      throw this.refuse('places', `${demand.places} of ${operation}`);
    for (const [name, count] of Object.entries(demand?.lists ?? {}))
      if (numbers[name]?.length !== count || !numbers[name].every(isCount))
        throw this.refuse(`numbers.${name}`, `${count} whole numbers from 0`);
    if (numbers.steps?.some((step) => !isCount(step) || step === 0))
      throw this.refuse('numbers.steps', 'whole numbers from 1');
    this.operation = operation;
    this.places = places;
    this.numbers = numbers;
  }

  private refuse(what: string, expected: string): TsunoError {
    return new TsunoError('ARGUMENT', { where: this.where, what, expected, found: 'another' });
  }

  override build(): void {
    this.places.forEach((place, i) => {
      if (typeof place !== 'object') return;
      const { shape, trainable } = place;
      this.constants[i] = this.addWeight({
        name: `constant_${i}`,
        shape,
        initializer: 'zeros',
        trainable,
      });
    });
  }

  override call(inputs: Value | readonly Value[]): Value {
    const given = Array.isArray(inputs) ? (inputs as readonly Value[]) : [inputs as Value];
    const wanted = this.places.filter((place) => place === 'input').length;
    if (given.length !== wanted) throw this.refuse('inputs', `${wanted} tensors`);
    const rest = [...given];
    const values = this.places.map((place, i) => {
      if (place === 'input') return rest.shift()!;
      return typeof place === 'number'
        ? ops.scalar(given[0]!, place)
        : this.read(this.constants[i]!);
    });
    return operations[this.operation]!(values, this.numbers);
  }

  override config(): Config {
    const { operation, places, numbers } = this;
    return { ...super.config(), operation, places, numbers };
  }
}

registerLayer(OnnxOperation, 'tsuno>OnnxOperation');
