/**
 * @file Nodes of ONNX whose inputs are all constants, computed while a file is read: shapes that are put together from
 * numbers, weights that are transposed. The batch is `NaN` among whole numbers. Results are held to an allowance, so that
 * a small file cannot ask for a large one.
 */
import { show } from '../core/errors.ts';
import { broadcastShapes, normalizeAxis, sizeOf, stridesOf } from '../core/shape.ts';
import type { OnnxCall } from './onnx_call.ts';
import type { Constant } from './onnx_decode.ts';

type Fold = (call: OnnxCall, inputs: readonly Constant[]) => Constant;

function made(isFloat: boolean, shape: readonly number[], data: ArrayLike<number>): Constant {
  const kept = isFloat ? Float32Array.from(data) : Float64Array.from(data);
  return { kind: 'constant', isFloat, shape, data: kept };
}

/** Whole numbers in a list, or one alone. */
export function integers(
  values: readonly number[],
  shape: readonly number[] = [values.length],
): Constant {
  return made(false, shape, values);
}

/** Elements at the places that `index` gives for each place of the result. */
function gathered(
  call: OnnxCall,
  x: Constant,
  shape: readonly number[],
  index: (place: readonly number[]) => number,
): Constant {
  const size = call.allowed(sizeOf(shape));
  const data = x.isFloat ? new Float32Array(size) : new Float64Array(size);
  const place = shape.map(() => 0);
  for (let i = 0; i < size; i++) {
    data[i] = x.data[index(place)]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place[axis]! += 1;
      if (place[axis]! < shape[axis]!) break;
      place[axis] = 0;
    }
  }
  return { kind: 'constant', isFloat: x.isFloat, shape, data };
}

const dot = (place: readonly number[], strides: readonly number[]) =>
  place.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);

/** A constant stretched to a shape that it broadcasts to. */
export function stretched(call: OnnxCall, x: Constant, shape: readonly number[]): Constant {
  const missing = shape.length - x.shape.length;
  const own = stridesOf(x.shape);
  const strides = shape.map((_, axis) =>
    axis < missing || x.shape[axis - missing] === 1 ? 0 : own[axis - missing]!,
  );
  return gathered(call, x, shape, (place) => dot(place, strides));
}

/** A constant with its axes in another order. */
export function transposed(call: OnnxCall, x: Constant, axes: readonly number[]): Constant {
  const strides = stridesOf(x.shape);
  return gathered(
    call,
    x,
    axes.map((axis) => x.shape[axis]!),
    (place) =>
      dot(
        place,
        axes.map((axis) => strides[axis]!),
      ),
  );
}

/** The same elements in another shape. */
export function reshaped(call: OnnxCall, x: Constant, shape: readonly number[]): Constant {
  if (sizeOf(shape) !== x.data.length || !shape.every((extent) => extent >= 0))
    throw call.refuse('SHAPE', 'shape', `of ${x.data.length} elements`, show(shape));
  return { ...x, shape };
}

function elementwise(isFloat: boolean | undefined, body: (...values: number[]) => number): Fold {
  return (call, inputs) => {
    const shape = broadcastShapes(...inputs.map((input) => input.shape));
    if (!shape)
      throw call.refuse('SHAPE', 'shapes', 'ones that fit', show(inputs.map((x) => x.shape)));
    const size = call.allowed(sizeOf(shape));
    const all = inputs.map(
      (input) => (input.data.length === size ? input : stretched(call, input, shape)).data,
    );
    const data = Array.from({ length: size }, (_, i) => body(...all.map((list) => list[i]!)));
    return made(isFloat ?? inputs.at(-1)!.isFloat, shape, data);
  };
}

function divide(call: OnnxCall, inputs: readonly Constant[]): Constant {
  const isFloat = inputs[0]!.isFloat;
  return elementwise(isFloat, (a, b) => (isFloat ? a / b : Math.trunc(a / b)))(call, inputs);
}

