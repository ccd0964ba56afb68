/** @file Sine and cosine, by the polynomials of the Cephes library (Moshier, single precision). */
import { apply1, type Value } from '../ir/graph.ts';
import type { Lanes } from '../ir/lanes.ts';
import { mul, neg } from './arithmetic.ts';
import { elementwise } from './elementwise.ts';
import { polynomial } from './transcendental.ts';

/** π/2 in three parts, the first two short, so that their products with small whole numbers are exact. */
const halfPi = [1.5703125, 4.837512969970703e-4, 7.549789954891882e-8] as const;

// x = n·π/2 + r with |r| ≤ π/4. cos x is cos r, −sin r, −cos r, sin r for n = 0, 1, 2, 3; sin x is cos of three quarters on.
function cosineLanes<L>(k: Lanes<L>, x: L, quarters: number): L {
  const n = k.nearest(k.mul(x, k.float(2 / Math.PI)));
  let r = x;
  for (const part of halfPi) r = k.madd(n, k.float(-part), r);
  const z = k.mul(r, r);
  const sine = k.madd(
    k.mul(polynomial(k, z, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]), z),
    r,
    r,
  );
  const cosine = k.madd(
    k.mul(polynomial(k, z, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]), z),
    z,
    k.madd(z, k.float(-0.5), k.float(1)),
  );
  const quadrant = k.intAdd(k.toInt(n), k.int(quarters));
  const odd = k.intEqual(k.and(quadrant, k.int(1)), k.int(1));
  const signBit = k.shiftLeft(k.and(k.intAdd(quadrant, k.int(1)), k.int(2)), 30);
  return k.xor(k.select(odd, sine, cosine), signBit);
}

const one = ['float32'] as const;

export const cosOp = elementwise<undefined, 'cos'>('cos', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.cos(x!),
  lanes: (k, [x]) => cosineLanes(k, x!, 0),
  gradient: ({ inputs: [x], gradients: [g] }) => [mul(g!, neg(sin(x!)))],
});
/** Cosine of an angle in radians, accurate for |x| up to some thousands. */
export const cos = (x: Value): Value => apply1(cosOp, [x], undefined);

export const sinOp = elementwise<undefined, 'sin'>('sin', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.sin(x!),
  lanes: (k, [x]) => cosineLanes(k, x!, 3),
  gradient: ({ inputs: [x], gradients: [g] }) => [mul(g!, cos(x!))],
});
/** Sine of an angle in radians, accurate for |x| up to some thousands. */
export const sin = (x: Value): Value => apply1(sinOp, [x], undefined);
