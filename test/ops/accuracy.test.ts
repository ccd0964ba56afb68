/**
 * @file Every elementwise operation on the engine, in both arithmetics, against float64: dense samples of its range, random
 * bit patterns of all exponents, subnormals, extremes, infinities and NaN. Where float32 can be exact it must be.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { bytesOf, type DType } from '../../src/core/dtype.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/activations.ts';
import * as ops from '../../src/ops/index.ts';
import { engineOf, runOnEngine, stopEngines } from '../backends/judge.ts';
import { floatOf } from '../support/float_lanes.ts';

type Inputs = readonly Value[];

interface Row {
  /** Types of the inputs; default one float32. */
  inputs?: readonly DType[];
  build(inputs: Inputs): Value;
  /** Where it must hold; outside, only that it runs. Default everywhere. */
  domain?(...inputs: number[]): boolean;
  /** Distance allowed in units in the last place; 0: the float64 result, rounded once. */
  ulps: number;
  /** Besides, an absolute distance. */
  absolute?(exact: number, ...inputs: number[]): number;
  /** Range that is sampled densely; default −30 … 30. */
  range?: readonly [number, number];
}

const two = ['float32', 'float32'] as const;
const oneInput =
  (f: (x: Value) => Value) =>
  ([x]: Inputs) =>
    f(x!);
const twoInputs =
  (f: (a: Value, b: Value) => Value) =>
  ([a, b]: Inputs) =>
    f(a!, b!);