/** Axes out of an attribute or the second input, counted from the front; `undefined` where there are none. */
export function axesOf(call: OnnxCall, rank: number): number[] | undefined {
  const given = call.list('axes') ?? call.constant(1)?.data;
  if (!given || given.length === 0) return undefined;
  return Array.from(given, (axis) => axisOf(call, axis, rank));
}

export function axisOf(call: OnnxCall, axis: number, rank: number): number {
  const found = normalizeAxis(axis, rank);
  if (found === undefined) throw call.refuse('SHAPE', 'axis', `one of ${rank}`, String(axis));
  return found;
}

/** A shape without axes of extent 1, or with new ones. */
export function squeezedShape<T extends number | null>(call: OnnxCall, shape: readonly T[]): T[] {
  const axes = axesOf(call, shape.length);
  const wrong = axes?.find((axis) => shape[axis] !== 1);
  if (wrong !== undefined)
    throw call.refuse('SHAPE', `axis ${wrong}`, 'of extent 1', show(shape[wrong]));
  return shape.filter((extent, axis) => (axes ? !axes.includes(axis) : extent !== 1));
}

export function unsqueezedShape<T extends number | null>(
  call: OnnxCall,
  shape: readonly T[],
): (T | 1)[] {
  const given = call.list('axes') ?? call.constant(1)?.data;
  const rank = shape.length + (given?.length ?? 0);
  if (rank > 8) throw call.refuse('ONNX_LIMIT', 'axes', 'at most 8', String(rank));
  const axes = new Set(Array.from(given ?? [], (axis) => axisOf(call, axis, rank)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) =>
    axes.has(axis) || rest.length === 0 ? 1 : rest.shift()!,
  );
}

interface Sliced {
  readonly start: number[];
  readonly extents: (number | null)[];
  readonly steps: number[];
}

/** First index, extent and step of each axis that a slice keeps. */
export function sliceOf(call: OnnxCall, shape: readonly (number | null)[]): Sliced {
  const list = (name: string, input: number) => {
    const found = call.list(name) ?? call.constant(input)?.data;
    return found && Array.from(found);
  };
  const [starts, ends] = [list('starts', 1), list('ends', 2)];
  const axes = list('axes', 3) ?? starts?.map((_, i) => i);
  const given = list('steps', 4) ?? starts?.map(() => 1);
  if (!starts || [ends, axes, given].some((other) => other?.length !== starts.length))
    throw call.refuse('SHAPE', 'starts and ends', 'as many as there are axes', 'others');
  const [start, steps] = [shape.map(() => 0), shape.map(() => 1)];
  const extents = [...shape];
  axes!.forEach((number, i) => {
    const axis = axisOf(call, number, shape.length);
    const extent = shape[axis] ?? null;
    const [from, to, step] = [starts[i]!, ends![i]!, given![i]!];
    if (!Number.isSafeInteger(step) || step === 0)
      throw call.refuse('SHAPE', 'steps', 'whole numbers other than 0', String(step));
    if (extent === null) {
      if (from === 0 && step === 1 && to >= 2 ** 31 - 1) return;
      throw call.refuse('UNSUPPORTED', 'slice', 'of other axes than the batch', `axis ${axis}`);
    }
    const low = step > 0 ? 0 : -1;
    const clamp = (at: number) => Math.max(low, Math.min(extent + low, at < 0 ? at + extent : at));
    start[axis] = clamp(from);
    steps[axis] = step;
    extents[axis] = Math.max(0, Math.ceil((clamp(to) - clamp(from)) / step));
  });
  return { start, extents, steps };
}

function sliced(call: OnnxCall, [x]: readonly Constant[]): Constant {
  const { start, extents, steps } = sliceOf(call, x!.shape);
  const strides = stridesOf(x!.shape);
  const first = dot(start, strides);
  const moves = strides.map((stride, axis) => stride * steps[axis]!);
  return gathered(call, x!, extents as number[], (place) => first + dot(place, moves));
}

