/** @file Products of matrices, either factor transposed on the way. */
import { show, TsunoError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Op, TensorType } from '../ir/op.ts';

export interface MatmulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

/** Rows of A, columns of B, and the shared extent, after transposing. */
export function matmulExtents(
  a: TensorType,
  b: TensorType,
  attrs: MatmulAttrs,
): { m: number; n: number; k: number } {
  const [m, k] = attrs.transposeA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
  const [inner, n] = attrs.transposeB ? [b.shape[1]!, b.shape[0]!] : [b.shape[0]!, b.shape[1]!];
  if (a.shape.length !== 2 || b.shape.length !== 2 || inner !== k) {
    throw new TsunoError('SHAPE', {
      where: 'matmul',
      what: 'factors',
      expected: 'must be matrices [m, k] and [k, n]',
      found: `${show([...a.shape])}${attrs.transposeA ? 'ᵀ' : ''} and ${show([...b.shape])}${attrs.transposeB ? 'ᵀ' : ''}`,
    });
  }
  return { m, n, k };
}

export const matmulOp: Op<MatmulAttrs, 'matmul'> = {
  name: 'matmul',
  infer([a, b], attrs) {
    const { m, n } = matmulExtents(a!, b!, attrs);
    return [{ shape: [m, n], dtype: 'float32' }];
  },
  // C = A·B: ∂A = G·Bᵀ, ∂B = Aᵀ·G; a transposed factor's gradient is transposed by swapping the product's factors.
  gradient: ({ inputs: [a, b], attrs: { transposeA, transposeB }, gradients: [g] }) => [
    transposeA ? matmul(b!, g!, transposeB, true) : matmul(g!, b!, false, !transposeB),
    transposeB ? matmul(g!, a!, true, transposeA) : matmul(a!, g!, !transposeA, false),
  ],
  reference([a, b], attrs) {
    const { m, n, k } = matmulExtents(
      { ...a!, dtype: 'float32' },
      { ...b!, dtype: 'float32' },
      attrs,
    );
    const c = new Float64Array(sizeOf([m, n]));
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          const left = a!.data[attrs.transposeA ? l * m + i : i * k + l]!;
          sum += left * b!.data[attrs.transposeB ? j * k + l : l * n + j]!;
        }
        c[i * n + j] = sum;
      }
    return [c];
  },
};
/** A·B for matrices [m, k] and [k, n], each transposed first if so said. */
export function matmul(a: Value, b: Value, transposeA = false, transposeB = false): Value {
  return apply1(matmulOp, [a, b], { transposeA, transposeB });
}
