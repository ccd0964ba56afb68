/**
 * @file The lanes of the engine, one at a time in JavaScript: a lane is its 32 bits, as an integer. Operations round
 * exactly as WebAssembly's do, so that lane code can be judged without an engine.
 */
import type { Lanes } from '../../src/ir/lanes.ts';

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

export function bitsOf(value: number): number {
  floats[0] = value;
  return bits[0]!;
}

export function floatOf(lane: number): number {
  bits[0] = lane;
  return floats[0]!;
}

const one =
  (f: (a: number) => number) =>
  (a: number): number =>
    bitsOf(f(floatOf(a)));
const two =
  (f: (a: number, b: number) => number) =>
  (a: number, b: number): number =>
    bitsOf(f(floatOf(a), floatOf(b)));
const mask =
  (f: (a: number, b: number) => boolean) =>
  (a: number, b: number): number =>
    f(floatOf(a), floatOf(b)) ? -1 : 0;

function nearestEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** One lane with multiply-then-add arithmetic. */
export const floatLanes: Lanes<number> = {
  float: bitsOf,
  int: (value) => value | 0,
  index: () => 0,
  add: two((a, b) => a + b),
  sub: two((a, b) => a - b),
  mul: two((a, b) => a * b),
  div: two((a, b) => a / b),
  madd: (a, b, c) => bitsOf(Math.fround(floatOf(a) * floatOf(b)) + floatOf(c)),
  min: two(Math.min),
  max: two(Math.max),
  atLeast: (a, limit) => (floatOf(a) < floatOf(limit) ? limit : a),
  atMost: (a, limit) => (floatOf(limit) < floatOf(a) ? limit : a),
  neg: (a) => a ^ 0x80000000,
  abs: (a) => a & 0x7fffffff,
  sqrt: one(Math.sqrt),
  floor: one(Math.floor),
  nearest: one(nearestEven),
  equal: mask((a, b) => a === b),
  less: mask((a, b) => a < b),
  lessEqual: mask((a, b) => a <= b),
  select: (m, a, b) => (m & a) | (~m & b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  intAdd: (a, b) => (a + b) | 0,
  intSub: (a, b) => (a - b) | 0,
  intMul: Math.imul,
  intEqual: (a, b) => (a === b ? -1 : 0),
  intLess: (a, b) => (a < b ? -1 : 0),
  shiftLeft: (a, count) => a << count,
  shiftRightUnsigned: (a, count) => (a >>> count) | 0,
  shiftRightSigned: (a, count) => a >> count,
  toFloat: (a) => bitsOf(a),
  toInt: (a) => {
    const x = floatOf(a);
    return Number.isNaN(x) ? 0 : Math.trunc(Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), x)));
  },
};

/** Distance of `found` from `exact` in units of the last place of a float32. */
export function ulps(found: number, exact: number): number {
  if (found === Math.fround(exact)) return 0;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(exact))));
  return Math.abs(found - exact) / 2 ** (exponent - 23);
}
