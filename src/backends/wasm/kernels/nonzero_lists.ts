/**
 * @file Lists of what is not zero in rows of a matrix. Four elements at a time: which of them are not zero chooses a shuffle,
 * which moves their places to the front; all four are stored, and the next ones over those that don't count.
 */
import type { Node } from '../../../ir/graph.ts';
import { f32x4, type Instruction, i8x16, i32, i32x4, v128 } from '../assembler/instructions.ts';
import { type Local, whileLess } from '../assembler/module.ts';
import { at, eachSize, type KernelBuilder, type KernelSpec } from '../kernel.ts';
import { blocksOf, listBlock } from '../ops/listed.ts';

/** Bytes of the table of shuffles, one for each of the sixteen cases. */
export const shuffleBytes = 16 * 16;

/** Writes the table to where `table` points. */
export function storeShuffles(table: Local): Instruction[] {
  return Array.from({ length: 16 }, (_, mask) => {
    const chosen = [0, 1, 2, 3].filter((lane) => mask & (1 << lane));
    const bytes = (lane = 0) => 0x03020100 + lane * 0x04040404;
    const shuffle = [chosen[0], chosen[1], chosen[2], chosen[3]].map(bytes);
    return v128.store(
      table.get(),
      i32x4.consts(shuffle as [number, number, number, number]),
      mask * 16,
    );
  });
}

/**
 * Lists and counts of rows that follow each other.
 *
 * @param r elements of a row, a multiple of four.
 * @param x the first row, `end` behind the last; `lists` and `counts` where theirs begin. All four must be locals that may be
 *   moved; `table` stays.
 */
export function listRows(
  fn: KernelBuilder,
  r: number,
  { x, end, lists, counts, table }: Record<'x' | 'end' | 'lists' | 'counts' | 'table', Local>,
): Instruction[] {
  const [to, blockEnd, mask] = fn.localsOf('i32', 3);
  const places = fn.local('v128');
  const four = (): Instruction[] => [
    mask.set(i32x4.bitmask(f32x4.ne(v128.load(x.get()), f32x4.const(0)))),
    v128.store(to.get(), i8x16.swizzle(places.get(), v128.load(at(table.get(), mask.get(), 16)))),
    to.set(at(to.get(), i32.popcnt(mask.get()), 4)),
    places.set(i32x4.add(places.get(), fn.constant(i32x4.const(16)).get())),
    x.add(16),
  ];
  const block = (columns: number): Instruction[] => [
    to.set(lists.get()),
    blockEnd.set(i32.add(x.get(), i32.const(columns * 4))),
    ...whileLess(x, () => blockEnd.get(), four()),
    i32.store(counts.get(), i32.shr_u(i32.sub(to.get(), lists.get()), i32.const(2))),
    lists.add(columns * 4),
    counts.add(4),
  ];
  return whileLess(x, () => end.get(), [
    places.set(i32x4.consts([0, 4, 8, 12])),
    ...fn.each(blocksOf(r), (i) => eachSize(i, r, listBlock, block)),
  ]);
}

/** Unit = row. */
export function nonzeroListsKernel(node: Node): KernelSpec {
  const [m, r] = node.inputs[0]!.shape as readonly [number, number];
  return {
    key: JSON.stringify(['nonzero_lists', m, r]),
    units: m,
    work: m * r,
    scratch: shuffleBytes,
    emit(fn) {
      const [x, end, lists, counts] = fn.localsOf('i32', 4);
      fn.push(
        ...storeShuffles(fn.scratch),
        x.set(at(fn.inputs[0]!.get(), fn.lo.get(), r * 4)),
        end.set(at(fn.inputs[0]!.get(), fn.hi.get(), r * 4)),
        lists.set(at(fn.outputs[0]!.get(), fn.lo.get(), r * 4)),
        counts.set(at(fn.outputs[1]!.get(), fn.lo.get(), blocksOf(r) * 4)),
        ...listRows(fn, r, { x, end, lists, counts, table: fn.scratch }),
      );
    },
  };
}
