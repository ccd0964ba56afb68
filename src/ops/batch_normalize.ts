/**
 * @file Normalization over the leading axes (batch, rows, columns) for each feature, with its gradient in closed form: two
 * sums and one pass over memory, where differentiating the composition would write its parts out.
 *
 *     y = γ·(x − μ)·r + β,   μ = mean x,   r = 1/√(var x + ε)
 *     ∂β = Σ g,   ∂γ = r·Σ g·(x − μ),   ∂x = γ·r·(g − Σ g/N − (x − μ)·r²·Σ g·(x − μ)/N)
 *
 * Ioffe and Szegedy, "Batch normalization" (2015).
 */
import { show, TsunoError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { add, div, mul, sqrt, square, sub } from './arithmetic.ts';
import { reduceMean } from './reduce.ts';
import { reduceSum } from './sum.ts';

export interface BatchNormalizeAttrs {
  epsilon: number;
}

const leading = (x: Value): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

const inverse = (variance: Value, epsilon: number): Value => div(1, sqrt(add(variance, epsilon)));

export const batchNormalizeOp: Op<BatchNormalizeAttrs, 'batch_normalize'> = {
  name: 'batch_normalize',
  infer([x, gamma, beta]) {
    const features = x!.shape.slice(-1);
    if (
      gamma!.shape.length !== 1 ||
      gamma!.shape[0] !== features[0] ||
      beta!.shape[0] !== features[0]
    ) {
      throw new TsunoError('SHAPE', {
        where: 'batch_normalize',
        what: 'scale and offset',
        expected: `of shape ${show(features)}`,
        found: `${show([...gamma!.shape])} and ${show([...beta!.shape])}`,
      });
    }
    return [x!.shape, features, features].map((shape) => ({ shape, dtype: 'float32' }));
  },
  decompose([x, gamma, beta], { epsilon }) {
    const axes = leading(x!);
    // A mean far from zero is rounded by more than small deviations can bear: what is left over is put right afterwards
    // (Chan, Golub and LeVeque 1983). One pass over memory gives both sums.
    const mean = reduceMean(x!, axes);
    const centred = sub(x!, mean);
    const left = reduceMean(centred, axes);
    const variance = sub(reduceMean(square(centred), axes), square(left));
    const scale = mul(gamma!, inverse(variance, epsilon));
    const y = add(mul(centred, scale), sub(beta!, mul(left, scale)));
    return [y, mean, variance];
  },
  gradient({
    inputs: [x, gamma],
    outputs: [, mean, variance],
    attrs: { epsilon },
    gradients: [g],
  }) {
    if (!g) return [undefined, undefined, undefined];
    const axes = leading(x!);
    const count = sizeOf(x!.shape.slice(0, -1));
    const r = inverse(variance!, epsilon);
    const centred = sub(x!, mean!);
    const sum = reduceSum(g, axes);
    const product = reduceSum(mul(g, centred), axes);
    const slope = mul(mul(square(r), product), 1 / count);
    const flat = sub(sub(g, mul(sum, 1 / count)), mul(centred, slope));
    return [mul(flat, mul(gamma!, r)), mul(product, r), sum];
  },
};

/**
 * `x` normalized over all axes but the last, then scaled and shifted; also the batch's mean and (biased) variance, through
 * which no gradient flows.
 *
 * @param gamma,beta [features].
 */
export function batchNormalize(
  x: Value,
  gamma: Value,
  beta: Value,
  epsilon: number,
): { y: Value; mean: Value; variance: Value } {
  const [y, mean, variance] = x.graph.apply(batchNormalizeOp, [x, gamma, beta], { epsilon });
  return { y: y!, mean: mean!, variance: variance! };
}
