/** @file Mean and variance over axes, and what normalization layers do with them. */
import type { Value } from '../ir/graph.ts';
import { add, div, mul, reduceMean, sqrt, square, sub } from '../ops/index.ts';

export interface Moments {
  mean: Value;
  variance: Value;
}

/** Mean and (biased) variance over `axes`, which stay with extent 1. */
export function momentsOf(x: Value, axes: readonly number[]): Moments {
  const mean = reduceMean(x, axes, true);
  return { mean, variance: reduceMean(square(sub(x, mean)), axes, true) };
}

/** (x − mean)·gamma/√(variance + epsilon) + beta; the mean first, so that large means lose no digits. */
export function standardize(
  x: Value,
  { mean, variance }: Moments,
  epsilon: number,
  gamma?: Value,
  beta?: Value,
): Value {
  const inverse = div(gamma ?? 1, sqrt(add(variance, epsilon)));
  const scaled = mul(sub(x, mean), inverse);
  return beta ? add(scaled, beta) : scaled;
}
