/**
 * @file The maximum of a pooling window behind a ReLU, and where it stands, for windows whose sums are in registers: a
 * knockout. Neighbours are compared first, then the winners of neighbouring pairs, and so on.
 *
 *     y = max(0, values…)      winner = the first position that holds y, or 255 where y = 0
 *
 * Positions are kept as distances from a pair's left position, negative, because a comparison gives −1 where it holds: a
 * pair of values needs nothing else, and a constant is needed nowhere.
 */
import {
  f32x4,
  type Instruction,
  i8x16,
  i16x8,
  i32,
  i32x4,
  v128,
} from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import type { KernelBuilder } from '../kernel.ts';

/**
 * `lanes`, but NaN where one of `values` is. `f32x4.pmax` finds a maximum in one instruction but loses NaN of its second
 * operand; a lane with all bits set is NaN, so comparisons bring it back.
 */
export function orAnyNaN(lanes: Instruction, values: readonly Local[]): Instruction {
  return values.reduce((sum, value) => v128.or(sum, f32x4.ne(value.get(), value.get())), lanes);
}

interface Contestant {
  value: Local;
  /** Minus the distance of the maximum from the first position; nothing for a single value. */
  distance?: Local;
}

/** Finds `top` and `winner` of four channels; `values`, one a position, are used up. */
export function windowMaximum(
  fn: KernelBuilder,
  values: readonly Local[],
  top: Local,
  winner: Local,
): Instruction[] {
  const nan = fn.local('v128');
  const zero = f32x4.const(0);
  const code: Instruction[] = [nan.set(zero)];
  let round: Contestant[] = values.map((value) => ({ value }));
  for (let level = 0; round.length > 1; level++) {
    const next: Contestant[] = [];
    for (let i = 0; i < round.length; i += 2) {
      const [left, right] = [round[i]!, round[i + 1]];
      if (!right) {
        next.push(left);
        continue;
      }
      const distance = fn.local('v128');
      code.push(
        distance.set(f32x4.gt(right.value.get(), left.value.get())),
        nan.set(orAnyNaN(nan.get(), [right.value])),
        left.value.set(f32x4.pmax(left.value.get(), right.value.get())),
      );
      if (level > 0) {
        const [near, far] = [left, right].map((side) => side.distance?.get() ?? zero) as [
          Instruction,
          Instruction,
        ];
        const further = i32x4.shl(distance.get(), i32.const(level));
        code.push(distance.set(i32x4.add(v128.bitselect(far, near, distance.get()), further)));
      }
      next.push({ value: left.value, distance });
    }
    round = next;
  }
  const [{ value, distance }] = round as [Contestant];
  const off = f32x4.le(value.get(), zero);
  return [
    ...code,
    winner.set(v128.or(distance ? i32x4.neg(distance.get()) : zero, off)),
    top.set(v128.or(f32x4.pmax(value.get(), zero), nan.get())),
  ];
}

/** The winners of two vectors, a byte each, as the first eight bytes: −1 becomes 255. */
export function winnerBytes(low: Local, high: Local): Instruction {
  const words = i16x8.narrow_i32x4_s(low.get(), high.get());
  return i8x16.narrow_i16x8_s(words, words);
}
