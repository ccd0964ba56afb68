/** @file Gradients held to a size: element by element, one by one, or all together. */
import type { Value } from '../../ir/graph.ts';
import { add, div, maximum, minimum, mul, reduceSum, sqrt, square, sub } from '../../ops/index.ts';

export interface Clipping {
  clipnorm?: number | null | undefined;
  clipvalue?: number | null | undefined;
  globalClipnorm?: number | null | undefined;
}

/** The gradients, clipped as asked; 0 and `null` ask for nothing. */
export function clipped(gradients: readonly Value[], options: Clipping): readonly Value[] {
  const { clipnorm, clipvalue, globalClipnorm } = options;
  if (clipnorm) return gradients.map((gradient) => byNorm(gradient, clipnorm));
  if (globalClipnorm) return byGlobalNorm(gradients, globalClipnorm);
  if (clipvalue)
    return gradients.map((gradient) => minimum(maximum(gradient, -clipvalue), clipvalue));
  return gradients;
}

function byNorm(gradient: Value, limit: number): Value {
  const norm = sqrt(reduceSum(square(gradient)));
  return div(mul(gradient, limit), maximum(norm, limit));
}

function byGlobalNorm(gradients: readonly Value[], limit: number): readonly Value[] {
  if (gradients.length === 0) return gradients;
  const squares = gradients.map((gradient) => reduceSum(square(gradient)));
  const norm = sqrt(squares.reduce((a, b) => add(a, b)));
  const scale = mul(limit, minimum(div(1, norm), 1 / limit));
  // An infinite norm gives NaN, so that the loss shows it.
  const honest = add(scale, sub(norm, norm));
  return gradients.map((gradient) => mul(gradient, honest));
}
