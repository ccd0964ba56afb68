/** @file Softmax and its logarithm along the last axis, composed of simpler operations. */
import { apply1, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { div, mul, sub } from './arithmetic.ts';
import { stopGradient } from './convert.ts';
import { reduceMax } from './reduce.ts';
import { reduceSum } from './sum.ts';
import { exp, log } from './transcendental.ts';

/** x − max, in float range whatever x; the maximum cancels, so no gradient needs to flow through it. */
function shifted(x: Value): Value {
  return sub(x, stopGradient(reduceMax(x, [x.shape.length - 1], true)));
}

export const softmaxOp: Op<undefined, 'softmax'> = {
  name: 'softmax',
  infer: ([x]) => [{ shape: x!.shape, dtype: 'float32' }],
  decompose([x]) {
    const e = exp(shifted(x!));
    return [div(e, reduceSum(e, [e.shape.length - 1], true))];
  },
  // ∂x = y·(g − Σ g·y)
  gradient({ outputs: [y], gradients: [g] }) {
    const mean = reduceSum(mul(g!, y!), [y!.shape.length - 1], true);
    return [mul(y!, sub(g!, mean))];
  },
};
/** eˣ / Σ eˣ along the last axis. Kept whole while tracing, so that a loss can find the logits behind it. */
export const softmax = (x: Value): Value => apply1(softmaxOp, [x], undefined);

/** x − log Σ eˣ along the last axis. */
export function logSoftmax(x: Value): Value {
  const z = shifted(x);
  return sub(z, log(reduceSum(exp(z), [z.shape.length - 1], true)));
}
