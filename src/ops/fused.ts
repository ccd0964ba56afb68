/**
 * @file A group of elementwise operations that runs as one loop: values between its members live in registers only. Made
 * by the fusing pass; all members have the group's shape, inputs broadcast to it.
 */
import { type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import type { Op, ReferenceTensor, TensorType } from '../ir/op.ts';

export interface FusedStep {
  op: Op;
  attrs: unknown;
  type: TensorType;
  /** Numbers below the count of the group's inputs mean those; above it, earlier steps. */
  operands: readonly number[];
}

export interface FusedAttrs {
  shape: Shape;
  inputs: number;
  steps: readonly FusedStep[];
  /** Which steps are visible outside. */
  results: readonly number[];
  toString(): string;
}

/** Strides of a tensor of `shape` seen as one of shape `wide`: 0 along stretched axes. */
export function broadcastStrides(shape: Shape, wide: Shape): number[] {
  const strides = stridesOf(shape);
  const lead = wide.length - shape.length;
  return wide.map((_, axis) =>
    axis < lead || shape[axis - lead] === 1 ? 0 : strides[axis - lead]!,
  );
}

/** One line: `[add(0, 1), relu(2)] → 3`. */
export function describeSteps({ inputs, steps, results }: Omit<FusedAttrs, 'toString'>): string {
  const body = steps.map(({ op, operands, attrs }) => {
    const value = (attrs as { value?: number } | undefined)?.value;
    return value === undefined ? `${op.name}(${operands.join(', ')})` : String(value);
  });
  return `{${body.join('; ')} → ${results.map((step) => step + inputs).join(', ')}}`;
}

export const fusedOp: Op<FusedAttrs, 'fused'> = {
  name: 'fused',
  inPlace: true,
  infer: (_inputs, { shape, steps, results }) =>
    results.map((step) => ({ shape, dtype: steps[step]!.type.dtype })),
  reference(inputs, attrs) {
    const results = attrs.results.map(() => new Float64Array(sizeOf(attrs.shape)));
    eachElement(inputs, attrs, (index, values) => {
      attrs.results.forEach((step, i) => {
        results[i]![index] = values[attrs.inputs + step]!;
      });
    });
    return results;
  },
};

/** Visits each element with the values of all inputs, then those of all steps. */
export function eachElement(
  inputs: readonly ReferenceTensor[],
  { shape, steps }: Pick<FusedAttrs, 'shape' | 'steps'>,
  visit: (index: number, values: readonly number[]) => void,
): void {
  const own = stridesOf(shape);
  const reach = inputs.map((input) => broadcastStrides(input.shape, shape));
  for (let index = 0; index < sizeOf(shape); index++) {
    const values = inputs.map((input, i) => {
      let at = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        at += (Math.floor(index / own[axis]!) % shape[axis]!) * reach[i]![axis]!;
      }
      return input.data[at]!;
    });
    for (const { op, attrs, operands } of steps) {
      values.push(
        op.elementwise!.scalar(
          operands.map((operand) => values[operand]!),
          attrs,
          index,
        ),
      );
    }
    visit(index, values);
  }
}
