/**
 * @file A product of which only some elements are asked for: the gradient behind a ReLU, most of which does not pass.
 *
 *     y[p, k] = Σ_r g[p, r] · w[k, r]        for the places p that the list of k has; zeros elsewhere
 *
 * Both run along r, so that weights need no other layout. A tile is one column k and a few of its places: its row of w stays in
 * the first cache meanwhile. Each element is summed by eight lanes, whose sums are added in a fixed tree: how many places go
 * together changes no bit. Eight places are 8 sums of 256 bits, enough for multiply-adds that take four cycles and begin two
 * in each; without joined vectors three, as V8 of Node 20 holds all loads of a turn in registers at once.
 */
import type { Node } from '../../../ir/graph.ts';
import {
  control,
  f32x4,
  type Instruction,
  i32,
  shuffle32,
  v128,
} from '../assembler/instructions.ts';
import { forRange, type Local, whileLess } from '../assembler/module.ts';
import { at, type KernelSpec } from '../kernel.ts';
import { maskedColumns } from '../ops/listed.ts';

/** Vectors of a sum. */
const lanes = 2;

/** Unit = {@link maskedColumns} columns. */
export function maskedProductKernel(node: Node): KernelSpec {
  const [g, w] = node.inputs.map(({ shape }) => shape) as [readonly number[], readonly number[]];
  const [m, r] = g as [number, number];
  const k = w[0]!;
  return {
    key: JSON.stringify(['masked_product', m, r, k]),
    units: k / maskedColumns,
    work: m * r * k,
    scratch: 8 * lanes * 16,
    emit(fn) {
      const [g, w, lists, counts] = fn.inputs as [Local, Local, Local, Local];
      const y = fn.outputs[0]!;
      const most = fn.join > 1 ? 8 : 3;
      const [column, list, end, row, to, weights, rowEnd] = fn.localsOf('i32', 7);
      const places = fn.localsOf('i32', most);
      const pointers = fn.localsOf('i32', most);
      const sums = places.map(() => fn.localsOf('v128', lanes));
      const factors = fn.localsOf('v128', lanes);
      const sum = fn.local('v128');

      const clear = (unit: Local): Instruction[] => [
        to.set(at(y.get(), unit.get(), maskedColumns * 4)),
        ...fn.each(m, () => [
          ...Array.from({ length: maskedColumns / 4 }, (_, v) =>
            v128.store(to.get(), f32x4.const(0), v * 16),
          ),
          to.add(k * 4),
        ]),
      ];
      /** The next `size` places of the list. */
      const tile = (size: number): Instruction[] => {
        const own = sums.slice(0, size);
        return [
          ...own.flatMap((_, j) => [
            places[j]!.set(i32.load(list.get(), j * 4)),
            pointers[j]!.set(at(g.get(), places[j]!.get(), r)),
          ]),
          ...own.flat().map((one) => one.set(f32x4.const(0))),
          weights.set(row.get()),
          ...whileLess(weights, () => rowEnd.get(), [
            ...factors.map((factor, v) => factor.set(v128.load(weights.get(), v * 16))),
            ...own.flatMap((line, j) => [
              ...line.map((one, v) =>
                one.set(
                  fn.madd(v128.load(pointers[j]!.get(), v * 16), factors[v]!.get(), one.get()),
                ),
              ),
              pointers[j]!.add(lanes * 16),
            ]),
            weights.add(lanes * 16),
          ]),
          // By way of memory, so that V8 joins the sums of the loop.
          ...own.flatMap((line, j) =>
            line.map((one, v) => v128.store(fn.scratch.get(), one.get(), (j * lanes + v) * 16)),
          ),
          ...own.flatMap((_, j) => {
            const part = (v: number) => v128.load(fn.scratch.get(), (j * lanes + v) * 16);
            const turned = (order: readonly number[]) => shuffle32(sum.get(), sum.get(), order);
            return [
              sum.set(f32x4.add(part(0), part(1))),
              sum.set(f32x4.add(sum.get(), turned([2, 3, 0, 1]))),
              sum.set(f32x4.add(sum.get(), turned([1, 0, 3, 2]))),
              v128.store32_lane(at(to.get(), places[j]!.get(), k), sum.get(), 0),
            ];
          }),
          list.add(size * 4),
        ];
      };
      const left = i32.sub(end.get(), list.get());
      const rest = (size: number): Instruction[] =>
        size === 0
          ? []
          : [control.if(i32.eq(left, i32.const(size * 4)), tile(size), rest(size - 1))];
      fn.eachUnit((unit) => {
        const first = fn.local('i32');
        return [
          ...clear(unit),
          first.set(i32.mul(unit.get(), i32.const(maskedColumns))),
          ...forRange(
            column,
            first.get(),
            () => i32.add(first.get(), i32.const(maskedColumns)),
            1,
            [
              row.set(at(w.get(), column.get(), r * 4)),
              rowEnd.set(i32.add(row.get(), i32.const(r * 4))),
              to.set(at(y.get(), column.get(), 4)),
              list.set(at(lists.get(), column.get(), m * 4)),
              end.set(at(list.get(), i32.load(at(counts.get(), column.get(), 4)), 4)),
              // As long as `most` places are left.
              ...whileLess(list, () => i32.sub(end.get(), i32.const(most * 4 - 1)), tile(most)),
              ...rest(most - 1),
            ],
          ),
        ];
      });
    },
  };
}
