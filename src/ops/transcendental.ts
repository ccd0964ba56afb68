/**
 * @file exp, log, tanh, sigmoid and powers. The engine computes them by its own polynomials, so that every machine
 * gives the same bits; the coefficients are those of the Cephes library (Moshier, single precision).
 */
import { apply1, type Value } from '../ir/graph.ts';
import type { Lanes } from '../ir/lanes.ts';
import { div, mul, sub } from './arithmetic.ts';
import { binary, elementwise, type Operand } from './elementwise.ts';
import { sumTo } from './sum.ts';

/** Horner's rule: `coefficients` from the highest power down. */
export function polynomial<L>(k: Lanes<L>, x: L, coefficients: readonly number[]): L {
  let sum = k.float(coefficients[0]!);
  for (const coefficient of coefficients.slice(1)) sum = k.madd(sum, x, k.float(coefficient));
  return sum;
}

// x = n·ln2 + r with |r| ≤ ln2/2; eˣ = 2ⁿ·eʳ. 2ⁿ is applied in two halves so that results may be subnormal or infinite.
export function expLanes<L>(k: Lanes<L>, x: L): L {
  const { n, y } = expParts(k, k.atMost(k.atLeast(x, k.float(-104)), k.float(89)));
  const whole = k.toInt(n);
  const half = k.shiftRightSigned(whole, 1);
  return k.mul(k.mul(y, powerOfTwo(k, half)), powerOfTwo(k, k.intSub(whole, half)));
}

/** eˣ for −80 ≤ x ≤ 80, where 2ⁿ is an ordinary number. */
function expNear<L>(k: Lanes<L>, x: L): L {
  const { n, y } = expParts(k, x);
  return k.mul(y, powerOfTwo(k, k.toInt(n)));
}

/** eˣ = 2ⁿ·y. */
function expParts<L>(k: Lanes<L>, x: L): { n: L; y: L } {
  const n = k.nearest(k.mul(x, k.float(Math.LOG2E)));
  let r = k.madd(n, k.float(-0.693359375), x);
  r = k.madd(n, k.float(2.1219444e-4), r);
  const p = polynomial(
    k,
    r,
    [
      1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
      5.0000001201e-1,
    ],
  );
  return { n, y: k.add(k.madd(p, k.mul(r, r), r), k.float(1)) };
}

function powerOfTwo<L>(k: Lanes<L>, exponent: L): L {
  return k.shiftLeft(k.intAdd(exponent, k.int(127)), 23);
}

// x = 2ᵉ·m with m in [√½, √2); log x = e·ln2 + log m.
export function logLanes<L>(k: Lanes<L>, x: L): L {
  const tiny = k.less(x, k.float(1.17549435e-38));
  const scaled = k.select(tiny, k.mul(x, k.float(2 ** 25)), x);
  let exponent = k.intSub(k.shiftRightUnsigned(scaled, 23), k.int(126));
  let m = k.or(k.and(scaled, k.int(0x007fffff)), k.int(0x3f000000));
  const low = k.less(m, k.float(Math.SQRT1_2));
  exponent = k.intAdd(exponent, low); // a mask is −1
  m = k.sub(k.add(m, k.and(low, m)), k.float(1));
  const e = k.sub(k.toFloat(exponent), k.and(tiny, k.float(25)));
  const z = k.mul(m, m);
  const p = polynomial(
    k,
    m,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
      -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  let y = k.mul(k.mul(p, m), z);
  y = k.madd(e, k.float(-2.1219444e-4), y);
  y = k.madd(z, k.float(-0.5), y);
  const value = k.madd(e, k.float(0.693359375), k.add(m, y));
  const infinite = k.equal(x, k.float(Number.POSITIVE_INFINITY));
  const valid = k.less(k.float(0), x);
  const atZero = k.select(
    k.equal(x, k.float(0)),
    k.float(Number.NEGATIVE_INFINITY),
    k.float(Number.NaN),
  );
  return k.select(valid, k.select(infinite, x, value), atZero);
}

function tanhLanes<L>(k: Lanes<L>, x: L): L {
  const size = k.abs(x);
  const square = k.mul(x, x);
  const p = polynomial(
    k,
    square,
    [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  );
  const near = k.madd(k.mul(p, square), x, x);
  // 1 − 2/(e²ˣ + 1), which is 1 from x = 10 on.
  const double = k.atMost(k.add(size, size), k.float(40));
  const away = k.sub(k.float(1), k.div(k.float(2), k.add(expNear(k, double), k.float(1))));
  const signed = k.or(away, k.and(x, k.int(0x80000000 | 0)));
  return k.select(k.less(size, k.float(0.625)), near, signed);
}

const one = ['float32'] as const;

export const expOp = elementwise<undefined, 'exp'>('exp', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.exp(x!),
  lanes: (k, [x]) => expLanes(k, x!),
  gradient: ({ outputs: [y], gradients: [g] }) => [mul(g!, y!)],
});
/** eˣ. */
export const exp = (x: Value): Value => apply1(expOp, [x], undefined);

export const logOp = elementwise<undefined, 'log'>('log', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.log(x!),
  lanes: (k, [x]) => logLanes(k, x!),
  gradient: ({ inputs: [x], gradients: [g] }) => [div(g!, x!)],
});
/** Natural logarithm: −∞ at 0, NaN below. */
export const log = (x: Value): Value => apply1(logOp, [x], undefined);

