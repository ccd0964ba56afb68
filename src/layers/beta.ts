/** @file Random numbers of the beta distribution, made of uniform and normal ones: how much of each of two images. */
import type { Value } from '../ir/graph.ts';
import {
  add,
  div,
  less,
  log,
  logicalAnd,
  mul,
  select,
  sigmoid,
  sqrt,
  square,
  sub,
} from '../ops/index.ts';

/** Sources of values of one shape. */
export interface Draws {
  uniform(): Value;
  normal(): Value;
}

/** Proposals for each number; each is refused once in 20 at most, and the last one counts if all are. */
const proposals = 6;

/** Beta(α, α), α > 0: X / (X + Y) of two gamma variables, computed from their logarithms. */
export function symmetricBeta(alpha: Value, draws: Draws): Value {
  return sigmoid(sub(logGamma(alpha, draws), logGamma(alpha, draws)));
}

/** The logarithm of a uniform number, which must not be 0. */
const logUniform = (draws: Draws) => log(add(draws.uniform(), 2 ** -25));

/**
 * Logarithm of Gamma(α): that of Gamma(α + 1) by the method of Marsaglia and Tsang, plus that of U^(1/α).
 *
 * @see https://doi.org/10.1145/358407.358414
 */
export function logGamma(alpha: Value, draws: Draws): Value {
  const d = add(alpha, 2 / 3);
  const c = div(1, sqrt(mul(d, 9)));
  let found: Value | undefined;
  for (let proposal = 0; proposal < proposals; proposal++) {
    const x = draws.normal();
    const root = add(mul(x, c), 1);
    const isPositive = less(0, root);
    const v = select(isPositive, mul(square(root), root), 1);
    const bound = add(mul(square(x), 0.5), mul(add(sub(1, v), log(v)), d));
    const accepted = logicalAnd(isPositive, less(logUniform(draws), bound));
    const value = log(mul(v, d));
    found = found ? select(accepted, value, found) : value;
  }
  return add(found!, div(logUniform(draws), alpha));
}
