/** @file Between element types, element by element: cast, counting, and the barrier for gradients. */
import type { DType } from '../core/dtype.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Lanes } from '../ir/lanes.ts';
import type { Op } from '../ir/op.ts';
import { elementwise } from './elementwise.ts';

export interface CastAttrs {
  from: DType;
  to: DType;
}

function castLanes<L>(k: Lanes<L>, x: L, { from, to }: CastAttrs): L {
  if (from === to) return x;
  if (to === 'bool')
    return k.not(from === 'float32' ? k.equal(x, k.float(0)) : k.intEqual(x, k.int(0)));
  if (from === 'bool') return to === 'float32' ? k.and(x, k.float(1)) : k.and(x, k.int(1));
  if (to === 'float32') return k.toFloat(x);
  const whole = from === 'float32' ? k.toInt(x) : x;
  return to === 'uint8' ? k.and(whole, k.int(255)) : whole;
}

function castScalar(x: number, { from, to }: CastAttrs): number {
  if (to === 'float32' || from === to) return x;
  if (to === 'bool') return x === 0 ? 0 : 1;
  const whole = Number.isNaN(x) ? 0 : Math.trunc(Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), x)));
  return to === 'uint8' ? whole & 255 : whole;
}

export const castOp: Op<CastAttrs, 'cast'> = {
  name: 'cast',
  infer: ([x], { to }) => [{ shape: x!.shape, dtype: to }],
  elementwise: {
    scalar: ([x], attrs) => castScalar(x!, attrs),
    lanes: (k, [x], attrs) => castLanes(k, x!, attrs),
  },
};
/** The same numbers as another type: floats lose their fraction, `uint8` keeps the low byte, `bool` is x ≠ 0. */
export function cast(x: Value, to: DType): Value {
  return x.dtype === to ? x : apply1(castOp, [x], { from: x.dtype, to });
}

export const stopGradientOp = elementwise<undefined, 'stop_gradient'>('stop_gradient', {
  inputs: ['any'],
  output: 'same',
  scalar: ([x]) => x!,
  lanes: (_k, [x]) => x!,
});
/** `x` itself, through which no gradient flows. */
export const stopGradient = (x: Value): Value => apply1(stopGradientOp, [x], undefined);

export const iotaOp: Op<{ length: number }, 'iota'> = {
  name: 'iota',
  infer: (_inputs, { length }) => [{ shape: [length], dtype: 'int32' }],
  elementwise: { scalar: (_inputs, _attrs, index) => index, lanes: (k) => k.index() },
};
/** 0, 1, … length − 1, in the graph of `like`. */
export function iota(like: Value, length: number): Value {
  return like.graph.apply(iotaOp, [], { length })[0]!;
}