const rows: Readonly<Record<string, Row>> = {
  add: { inputs: two, build: twoInputs(ops.add), ulps: 0 },
  sub: { inputs: two, build: twoInputs(ops.sub), ulps: 0 },
  mul: { inputs: two, build: twoInputs(ops.mul), ulps: 0 },
  div: { inputs: two, build: twoInputs(ops.div), ulps: 0 },
  maximum: { inputs: two, build: twoInputs(ops.maximum), ulps: 0 },
  minimum: { inputs: two, build: twoInputs(ops.minimum), ulps: 0 },
  neg: { build: oneInput(ops.neg), ulps: 0 },
  abs: { build: oneInput(ops.abs), ulps: 0 },
  sign: { build: oneInput(ops.sign), ulps: 0 },
  square: { build: oneInput(ops.square), ulps: 0 },
  sqrt: { build: oneInput(ops.sqrt), ulps: 0 },
  floor: { build: oneInput(ops.floor), ulps: 0 },
  relu: { build: oneInput(ops.relu), ulps: 0 },
  less: { inputs: two, build: twoInputs(ops.less), ulps: 0 },
  less_equal: { inputs: two, build: twoInputs(ops.lessEqual), ulps: 0 },
  equal: { inputs: two, build: twoInputs(ops.equal), ulps: 0 },
  int_add: { inputs: ['int32', 'int32'], build: twoInputs(ops.intAdd), ulps: 0 },
  int_equal: { inputs: ['int32', 'int32'], build: twoInputs(ops.intEqual), ulps: 0 },
  logical_and: { inputs: ['bool', 'bool'], build: twoInputs(ops.logicalAnd), ulps: 0 },
  logical_not: { inputs: ['bool'], build: oneInput(ops.logicalNot), ulps: 0 },
  select: {
    inputs: ['bool', ...two],
    build: ([mask, a, b]) => ops.select(mask!, a!, b!),
    ulps: 0,
  },
  stop_gradient: { build: oneInput(ops.stopGradient), ulps: 0 },
  broadcast: { build: ([x]) => ops.broadcast(x!, [2, ...x!.shape]), ulps: 0 },
  constant: {
    build: ([x]) => ops.select(ops.less(x!, 0.1), 0.1, Number.NEGATIVE_INFINITY),
    ulps: 0,
  },
  iota: { build: ([x]) => ops.iota(x!, 37), ulps: 0 },
  random_uniform: {
    inputs: ['int32', 'int32'],
    build: ([seed, step]) => {
      const first = (x: Value) => ops.reshape(ops.slice(x, [40], [1]), []);
      return ops.randomUniform(first(seed!), first(step!), { shape: [999], stream: 3 });
    },
    ulps: 0,
  },
  'cast to int32': { build: ([x]) => ops.cast(x!, 'int32'), ulps: 0 },
  'cast to uint8': { build: ([x]) => ops.cast(x!, 'uint8'), ulps: 0 },
  'cast to bool': { build: ([x]) => ops.cast(x!, 'bool'), ulps: 0 },
  'cast of int32': { inputs: ['int32'], build: ([x]) => ops.cast(x!, 'float32'), ulps: 0 },
  'cast of uint8': { inputs: ['uint8'], build: ([x]) => ops.cast(x!, 'float32'), ulps: 0 },
  'cast of bool': { inputs: ['bool'], build: ([x]) => ops.cast(x!, 'float32'), ulps: 0 },

  exp: { build: oneInput(ops.exp), ulps: 4, range: [-106, 90] },
  log: { build: oneInput(ops.log), ulps: 4, range: [0, 4] },
  tanh: { build: oneInput(ops.tanh), ulps: 4, range: [-10, 10] },
  sigmoid: { build: oneInput(ops.sigmoid), ulps: 4, range: [-105, 20] },
  exp_minus_one: { build: oneInput(ops.expMinusOne), ulps: 4, range: [-20, 20] },
  softplus: { build: oneInput(ops.softplus), ulps: 4, range: [-105, 30] },
  erf: { build: oneInput(ops.erf), ulps: 4, range: [-6, 6] },
  erf_inverse: { build: oneInput(ops.erfInverse), ulps: 8, range: [-1, 1] },
  // Absolute near their zeros, and while the three parts of π/2 hold.
  cos: {
    build: oneInput(ops.cos),
    domain: (x) => Math.abs(x) < 5000,
    ulps: 4,
    absolute: () => 2 ** -22,
    range: [-100, 100],
  },
  sin: {
    build: oneInput(ops.sin),
    domain: (x) => Math.abs(x) < 5000,
    ulps: 4,
    absolute: () => 2 ** -22,
    range: [-100, 100],
  },
  // e^(y·log x): each rounding of the exponent counts |y·log x| times.
  pow: {
    inputs: two,
    build: ([x, y]) => ops.pow(ops.abs(x!), y!),
    domain: (x, y) => Number.isFinite(x) && Number.isFinite(y) && (x !== 0 || y >= 0),
    ulps: 4,
    absolute: (exact, x, y) => exact * Math.abs(y * Math.log(Math.abs(x) || 1)) * 2 ** -21,
    range: [0.01, 9],
  },
  'power −2': powerRow(-2),
  'power −0.5': powerRow(-0.5),
  'power 0.5': powerRow(0.5),
  'power 3': powerRow(3),
  'power 7': powerRow(7),
  integer_power: {
    inputs: ['float32', 'int32'],
    build: ([x, n]) => ops.integerPower(x!, n!),
    domain: (x, n) => n >= 0 && n < 1e6 && x > 0 && x < 1,
    ulps: 2,
    // The base's powers are rounded at each bit of n, and raised to what is left of it.
    absolute: (exact, _x, n) => exact * n * 2 ** -24,
    range: [0.5, 1],
  },
  // What layers make of them.
  elu: { build: ([x]) => layers.elu(x!), ulps: 4, range: [-20, 20] },
  gelu: {
    build: ([x]) => layers.gelu(x!),
    domain: (x) => Number.isFinite(x),
    ulps: 4,
    // 1 + erf(x/√2) loses what erf near −1 does not hold.
    absolute: (_exact, x) => Math.abs(x) * 2 ** -23,
    range: [-8, 8],
  },
};

function powerRow(exponent: number): Row {
  return {
    build: ([x]) => ops.power(x!, exponent),
    // What 1/x² loses below the normal numbers is documented with the operation.
    domain: (x) => x >= 0 && !Object.is(x, -0) && (exponent > 0 || x ** exponent > 2 ** -126),
    ulps: 4,
    range: [0, 5],
  };
}

const count = 6000;

