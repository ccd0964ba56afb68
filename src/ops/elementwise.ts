/**
 * @file The family of elementwise operations: inputs broadcast (NumPy's rule), each element is computed alone. A member
 * is a name, a rule in float64, a rule in lanes, and a gradient.
 */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { broadcastShapes } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { ElementwiseRule, GradientContext, Op, TensorType } from '../ir/op.ts';

/** Types of inputs and output: `same` is the first input's type. */
export interface ElementwiseSpec<A> extends ElementwiseRule<A> {
  inputs: readonly (DType | 'any')[];
  output: DType | 'same';
  gradient?(context: GradientContext<A>): readonly (Value | undefined)[];
}

/** Makes the record of an elementwise operation. */
export function elementwise<A, Name extends string>(
  name: Name,
  spec: ElementwiseSpec<A>,
): Op<A, Name> {
  return {
    name,
    infer(inputs) {
      checkTypes(name, spec.inputs, inputs);
      const shape = broadcastShapes(...inputs.map((input) => input.shape));
      if (!shape) throw mismatch(name, inputs);
      return [{ shape, dtype: spec.output === 'same' ? inputs[0]!.dtype : spec.output }];
    },
    ...(spec.gradient ? { gradient: spec.gradient } : {}),
    elementwise: { scalar: spec.scalar, lanes: spec.lanes },
  };
}

function checkTypes(
  name: string,
  expected: readonly (DType | 'any')[],
  inputs: readonly TensorType[],
): void {
  expected.forEach((dtype, i) => {
    const found = inputs[i]?.dtype;
    if (dtype === 'any' || found === dtype) return;
    throw new TsunoError('SHAPE', {
      where: name,
      what: `input ${i}`,
      expected: dtype,
      found: String(found),
      repair: 'Use ops.cast.',
    });
  });
}

export function mismatch(name: string, inputs: readonly TensorType[]): TsunoError {
  return new TsunoError('SHAPE', {
    where: name,
    what: 'input shapes',
    expected: 'must broadcast to one shape',
    found: inputs.map((input) => show([...input.shape])).join(' and '),
  });
}

/** A number where a value is expected becomes a constant of the other's graph. */
export type Operand = Value | number;

/** Constant of any shape-`[]`: one number, written into the kernels that use it. */
export const constantOp: Op<{ value: number; dtype: 'float32' | 'int32' }, 'constant'> = {
  name: 'constant',
  infer: (_inputs, { dtype }) => [{ shape: [], dtype }],
  elementwise: {
    scalar: (_inputs, { value, dtype }) => (dtype === 'float32' ? Math.fround(value) : value),
    lanes: (k, _inputs, { value, dtype }) => (dtype === 'float32' ? k.float(value) : k.int(value)),
  },
};

/** A scalar in the graph of `like`, as `float32` (default) or `int32`. */
export function scalar(like: Value, value: number, dtype: 'float32' | 'int32' = 'float32'): Value {
  return like.graph.apply(constantOp, [], { value, dtype })[0]!;
}

/** Applies a two-input operation to values or numbers (of which one must be a value). */
export function binary(
  op: Op<undefined>,
  a: Operand,
  b: Operand,
  dtype: 'float32' | 'int32' = 'float32',
): Value {
  const like = typeof a === 'number' ? (b as Value) : a;
  const lift = (x: Operand) => (typeof x === 'number' ? scalar(like, x, dtype) : x);
  return apply1(op, [lift(a), lift(b)], undefined);
}
