/** @file Arithmetic of floats (and the sum of integers), element by element. */
import { apply1, type Value } from '../ir/graph.ts';
import { less, lessEqual, select } from './comparison.ts';
import { binary, elementwise, type Operand } from './elementwise.ts';
import { sumTo } from './sum.ts';

const two = ['float32', 'float32'] as const;
const one = ['float32'] as const;

export const addOp = elementwise<undefined, 'add'>('add', {
  inputs: two,
  output: 'float32',
  scalar: ([a, b]) => a! + b!,
  lanes: (k, [a, b]) => k.add(a!, b!),
  gradient: ({ inputs: [a, b], gradients: [g] }) => [sumTo(g!, a!.shape), sumTo(g!, b!.shape)],
});
/** a + b. */
export const add = (a: Operand, b: Operand): Value => binary(addOp, a, b);

export const subOp = elementwise<undefined, 'sub'>('sub', {
  inputs: two,
  output: 'float32',
  scalar: ([a, b]) => a! - b!,
  lanes: (k, [a, b]) => k.sub(a!, b!),
  gradient: ({ inputs: [a, b], gradients: [g] }) => [sumTo(g!, a!.shape), sumTo(neg(g!), b!.shape)],
});
/** a − b. */
export const sub = (a: Operand, b: Operand): Value => binary(subOp, a, b);

export const mulOp = elementwise<undefined, 'mul'>('mul', {
  inputs: two,
  output: 'float32',
  scalar: ([a, b]) => a! * b!,
  lanes: (k, [a, b]) => k.mul(a!, b!),
  gradient: ({ inputs: [a, b], gradients: [g] }) => [
    sumTo(mul(g!, b!), a!.shape),
    sumTo(mul(g!, a!), b!.shape),
  ],
});
/** a · b. */
export const mul = (a: Operand, b: Operand): Value => binary(mulOp, a, b);

export const divOp = elementwise<undefined, 'div'>('div', {
  inputs: two,
  output: 'float32',
  scalar: ([a, b]) => a! / b!,
  lanes: (k, [a, b]) => k.div(a!, b!),
  // d(a/b) = da/b − (a/b)·db/b
  gradient: ({ inputs: [a, b], outputs: [y], gradients: [g] }) => {
    const scaled = div(g!, b!);
    return [sumTo(scaled, a!.shape), sumTo(neg(mul(scaled, y!)), b!.shape)];
  },
});
/** a / b. */
export const div = (a: Operand, b: Operand): Value => binary(divOp, a, b);

export const maximumOp = elementwise<undefined, 'maximum'>('maximum', {
  inputs: two,
  output: 'float32',
  scalar: ([a, b]) => (Number.isNaN(a!) || Number.isNaN(b!) ? Number.NaN : Math.max(a!, b!)),
  lanes: (k, [a, b]) => k.max(a!, b!),
  // At a tie the gradient goes to a, as in TensorFlow.
  gradient: ({ inputs: [a, b], gradients: [g] }) => {
    const first = lessEqual(b!, a!);
    return [sumTo(select(first, g!, 0), a!.shape), sumTo(select(first, 0, g!), b!.shape)];
  },
});
/** The larger of a and b; NaN if either is. */
export const maximum = (a: Operand, b: Operand): Value => binary(maximumOp, a, b);

export const minimumOp = elementwise<undefined, 'minimum'>('minimum', {
  inputs: two,
  output: 'float32',
  scalar: ([a, b]) => (Number.isNaN(a!) || Number.isNaN(b!) ? Number.NaN : Math.min(a!, b!)),
  lanes: (k, [a, b]) => k.min(a!, b!),
  gradient: ({ inputs: [a, b], gradients: [g] }) => {
    const first = lessEqual(a!, b!);
    return [sumTo(select(first, g!, 0), a!.shape), sumTo(select(first, 0, g!), b!.shape)];
  },
});
/** The smaller of a and b; NaN if either is. */
export const minimum = (a: Operand, b: Operand): Value => binary(minimumOp, a, b);

export const negOp = elementwise<undefined, 'neg'>('neg', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => -x!,
  lanes: (k, [x]) => k.neg(x!),
  gradient: ({ gradients: [g] }) => [neg(g!)],
});
/** −x. */
export const neg = (x: Value): Value => apply1(negOp, [x], undefined);

export const absOp = elementwise<undefined, 'abs'>('abs', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.abs(x!),
  lanes: (k, [x]) => k.abs(x!),
  gradient: ({ inputs: [x], gradients: [g] }) => [mul(g!, sign(x!))],
});
/** |x|; its gradient at 0 is 0. */
export const abs = (x: Value): Value => apply1(absOp, [x], undefined);

export const signOp = elementwise<undefined, 'sign'>('sign', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => (Number.isNaN(x!) ? Number.NaN : Math.sign(x!)),
  lanes: (k, [x]) =>
    k.select(k.less(k.float(0), x!), k.float(1), k.select(k.less(x!, k.float(0)), k.float(-1), x!)),
});
/** −1, 0 or 1. */
export const sign = (x: Value): Value => apply1(signOp, [x], undefined);

export const squareOp = elementwise<undefined, 'square'>('square', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => x! * x!,
  lanes: (k, [x]) => k.mul(x!, x!),
  gradient: ({ inputs: [x], gradients: [g] }) => [mul(mul(g!, 2), x!)],
});
/** x². */
export const square = (x: Value): Value => apply1(squareOp, [x], undefined);

export const sqrtOp = elementwise<undefined, 'sqrt'>('sqrt', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.sqrt(x!),
  lanes: (k, [x]) => k.sqrt(x!),
  gradient: ({ outputs: [y], gradients: [g] }) => [div(mul(g!, 0.5), y!)],
});
/** √x. */
export const sqrt = (x: Value): Value => apply1(sqrtOp, [x], undefined);

export const floorOp = elementwise<undefined, 'floor'>('floor', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.floor(x!),
  lanes: (k, [x]) => k.floor(x!),
});
/** The largest whole number not above x. */
export const floor = (x: Value): Value => apply1(floorOp, [x], undefined);

export const reluOp = elementwise<undefined, 'relu'>('relu', {
  inputs: one,
  output: 'float32',
  scalar: ([x]) => Math.max(x!, 0),
  lanes: (k, [x]) => k.atLeast(x!, k.float(0)),
  gradient: ({ outputs: [y], gradients: [g] }) => [select(less(0, y!), g!, 0)],
});
/** max(x, 0); its gradient at 0 is 0. */
export const relu = (x: Value): Value => apply1(reluOp, [x], undefined);

export const intAddOp = elementwise<undefined, 'int_add'>('int_add', {
  inputs: ['int32', 'int32'],
  output: 'int32',
  scalar: ([a, b]) => (a! + b!) | 0,
  lanes: (k, [a, b]) => k.intAdd(a!, b!),
});
/** a + b of integers, modulo 2³². */
export const intAdd = (a: Operand, b: Operand): Value => binary(intAddOp, a, b, 'int32');