const special = [
  0,
  -0,
  1,
  -1,
  0.5,
  2,
  3,
  100,
  -100,
  1e-3,
  127.5,
  128,
  255,
  256,
  65504,
  2 ** 24,
  2 ** 31,
  2 ** 32,
  2 ** -126,
  2 ** -127,
  2 ** -149,
  2 ** -148,
  -(2 ** -149),
  -(2 ** -126),
  3.4028234663852886e38,
  -3.4028234663852886e38,
  88.72283,
  88.72284,
  -87.33654,
  -103.97208,
  -104.1,
  0.625,
  0.3465736,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
].map(Math.fround);

/** Specials, each by each where there are several inputs, then dense samples, then bit patterns. */
function samples(
  dtype: DType,
  place: number,
  inputs: number,
  range: readonly [number, number],
): Float64Array {
  const random = new RandomSequence(3, 50 + place);
  const pairs = inputs === 1 ? special.length : special.length ** 2;
  return Float64Array.from({ length: count }, (_, i) => {
    if (dtype === 'bool') return random.below(2);
    if (dtype === 'uint8') return random.below(256);
    if (dtype === 'int32') return i % 3 === 0 ? random.uint32() | 0 : random.below(9000) - 50;
    if (i < pairs)
      return special[(place === inputs - 1 ? i : Math.floor(i / special.length)) % special.length]!;
    if (i % 2 === 0) return floatOf(random.uint32() | 0);
    return Math.fround(range[0] + random.uniform() * (range[1] - range[0]));
  });
}

/** Units in the last place between a float32 and an exact value, subnormals and overflow included. */
function distance(found: number, exact: number): number {
  const largest = 3.4028234663852886e38;
  if (Object.is(found, exact) || found === Math.fround(exact)) return 0;
  if (Number.isNaN(exact) || Number.isNaN(found)) return Number.POSITIVE_INFINITY;
  // Beyond the largest number stands 2¹²⁸, as if there were one more.
  const finite = (x: number) => (Math.abs(x) > largest ? Math.sign(x) * 2 ** 128 : x);
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(finite(exact)) || 1e-45)));
  return Math.abs(finite(found) - finite(exact)) / 2 ** (exponent - 23);
}

async function check(row: Row, arithmetic: 'fused' | 'portable'): Promise<void> {
  const engine = await engineOf({ threads: 1, arithmetic });
  const dtypes = row.inputs ?? ['float32'];
  const graph = new Graph();
  const data = dtypes.map((dtype, i) => samples(dtype, i, dtypes.length, row.range ?? [-30, 30]));
  const y = row.build(dtypes.map((dtype, i) => ops.input(graph, `x${i}`, [count], dtype)));
  graph.outputs.set('y', y);
  const given = Object.fromEntries(data.map((values, i) => [`x${i}`, values]));
  const exact = evaluate(graph, given, () => []).outputs.get('y')!.data;
  const found = (await runOnEngine(engine, graph, given)).get('y')!;
  exact.forEach((value, i) => {
    const at = data.map((values) => values[i % count]!);
    if (row.domain && !row.domain(...at)) return;
    const away =
      bytesOf(y.dtype) === 1 || y.dtype === 'int32'
        ? Math.abs(found[i]! - value)
        : distance(found[i]!, value);
    const near = Math.abs(found[i]! - value) <= (row.absolute?.(value, ...at) ?? 0);
    assert.ok(
      away <= row.ulps || near,
      `at ${at}: ${found[i]}, not ${value} (${away} units in the last place)`,
    );
  });
}

describe('accuracy', () => {
  test('every elementwise operation has a row', () => {
    const covered = new Set(Object.keys(rows).map((name) => name.split(' ')[0]!));
    for (const { name } of ops.elementwiseOps) assert.ok(covered.has(name), `${name} needs a row`);
  });
  for (const arithmetic of ['fused', 'portable'] as const) {
    for (const [name, row] of Object.entries(rows)) {
      test(`${name}, ${arithmetic}, ${row.ulps === 0 ? 'exact' : `${row.ulps} units`}`, () =>
        check(row, arithmetic));
    }
  }
});

after(stopEngines);
