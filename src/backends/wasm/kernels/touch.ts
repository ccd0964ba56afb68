/**
 * @file Memory fetched ahead. Where a kernel reads an image in small pieces, a patch of some pixels in each of a few rows, the
 * processor sees no stream that it could run ahead of: each piece is awaited for as long as the main memory takes. Read from
 * end to end once before, a cache line after the other, the same bytes arrive side by side, and the pieces are in the
 * second-level cache.
 */
import { control, type Instruction, i32 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { atMost, type KernelBuilder, notNegative } from '../kernel.ts';

const line = 64;
/** Smaller tensors are in the second-level cache already where a kernel has just made them, and soon there in any case. */
const leastBytes = 2 ** 20;

/** Reads a number of each cache line of the rows `start` up to `end` of `x`, those that exist, of `rows` in all. */
export function touchRows(
  fn: KernelBuilder,
  x: Local,
  { rows, rowBytes }: { rows: number; rowBytes: number },
  start: Instruction,
  end: Instruction,
): Instruction[] {
  if (rows * rowBytes < leastBytes) return [];
  const code: Instruction[] = [];
  const address = (row: Instruction): Local => {
    const own = fn.define(code, row);
    code.push(own.set(notNegative(own.get())));
    const bytes = i32.mul(atMost(own.get(), rows), i32.const(rowBytes));
    return fn.define(code, i32.add(x.get(), bytes));
  };
  const [from, to] = [address(start), address(end)];
  return [
    ...code,
    control.loop(
      control.drop(i32.load(from.get())),
      from.add(line),
      control.br_if(0, i32.lt_u(from.get(), to.get())),
    ),
  ];
}