function gather(call: OnnxCall, [x, indices]: readonly Constant[]): Constant {
  const axis = axisOf(call, call.number('axis', 0), x!.shape.length);
  const extent = x!.shape[axis]!;
  const wrong = indices!.data.find((i) => !Number.isInteger(i) || i < -extent || i >= extent);
  if (wrong !== undefined) throw call.refuse('SHAPE', 'index', `below ${extent}`, String(wrong));
  const [before, after] = [x!.shape.slice(0, axis), x!.shape.slice(axis + 1)];
  const strides = stridesOf(x!.shape);
  const own = stridesOf(indices!.shape);
  const inner = axis + indices!.shape.length;
  return gathered(call, x!, [...before, ...indices!.shape, ...after], (place) => {
    const at = indices!.data[dot(place.slice(axis, inner), own)]!;
    const whole = [...place.slice(0, axis), at < 0 ? at + extent : at, ...place.slice(inner)];
    return dot(whole, strides);
  });
}

function concat(call: OnnxCall, inputs: readonly Constant[]): Constant {
  const [first] = inputs as [Constant];
  const axis = axisOf(call, call.number('axis', 0), first.shape.length);
  const fits = inputs.every(
    ({ shape }) =>
      shape.length === first.shape.length &&
      shape.every((n, i) => i === axis || n === first.shape[i]),
  );
  if (!fits)
    throw call.refuse(
      'SHAPE',
      'shapes',
      'alike but for one axis',
      show(inputs.map((x) => x.shape)),
    );
  const shape = first.shape.map((n, i) =>
    i === axis ? inputs.reduce((sum, x) => sum + x.shape[axis]!, 0) : n,
  );
  const size = call.allowed(sizeOf(shape));
  const data = first.isFloat ? new Float32Array(size) : new Float64Array(size);
  const row = sizeOf(shape.slice(axis));
  let at = 0;
  for (const x of inputs) {
    const own = sizeOf(x.shape.slice(axis));
    for (let i = 0; own > 0 && i * own < x.data.length; i++)
      data.set(x.data.subarray(i * own, (i + 1) * own), i * row + at);
    at += own;
  }
  return { kind: 'constant', isFloat: first.isFloat, shape, data };
}

