/** @file Comparisons, which give masks, and the choice by a mask. */
import { apply1, type Value } from '../ir/graph.ts';
import { binary, elementwise, type Operand, scalar } from './elementwise.ts';
import { sumTo } from './sum.ts';

const two = ['float32', 'float32'] as const;

export const lessOp = elementwise<undefined, 'less'>('less', {
  inputs: two,
  output: 'bool',
  scalar: ([a, b]) => (a! < b! ? 1 : 0),
  lanes: (k, [a, b]) => k.less(a!, b!),
});
/** a < b. */
export const less = (a: Operand, b: Operand): Value => binary(lessOp, a, b);

export const lessEqualOp = elementwise<undefined, 'less_equal'>('less_equal', {
  inputs: two,
  output: 'bool',
  scalar: ([a, b]) => (a! <= b! ? 1 : 0),
  lanes: (k, [a, b]) => k.lessEqual(a!, b!),
});
/** a ≤ b. */
export const lessEqual = (a: Operand, b: Operand): Value => binary(lessEqualOp, a, b);

export const equalOp = elementwise<undefined, 'equal'>('equal', {
  inputs: two,
  output: 'bool',
  scalar: ([a, b]) => (a! === b! ? 1 : 0),
  lanes: (k, [a, b]) => k.equal(a!, b!),
});
/** a = b. */
export const equal = (a: Operand, b: Operand): Value => binary(equalOp, a, b);

export const intEqualOp = elementwise<undefined, 'int_equal'>('int_equal', {
  inputs: ['int32', 'int32'],
  output: 'bool',
  scalar: ([a, b]) => (a! === b! ? 1 : 0),
  lanes: (k, [a, b]) => k.intEqual(a!, b!),
});
/** a = b of integers. */
export const intEqual = (a: Operand, b: Operand): Value => binary(intEqualOp, a, b, 'int32');

export const logicalAndOp = elementwise<undefined, 'logical_and'>('logical_and', {
  inputs: ['bool', 'bool'],
  output: 'bool',
  scalar: ([a, b]) => (a! && b! ? 1 : 0),
  lanes: (k, [a, b]) => k.and(a!, b!),
});
export const logicalAnd = (a: Value, b: Value): Value => apply1(logicalAndOp, [a, b], undefined);

export const logicalNotOp = elementwise<undefined, 'logical_not'>('logical_not', {
  inputs: ['bool'],
  output: 'bool',
  scalar: ([a]) => (a! ? 0 : 1),
  lanes: (k, [a]) => k.not(a!),
});
export const logicalNot = (a: Value): Value => apply1(logicalNotOp, [a], undefined);

export const selectOp = elementwise<undefined, 'select'>('select', {
  inputs: ['bool', 'float32', 'float32'],
  output: 'float32',
  scalar: ([mask, a, b]) => (mask! ? a! : b!),
  lanes: (k, [mask, a, b]) => k.select(mask!, a!, b!),
  gradient: ({ inputs: [mask, a, b], gradients: [g] }) => [
    undefined,
    sumTo(select(mask!, g!, 0), a!.shape),
    sumTo(select(mask!, 0, g!), b!.shape),
  ],
});
/** `mask ? a : b`, element by element. */
export function select(mask: Value, a: Operand, b: Operand): Value {
  const lift = (x: Operand) => (typeof x === 'number' ? scalar(mask, x) : x);
  return apply1(selectOp, [mask, lift(a), lift(b)], undefined);
}
