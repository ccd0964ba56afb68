/**
 * @file The error function and its inverse, eˣ − 1 and the softplus: what GELU, the exponential units and normal random
 * numbers need. Coefficients of the error function are those of the Cephes library (Moshier, single precision), for
 * |x| from 1 to 2 a fit at Chebyshev's points; of its inverse those of Giles, "Approximating the erfinv function" (2012).
 */
import { apply1, type Value } from '../ir/graph.ts';
import type { Lanes } from '../ir/lanes.ts';
import { add, mul, neg, square } from './arithmetic.ts';
import { elementwise } from './elementwise.ts';
import { exp, expLanes, logLanes, polynomial, sigmoid } from './transcendental.ts';

const one = ['float32'] as const;
const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/**
 * erf in float64: for |x| < 3 the series 2/√π·e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!, whose terms are all of one sign; beyond it
 * the continued fraction of 1 − erf.
 */
function erfScalar(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (size > 6) return Math.sign(x);
  const weight = Math.exp(-size * size);
  if (size < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * size * size) / (2 * n + 1);
      sum += term;
    }
    return twoOverRootPi * weight * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - weight / Math.sqrt(Math.PI) / (size + fraction));
}

// erf x = x·P(x²) for |x| < 1, else 1 − e^(−x²)/|x|·Q(1/|x|) with the sign of x.
function erfLanes<L>(k: Lanes<L>, x: L): L {
  const size = k.abs(x);
  const squared = k.mul(x, x);
  const near = k.mul(
    x,
    polynomial(
      k,
      squared,
      [
        7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3, -2.685381193529856e-2,
        1.128358514861418e-1, -3.7612625824233e-1, 1.12837916572671,
      ],
    ),
  );
  const bounded = k.atMost(size, k.float(6));
  const q = k.div(k.float(1), k.atLeast(bounded, k.float(0.5)));
  const middle = polynomial(
    k,
    q,
    [-0.016548166, 0.112066928, -0.331155185, 0.543011801, -0.479022326, 0.0382127926, 0.561017732],
  );
  const far = polynomial(
    k,
    k.mul(q, q),
    [
      -1.047766399936249e1, 1.297719955372516e1, -7.495518717768503, 2.921019019210786,
      -1.0152652792027, 4.218463358204948e-1, -2.820767439740514e-1, 5.641895067754075e-1,
    ],
  );
  const tail = k.mul(
    k.mul(expLanes(k, k.neg(k.mul(bounded, bounded))), q),
    k.select(k.less(size, k.float(2)), middle, far),
  );
  const away = k.or(k.sub(k.float(1), tail), k.and(x, k.int(0x80000000 | 0)));
  const value = k.select(k.less(size, k.float(1)), near, away);
  return k.select(k.equal(x, x), value, x);
}

export const erfOp = elementwise<undefined, 'erf'>('erf', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => erfScalar(x!),
  lanes: (k, [x]) => erfLanes(k, x!),
  // d erf = 2/√π·e^(−x²)
  gradient: ({ inputs: [x], gradients: [g] }) => [
    mul(g!, mul(exp(neg(square(x!))), twoOverRootPi)),
  ],
});
/** 2/√π · ∫₀ˣ e^(−t²) dt. */
export const erf = (x: Value): Value => apply1(erfOp, [x], undefined);

const central = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503,
  -0.00417768164, 0.246640727, 1.50140941,
];
const outer = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
  0.00943887047, 1.00167406, 2.83297682,
];

/** Giles's value, made exact by three steps of Newton's method. */
function erfInverseScalar(y: number): number {
  if (!(Math.abs(y) < 1)) return Math.abs(y) === 1 ? y * Number.POSITIVE_INFINITY : Number.NaN;
  const w = -Math.log((1 - y) * (1 + y));
  const coefficients = w < 5 ? central : outer;
  const at = w < 5 ? w - 2.5 : Math.sqrt(w) - 3;
  let x = y * coefficients.reduce((sum, coefficient) => sum * at + coefficient, 0);
  for (let step = 0; step < 3; step++) x -= (erfScalar(x) - y) / (twoOverRootPi * Math.exp(-x * x));
  return x;
}

function erfInverseLanes<L>(k: Lanes<L>, y: L): L {
  const w = k.neg(logLanes(k, k.mul(k.sub(k.float(1), y), k.add(k.float(1), y))));
  const inner = polynomial(k, k.sub(w, k.float(2.5)), central);
  const outside = polynomial(k, k.sub(k.sqrt(w), k.float(3)), outer);
  const slope = k.select(k.less(w, k.float(5)), inner, outside);
  // The polynomial of an infinite w would have the sign of its first coefficient.
  const infinite = k.float(Number.POSITIVE_INFINITY);
  return k.mul(k.select(k.equal(w, infinite), infinite, slope), y);
}

export const erfInverseOp = elementwise<undefined, 'erf_inverse'>('erf_inverse', {
  inputs: one,
  output: 'float32',
  scalar: ([y]) => erfInverseScalar(y!),
  lanes: (k, [y]) => erfInverseLanes(k, y!),
  // d erf⁻¹ = √π/2·e^(x²)
  gradient: ({ outputs: [x], gradients: [g] }) => [
    mul(g!, mul(exp(square(x!)), 1 / twoOverRootPi)),
  ],
});
/** The x with erf(x) = y, for y in (−1, 1). */
export const erfInverse = (y: Value): Value => apply1(erfInverseOp, [y], undefined);

export const expMinusOneOp = elementwise<undefined, 'exp_minus_one'>('exp_minus_one', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.expm1(x!),
  // Near 0 the polynomial of exp without its leading 1.
  lanes: (k, [x]) => {
    const p = polynomial(
      k,
      x!,
      [
        1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
        5.0000001201e-1,
      ],
    );
    const near = k.madd(p, k.mul(x!, x!), x!);
    const away = k.sub(expLanes(k, x!), k.float(1));
    return k.select(k.less(k.abs(x!), k.float(Math.LN2 / 2)), near, away);
  },
  gradient: ({ outputs: [y], gradients: [g] }) => [mul(g!, add(y!, 1))],
});
/** eˣ − 1, accurate near 0. */
export const expMinusOne = (x: Value): Value => apply1(expMinusOneOp, [x], undefined);

export const softplusOp = elementwise<undefined, 'softplus'>('softplus', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.max(x!, 0) + Math.log1p(Math.exp(-Math.abs(x!))),
  // log(1 + e) with the rounding error of u = 1 + e put back: log u + (e − (u − 1))/u.
  lanes: (k, [x]) => {
    const e = expLanes(k, k.neg(k.abs(x!)));
    const u = k.add(k.float(1), e);
    const lost = k.div(k.sub(e, k.sub(u, k.float(1))), u);
    return k.add(k.atLeast(x!, k.float(0)), k.add(logLanes(k, u), lost));
  },
  gradient: ({ inputs: [x], gradients: [g] }) => [mul(g!, sigmoid(x!))],
});
/** log(1 + eˣ). */
export const softplus = (x: Value): Value => apply1(softplusOp, [x], undefined);