export const tanhOp = elementwise<undefined, 'tanh'>('tanh', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.tanh(x!),
  lanes: (k, [x]) => tanhLanes(k, x!),
  gradient: ({ outputs: [y], gradients: [g] }) => [mul(g!, sub(1, mul(y!, y!)))],
});
/** Hyperbolic tangent. */
export const tanh = (x: Value): Value => apply1(tanhOp, [x], undefined);

export const sigmoidOp = elementwise<undefined, 'sigmoid'>('sigmoid', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => 1 / (1 + Math.exp(-x!)),
  // Of e = exp(−|x|), which cannot overflow: 1/(1 + e) above 0, e/(1 + e) below.
  lanes: (k, [x]) => {
    const e = expLanes(k, k.neg(k.abs(x!)));
    return k.div(k.select(k.less(x!, k.float(0)), e, k.float(1)), k.add(k.float(1), e));
  },
  gradient: ({ outputs: [y], gradients: [g] }) => [mul(g!, mul(y!, sub(1, y!)))],
});
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = (x: Value): Value => apply1(sigmoidOp, [x], undefined);

export const powOp = elementwise<undefined, 'pow'>('pow', {
  inputs: ['float32', 'float32'],
  output: 'float32',
  scalar: ([x, y]) => x! ** y!,
  lanes: (k, [x, y]) =>
    k.select(k.equal(y!, k.float(0)), k.float(1), expLanes(k, k.mul(y!, logLanes(k, x!)))),
  // d(xʸ) = y·xʸ/x·dx + xʸ·log x·dy
  gradient: ({ inputs: [x, y], outputs: [z], gradients: [g] }) => {
    const scaled = mul(g!, z!);
    return [sumTo(mul(scaled, div(y!, x!)), x!.shape), sumTo(mul(scaled, log(x!)), y!.shape)];
  },
});
/** xʸ for x > 0 (x = 0 too, for y ≥ 0). */
export const pow = (x: Operand, y: Operand): Value => binary(powOp, x, y);

export const integerPowerOp = elementwise<undefined, 'integer_power'>('integer_power', {
  inputs: ['float32', 'int32'],
  output: 'float32',
  scalar: ([x, n]) => x! ** n!,
  // Square and multiply over the bits of n: exact for n = 1, error about log₂n roundings.
  lanes: (k, [x, n]) => {
    let result = k.float(1);
    let power: typeof result = x!;
    for (let bit = 0; bit < 31; bit++) {
      const set = k.intEqual(k.and(n!, k.int(2 ** bit)), k.int(2 ** bit));
      result = k.select(set, k.mul(result, power), result);
      if (bit < 30) power = k.mul(power, power);
    }
    return result;
  },
});
/** xⁿ for whole n ≥ 0: what bias corrections need, accurate where xⁿ is near 1. */
export const integerPower = (x: Value, n: Value): Value =>
  apply1(integerPowerOp, [x, n], undefined);
