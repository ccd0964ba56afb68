/**
 * @file The gradient of a dense kernel, a product of two matrices either of which may have zeros to leave out:
 *
 *     ∂w[r, k] = Σ_p x[p, r] · g[p, k]        p: in order
 *
 * By lists of what is not zero in x it comes as it shall be; by lists of what is not zero in g it comes turned, [k, r], a tile
 * of which is turned back in memory of the thread's own. The one with fewer places is taken, or tiles where both have many.
 * All ways add the same products in the same order. Units of the ways are as many as the most of them, each an even share.
 */
import type { Node, Value } from '../../../ir/graph.ts';
import { control, f32, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local, whileLess } from '../assembler/module.ts';
import { at, atMost, type KernelSpec, sharesOf, transpose4, unravel } from '../kernel.ts';
import { gradientUnits, turnedRows } from '../ops/listed.ts';
import { storing } from './listed_product.ts';
import {
  addCounts,
  addFinite,
  byLists,
  byTiles,
  chooseLists,
  chooseStrips,
  chooseTiles,
  isZero,
  mostListed,
  type Unit,
  unitOf,
} from './listed_sums.ts';

/** Terms of a sum that take as long as turning one back. */
const turning = 3.5;

export function listedGradientKernel(node: Node): KernelSpec {
  const [xt, gPanels, gFinite, , , gt, xPanels, xFinite] = node.inputs as Value[];
  const [m, p] = xt!.shape as readonly [number, number];
  const n = gt!.shape[0]!;
  const [gStrips, , width] = gPanels!.shape as readonly [number, number, number];
  const xStrips = xPanels!.shape[0]!;
  const { tiles, turned, units } = gradientUnits(node.inputs);
  return {
    key: JSON.stringify(['listed_gradient', m, n, p, width]),
    units,
    work: m * p * n,
    scratch: turnedRows * Math.ceil(xStrips / turned.stripGroups) * width * 4,
    emit(fn) {
      const [x, panels, finite, lists, counts, ...others] = fn.inputs as Local[];
      const [g, turnedPanels, turnedFinite, turnedLists, turnedCounts] = others as Local[];
      const given = { r: p, width, bias: undefined };
      const own = unitOf(fn, {
        ...{ ...given, k: n, x: x!, panels: panels! },
        finish: storing(fn, { k: n, activation: 'linear' }),
      });
      const next = fn.local('i32');
      const aside = unitOf(fn, {
        ...{ ...given, k: m, x: g!, panels: turnedPanels! },
        finish: (rows) =>
          rows.flatMap((sums) => [
            ...sums.map((sum, v) => v128.store(next.get(), sum.get(), v * 16)),
            next.add(sums.length * 16),
          ]),
      });

      const share = (all: Local, rows: number): Local => {
        const sum = fn.local('i32');
        fn.push(...addCounts(fn, all.get(), at(all.get(), i32.const(rows), 4), sum));
        const part = f32.mul(f32.convert_i32_u(sum.get()), f32.const(1 / (rows * p)));
        return fn.define(fn.body, part, 'f32');
      };
      const [xShare, gShare] = [share(counts!, m), share(turnedCounts!, n)];
      const allFinite = (told: Local, { shape }: Value): Instruction => {
        const sum = fn.local('v128');
        const end = i32.add(told.get(), i32.const(shape[0]! * 16));
        fn.push(...addFinite(fn, told.get(), end, sum));
        return isZero(sum);
      };
      const most = f32.const(mostListed);
      const turnedShare = f32.add(gShare.get(), f32.const(turning / p));
      const goesTurned = fn.define(
        fn.body,
        [
          f32.lt(turnedShare, xShare.get()),
          f32.lt(turnedShare, most),
          allFinite(turnedFinite!, xFinite!),
        ].reduce(i32.and),
      );
      const goesByLists = fn.define(
        fn.body,
        i32.and(f32.lt(xShare.get(), most), allFinite(finite!, gFinite!)),
      );

      /** `body` for each of a way's `all` units that fall into unit `number`. */
      const eachOf = (number: Local, all: number, body: (one: Local) => Instruction[]) => {
        const one = fn.local('i32');
        const end = fn.local('i32');
        const shares = sharesOf(all, units);
        return [
          end.set(shares.end(number)),
          ...forRange(one, shares.first(number), () => end.get(), 1, body(one)),
        ];
      };
      const unturned = (one: Local): Instruction[] => {
        const code: Instruction[] = [];
        const [group, stripGroup] = unravel(fn, code, one.get(), [tiles.stripGroups]);
        return [
          ...code,
          ...chooseTiles(own, group, tiles),
          ...chooseStrips(own, stripGroup, gStrips, tiles.stripGroups),
          ...chooseLists(own, lists!, counts!),
          control.if(goesByLists.get(), byLists(own), byTiles(own, tiles)),
        ];
      };
      const turnedUnit = (one: Local): Instruction[] => {
        const code: Instruction[] = [];
        const [group, stripGroup] = unravel(fn, code, one.get(), [turned.stripGroups]);
        return [
          ...code,
          aside.first.set(i32.mul(group.get(), i32.const(turnedRows))),
          aside.last.set(atMost(i32.add(aside.first.get(), i32.const(turnedRows)), n)),
          ...chooseStrips(aside, stripGroup, xStrips, turned.stripGroups),
          ...chooseLists(aside, turnedLists!, turnedCounts!),
          next.set(fn.scratch.get()),
          ...byLists(aside),
          ...turnBack(aside, m, n),
        ];
      };
      fn.eachUnit((number) => [
        control.if(
          goesTurned.get(),
          eachOf(number, turned.units, turnedUnit),
          eachOf(number, tiles.units, unturned),
        ),
      ]);
    },
  };
}

/** The unit's rows in the scratch become columns of the result [m, n], in squares of 4 × 4 transposed in registers. */
function turnBack(
  { fn, width, first, last, stripStart, stripEnd }: Unit,
  m: number,
  n: number,
): Instruction[] {
  const code: Instruction[] = [];
  const start = fn.define(code, i32.mul(stripStart.get(), i32.const(width)));
  const end = fn.define(code, i32.mul(stripEnd.get(), i32.const(width)));
  code.push(end.set(atMost(end.get(), m)));
  const rowBytes = fn.define(code, i32.mul(i32.sub(end.get(), start.get()), i32.const(4)));
  const block = fn.define(code, fn.scratch.get());
  const blockEnd = fn.define(code, i32.add(block.get(), rowBytes.get()));
  const line = fn.define(code, at(at(fn.outputs[0]!.get(), start.get(), n * 4), first.get(), 4));
  const [from, to, lineEnd] = fn.localsOf('i32', 3);
  const square = fn.localsOf('v128', 4);
  const halves = fn.localsOf('v128', 4);
  return [
    ...code,
    ...whileLess(block, () => blockEnd.get(), [
      from.set(block.get()),
      to.set(line.get()),
      lineEnd.set(at(line.get(), i32.sub(last.get(), first.get()), 4)),
      ...whileLess(to, () => lineEnd.get(), [
        ...square.flatMap((vector) => [
          vector.set(v128.load(from.get())),
          from.add(rowBytes.get()),
        ]),
        ...transpose4(square, halves),
        ...square.map((vector, i) => v128.store(to.get(), vector.get(), i * n * 4)),
        to.add(16),
      ]),
      block.add(16),
      line.add(4 * n * 4),
    ]),
  ];
}