/** A list of extents, none of them negative, as two could be whose product is not. */
function extentsOf(call: OnnxCall, list: Constant): number[] {
  const extents = Array.from(list.data);
  if (extents.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return extents;
  throw call.refuse('SHAPE', 'shape', 'of whole numbers from 0', show(extents));
}

/** Extents out of a list, where 0 is that of the input and one -1 is what is left. */
function constantReshape(call: OnnxCall, [x, wanted]: readonly Constant[]): Constant {
  const shape = Array.from(wanted!.data, (extent, i) =>
    extent === 0 && !call.number('allowzero', 0) ? (x!.shape[i] ?? 0) : extent,
  );
  const known = shape.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
  return reshaped(
    call,
    x!,
    shape.map((extent) => (extent === -1 ? x!.data.length / known : extent)),
  );
}

/** Sums along axes; all of them where none are given. */
function summed(call: OnnxCall, [x]: readonly Constant[]): Constant {
  const axes = axesOf(call, x!.shape.length) ?? x!.shape.map((_, axis) => axis);
  const kept = x!.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const strides = stridesOf(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  const own = stridesOf(x!.shape);
  const data = new Float64Array(call.allowed(sizeOf(kept)));
  x!.data.forEach((value, i) => {
    const place = own.map((stride, axis) => Math.floor(i / stride) % x!.shape[axis]!);
    data[dot(place, strides)]! += value;
  });
  const keeps = call.number('keepdims', 1) === 1;
  return made(x!.isFloat, keeps ? kept : kept.filter((_, axis) => !axes.includes(axis)), data);
}

const unary = (body: (x: number) => number) => elementwise(undefined, body);

/** By operator. What is missing here is computed by a layer, or refused. */
export const folds: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ['Identity', (_, [x]) => x!],
  ['Dropout', (_, [x]) => x!],
  ['Add', elementwise(undefined, (a, b) => a + b)],
  ['Sub', elementwise(undefined, (a, b) => a - b)],
  ['Mul', elementwise(undefined, (a, b) => a * b)],
  ['Div', divide],
  ['Pow', elementwise(true, (a, b) => a ** b)],
  ['Max', elementwise(undefined, Math.max)],
  ['Min', elementwise(undefined, Math.min)],
  ['Neg', unary((x) => -x)],
  ['Abs', unary(Math.abs)],
  ['Sqrt', unary(Math.sqrt)],
  ['Exp', unary(Math.exp)],
  ['Sin', unary(Math.sin)],
  ['Cos', unary(Math.cos)],
  ['Relu', unary((x) => Math.max(0, x))],
  ['Log', unary(Math.log)],
  ['Floor', unary(Math.floor)],
  ['Ceil', unary(Math.ceil)],
  ['Reciprocal', unary((x) => 1 / x)],
  ['Less', elementwise(false, (a, b) => Number(a < b))],
  ['LessOrEqual', elementwise(false, (a, b) => Number(a <= b))],
  ['Greater', elementwise(false, (a, b) => Number(a > b))],
  ['GreaterOrEqual', elementwise(false, (a, b) => Number(a >= b))],
  ['Equal', elementwise(false, (a, b) => Number(a === b))],
  ['Not', elementwise(false, (a) => Number(a === 0))],
  ['And', elementwise(false, (a, b) => Number(a !== 0 && b !== 0))],
  ['Where', elementwise(undefined, (condition, a, b) => (condition ? a : b))],
  ['Cast', (call, [x]) => cast(x!, call.number('to', 1))],
  ['Transpose', (call, [x]) => transposed(call, x!, call.permutation(x!.shape.length))],
  ['Reshape', constantReshape],
  [
    'Flatten',
    (call, [x]) => {
      const axis = call.number('axis', 1);
      return reshaped(call, x!, [sizeOf(x!.shape.slice(0, axis)), sizeOf(x!.shape.slice(axis))]);
    },
  ],
  ['Squeeze', (call, [x]) => reshaped(call, x!, squeezedShape(call, x!.shape))],
  ['Unsqueeze', (call, [x]) => reshaped(call, x!, unsqueezedShape(call, x!.shape))],
  [
    'Expand',
    (call, [x, wanted]) => {
      const shape = broadcastShapes(x!.shape, extentsOf(call, wanted!));
      if (!shape)
        throw call.refuse('SHAPE', 'shape', 'one it fits', show(Array.from(wanted!.data)));
      return stretched(call, x!, shape);
    },
  ],
  ['Slice', sliced],
  ['Gather', gather],
  ['Concat', concat],
  ['ReduceSum', summed],
  ['Shape', (_, [x]) => integers(x!.shape)],
  [
    'ConstantOfShape',
    (call, [shape]: readonly Constant[]) => {
      const value = call.node.attributes.get('value');
      const fill = typeof value === 'object' && 'kind' in value ? value : undefined;
      const extents = extentsOf(call, shape!);
      const data = new Float64Array(call.allowed(sizeOf(extents))).fill(fill?.data[0] ?? 0);
      return made(fill?.isFloat ?? true, extents, data);
    },
  ],
]);

/** Floats stay what they are; whole numbers lose their fraction. */
function cast(x: Constant, to: number): Constant {
  const isFloat = [1, 10, 11, 16].includes(to);
  if (isFloat === x.isFloat) return x;
  return made(isFloat, x.shape, isFloat ? x.data : x.data.map(Math.trunc));
}
