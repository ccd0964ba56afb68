/**
 * @file Activation functions, on values of a graph. Layers find them by Keras's names; programs call them inside `call`.
 *
 * @see https://keras.io/api/layers/activations/
 */
import { show, TsunoError } from '../core/errors.ts';
import { identifier } from '../core/names.ts';
import { showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import {
  abs,
  add,
  cast,
  div,
  equal,
  erf,
  exp,
  expMinusOne,
  iota,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  neg,
  logSoftmax as opLogSoftmax,
  relu as opRelu,
  sigmoid as opSigmoid,
  softmax as opSoftmax,
  softplus as opSoftplus,
  tanh as opTanh,
  reduceSum,
  reshape,
  select,
  slice,
  sqrt,
  square,
  stopGradient,
  sub,
  transpose,
} from '../ops/index.ts';
import { axisOf, refuse } from './checks.ts';
import { isSerializedFunction, type SerializedFunction } from './serialized.ts';

export type ActivationFunction = (x: Value) => Value;
/** A name (`'relu'`), a function, or a config of Keras. */
export type ActivationLike = string | ActivationFunction | SerializedFunction;

/** max(x, 0); with `maxValue` a ceiling, below `threshold` the line `negativeSlope`·(x − threshold). */
export function relu(x: Value, negativeSlope = 0, maxValue?: number, threshold = 0): Value {
  const above = threshold === 0 ? opRelu(x) : select(less(threshold, x), x, 0);
  const capped = maxValue === undefined ? above : minimum(above, maxValue);
  if (negativeSlope === 0) return capped;
  const below = opRelu(threshold === 0 ? neg(x) : sub(threshold, x));
  return sub(capped, mul(below, negativeSlope));
}

/** x above 0, `negativeSlope`·x (default 0.2) below. */
export function leakyRelu(x: Value, negativeSlope = 0.2): Value {
  return select(less(0, x), x, mul(x, negativeSlope));
}

/** min(max(x, 0), 6). */
export function relu6(x: Value): Value {
  return minimum(opRelu(x), 6);
}

/** Runs `along`, which works on the last axis, on another one. */
function alongAxis(x: Value, axis: number, along: (x: Value) => Value): Value {
  const last = x.shape.length - 1;
  const chosen = axisOf('activation', 'axis', axis, x.shape);
  if (chosen === last) return along(x);
  const swap = x.shape.map((_, i) => (i === chosen ? last : i === last ? chosen : i));
  return transpose(along(transpose(x, swap)), swap);
}

/** eˣ/Σeˣ along `axis`, default the last. */
export function softmax(x: Value, axis = -1): Value {
  return alongAxis(x, axis, opSoftmax);
}

/** x − log Σeˣ along `axis`, default the last. */
export function logSoftmax(x: Value, axis = -1): Value {
  return alongAxis(x, axis, opLogSoftmax);
}

/** x above 0, `alpha`·(eˣ − 1) below. */
export function elu(x: Value, alpha = 1): Value {
  return select(less(0, x), x, mul(expMinusOne(minimum(x, 0)), alpha));
}

/** The self-normalizing exponential unit of Klambauer and others (2017). */
export function selu(x: Value): Value {
  return mul(elu(x, 1.6732632423543772), 1.0507009873554805);
}

/** max(x, 0) + min(0, `alpha`·(e^(x/alpha) − 1)). */
export function celu(x: Value, alpha = 1): Value {
  return add(opRelu(x), mul(expMinusOne(div(minimum(x, 0), alpha)), alpha));
}

/** log(1 + eˣ). */
export const softplus: ActivationFunction = (x) => opSoftplus(x);

/** x/(1 + |x|). */
export const softsign: ActivationFunction = (x) => div(x, add(abs(x), 1));

/** x brought nearer to 0 by `threshold`, default 0.5; 0 within it. */
export function softShrink(x: Value, threshold = 0.5): Value {
  const below = select(less(x, -threshold), add(x, threshold), 0);
  return select(less(threshold, x), sub(x, threshold), below);
}

/** x where |x| is above `threshold`, default 0.5; else 0. */
export function hardShrink(x: Value, threshold = 0.5): Value {
  return select(less(threshold, abs(x)), x, 0);
}

/** x − tanh x. */
export const tanhShrink: ActivationFunction = (x) => sub(x, opTanh(x));

/** 0 up to −1, (x + 1)²/4 up to 1, then x. */
export const sparsePlus: ActivationFunction = (x) =>
  select(lessEqual(x, -1), 0, select(less(x, 1), mul(square(add(x, 1)), 0.25), x));

/** 0 up to −1, (x + 1)/2 up to 1, then 1. */
export const sparseSigmoid: ActivationFunction = (x) =>
  select(lessEqual(x, -1), 0, select(lessEqual(1, x), 1, mul(add(x, 1), 0.5)));

/** x·sigmoid(x). */
export const silu: ActivationFunction = (x) => mul(x, opSigmoid(x));

/** (x + √(x² + b))/2. */
export function squareplus(x: Value, b = 4): Value {
  return mul(add(x, sqrt(add(square(x), b))), 0.5);
}

/** x·Φ(x), Φ the normal distribution; `approximate` by tanh. */
export function gelu(x: Value, approximate = false): Value {
  if (!approximate) return mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));
  const inner = mul(add(x, mul(mul(square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(opTanh(inner), 1));
}

/** The first half along `axis` (default the last) times the sigmoid of the second. */
export function glu(x: Value, axis = -1): Value {
  const chosen = axisOf('activation glu', 'axis', axis, x.shape);
  const extent = x.shape[chosen]!;
  if (extent % 2 !== 0) {
    throw new TsunoError('SHAPE', {
      where: 'activation glu',
      what: `extent of axis ${axis}`,
      expected: 'even',
      found: showShape(x.shape),
    });
  }
  const size = x.shape.map((n, i) => (i === chosen ? n / 2 : n));
  const half = (start: number) =>
    slice(
      x,
      x.shape.map((_, i) => (i === chosen ? start : 0)),
      size,
    );
  return mul(half(0), opSigmoid(half(extent / 2)));
}

export const tanh: ActivationFunction = (x) => opTanh(x);

/** x held between −1 and 1. */
export const hardTanh: ActivationFunction = (x) => minimum(maximum(x, -1), 1);

/** x above `limit`, else `defaultValue`. */
export function threshold(x: Value, limit: number, defaultValue: number): Value {
  return select(less(limit, x), x, defaultValue);
}

/** 1/(1 + e⁻ˣ). */
export const sigmoid: ActivationFunction = (x) => opSigmoid(x);

/** eˣ. */
export const exponential: ActivationFunction = (x) => exp(x);

/** relu6(x + 3)/6. */
export const hardSigmoid: ActivationFunction = (x) => div(relu6(add(x, 3)), 6);

/** x·hardSigmoid(x). */
export const hardSilu: ActivationFunction = (x) => mul(x, hardSigmoid(x));

/** log of the sigmoid. */
export const logSigmoid: ActivationFunction = (x) => neg(opSoftplus(neg(x)));

/** x itself. */
export const linear: ActivationFunction = (x) => x;

/** x·tanh(log(1 + eˣ)). */
export const mish: ActivationFunction = (x) => mul(x, opTanh(opSoftplus(x)));

/**
 * The sparse relative of softmax (Martins and Astudillo 2016), along `axis`, default the last, as Keras computes it: its
 * threshold is (Σ running sums of the support − 1)/size, where the paper takes the last running sum alone, so outputs do
 * not sum to 1. Sorting is replaced by counting: element j comes before i where it is larger, or equal and not later.
 */
export function sparsemax(x: Value, axis = -1): Value {
  return alongAxis(x, axis, (z) => {
    const last = z.shape.length;
    const n = z.shape[last - 1]!;
    const [column, row] = [
      reshape(z, [...z.shape, 1]),
      reshape(z, [...z.shape.slice(0, -1), 1, n]),
    ];
    const place = iota(z, n);
    const notLater = lessEqual(cast(place, 'float32'), reshape(cast(place, 'float32'), [n, 1]));
    const tied = mul(cast(equal(row, column), 'float32'), cast(notLater, 'float32'));
    const before = stopGradient(add(cast(less(column, row), 'float32'), tied));
    const rank = reduceSum(before, [last]);
    const sums = reduceSum(mul(before, row), [last]);
    const supported = less(div(sub(sums, 1), rank), z);
    const count = reduceSum(stopGradient(cast(supported, 'float32')), [last - 1], true);
    const total = reduceSum(select(supported, sums, 0), [last - 1], true);
    return opRelu(sub(z, div(sub(total, 1), count)));
  });
}

/** The functions that have a name in configs. */
const named: Record<string, ActivationFunction> = {
  relu: (x) => relu(x),
  leaky_relu: (x) => leakyRelu(x),
  relu6,
  softmax: (x) => softmax(x),
  celu: (x) => celu(x),
  elu: (x) => elu(x),
  selu,
  softplus,
  softsign,
  squareplus: (x) => squareplus(x),
  soft_shrink: (x) => softShrink(x),
  sparse_plus: sparsePlus,
  silu,
  gelu: (x) => gelu(x),
  glu: (x) => glu(x),
  tanh,
  tanh_shrink: tanhShrink,
  sigmoid,
  sparse_sigmoid: sparseSigmoid,
  exponential,
  hard_sigmoid: hardSigmoid,
  hard_silu: hardSilu,
  hard_tanh: hardTanh,
  hard_shrink: (x) => hardShrink(x),
  linear,
  mish,
  log_softmax: (x) => logSoftmax(x),
  log_sigmoid: logSigmoid,
  sparsemax: (x) => sparsemax(x),
};
const aliases: Record<string, string> = { swish: 'silu', hard_swish: 'hard_silu' };

/** The functions of this file by their names in configs, where handed over themselves. */
const nameOf = new Map<ActivationFunction, string>([
  [relu as ActivationFunction, 'relu'],
  [leakyRelu as ActivationFunction, 'leaky_relu'],
  [softmax as ActivationFunction, 'softmax'],
  [celu as ActivationFunction, 'celu'],
  [elu as ActivationFunction, 'elu'],
  [squareplus as ActivationFunction, 'squareplus'],
  [softShrink as ActivationFunction, 'soft_shrink'],
  [gelu as ActivationFunction, 'gelu'],
  [glu as ActivationFunction, 'glu'],
  [hardShrink as ActivationFunction, 'hard_shrink'],
  [logSoftmax as ActivationFunction, 'log_softmax'],
  [sparsemax as ActivationFunction, 'sparsemax'],
  ...Object.entries(named).map(([name, apply]) => [apply, name] as const),
]);

/** Functions of yours under names, so that configs can hold them. */
const registered = new Map<string, ActivationFunction>();

/** Makes a function of yours known by `name`, in layers and in files. */
export function registerActivation(name: string, apply: ActivationFunction): void {
  registered.set(name, apply);
}

/** An activation as a layer holds it. */
export interface Activation {
  /** Keras's name, or the function's own. */
  readonly name: string;
  readonly apply: ActivationFunction;
  /** What stands for it in a config. */
  serialize(): string | SerializedFunction;
}

/** Finds an activation; none is `linear`. @throws TsunoError `ARGUMENT` naming the known identifiers. */
export function activationOf(
  where: string,
  like: ActivationLike | null | undefined,
  what = 'activation',
): Activation {
  if (typeof like === 'function') return custom(nameOf.get(like) ?? like.name, like);
  const name = isSerializedFunction(like) ? like.config : (like ?? 'linear');
  if (typeof name !== 'string') throw refuse(where, what, 'a name or a function', like);
  const key = aliases[identifier(name)] ?? identifier(name);
  const apply = registered.get(name) ?? named[key];
  if (!apply) {
    const known = [...Object.keys(named), ...registered.keys()].join(', ');
    throw new TsunoError('ARGUMENT', {
      where,
      what,
      expected: `a known activation (${known})`,
      found: show(name),
    });
  }
  return custom(registered.has(name) ? name : key, apply);
}

function custom(name: string, apply: ActivationFunction): Activation {
  const asFunction: SerializedFunction = {
    module: 'builtins',
    class_name: 'function',
    config: name,
    registered_name: registered.has(name) ? name : null,
  };
  return { name, apply, serialize: () => (nameOf.get(apply) === name ? name : asFunction) };
}
