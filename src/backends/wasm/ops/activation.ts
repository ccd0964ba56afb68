/** @file What a product may end in: a ReLU, or one with a ceiling of six as in MobileNet. */
import { f32x4, type Instruction } from '../assembler/instructions.ts';

export type Activation = 'linear' | 'relu' | 'relu6';

export function activate(activation: Activation, x: number): number {
  if (activation === 'linear') return x;
  return activation === 'relu' ? Math.max(0, x) : Math.min(6, Math.max(0, x));
}

/** The same of four lanes; NaN stays NaN. */
export function activateLanes(activation: Activation, lanes: Instruction): Instruction {
  if (activation === 'linear') return lanes;
  const above = f32x4.pmax(lanes, f32x4.const(0));
  return activation === 'relu' ? above : f32x4.pmin(above, f32x4.const(6));
}
