/** @file Powers with an exponent known beforehand. */
import { apply1, type Value } from '../ir/graph.ts';
import type { Lanes } from '../ir/lanes.ts';
import { mul } from './arithmetic.ts';
import { elementwise } from './elementwise.ts';
import { expLanes, logLanes } from './transcendental.ts';

function powerLanes<L>(k: Lanes<L>, x: L, exponent: number): L {
  if (exponent === 0) return k.float(1);
  if (exponent === 1) return x;
  if (exponent === 0.5) return k.sqrt(x);
  if (exponent < 0 && (Number.isInteger(exponent) || exponent === -0.5))
    return k.div(k.float(1), powerLanes(k, x, -exponent));
  if (!Number.isInteger(exponent)) return expLanes(k, k.mul(k.float(exponent), logLanes(k, x)));
  const half = powerLanes(k, x, Math.floor(exponent / 2));
  const even = k.mul(half, half);
  return exponent % 2 === 0 ? even : k.mul(even, x);
}

export const powerOp = elementwise<{ exponent: number }, 'power'>('power', {
  inputs: ['float32'],
  output: 'float32',
  scalar: ([x], { exponent }) => x! ** exponent,
  lanes: (k, [x], { exponent }) => powerLanes(k, x!, exponent),
  // dxᵃ = a·xᵃ⁻¹·dx
  gradient: ({ inputs: [x], attrs: { exponent }, gradients: [g] }) => [
    mul(g!, mul(power(x!, exponent - 1), exponent)),
  ],
});
/** x to a fixed `exponent`: by multiplications where it is whole, else for x ≥ 0. */
export const power = (x: Value, exponent: number): Value => apply1(powerOp, [x], { exponent });
