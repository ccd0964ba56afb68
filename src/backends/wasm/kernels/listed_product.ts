/**
 * @file A product of a matrix whose zeros may be left out, by lists or by tiles as each unit finds it:
 *
 *     y[p, k] = act(b[k] + Σ_r x[p, r] · W[r, k])
 *
 * Where pixels are few their lists are given, since many units read them; else a unit makes those of its pixels.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node, Value } from '../../../ir/graph.ts';
import { control, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelBuilder, type KernelSpec, unravel } from '../kernel.ts';
import { activateLanes } from '../ops/activation.ts';
import { blocksOf, type ListedProductAttrs, listedUnits, unitTiles } from '../ops/listed.ts';
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
import { listRows, shuffleBytes, storeShuffles } from './nonzero_lists.ts';

/** Unit = (group of tiles, group of strips), or where a unit makes its own lists, group of tiles. */
export function listedProductKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ListedProductAttrs;
  const { k } = attrs;
  const [x, panels, finite] = node.inputs as [Value, Value, Value];
  const [strips, r, width] = panels.shape as readonly [number, number, number];
  const m = sizeOf(x.shape) / r;
  const countBytes = blocksOf(r) * 4;
  const tiles = listedUnits(x, panels, attrs);
  const { stripGroups, units } = tiles;
  const isGiven = attrs.lists === 'given';
  const mostPixels = unitTiles * tiles.size;
  return {
    key: JSON.stringify(['listed_product', ...node.inputs.map(({ shape }) => shape), attrs]),
    units,
    work: m * r * k,
    scratch: isGiven ? 0 : shuffleBytes + mostPixels * (r * 4 + countBytes),
    emit(fn) {
      const inputs = [...fn.inputs];
      const next = () => inputs.shift()!;
      const [x, panels, areFinite] = [next(), next(), next()];
      const bias = attrs.biased ? next() : undefined;
      const [allLists, allCounts] = isGiven ? [next(), next()] : [];
      const finish = storing(fn, attrs);
      const unit = unitOf(fn, { r, k, width, x, panels, bias, finish });
      const { first, last, counts, stripStart, stripEnd } = unit;
      const [listed, told] = [fn.local('i32'), fn.local('v128')];
      const finiteBytes = (finite.shape[0]! / strips) * 16;
      const pixels = i32.sub(last.get(), first.get());
      const most = i32.mul(pixels, i32.const(Math.floor(r * mostListed)));
      const isSparse = i32.lt_u(listed.get(), most);
      const ofStrips = (group: Local): Instruction[] => [
        ...chooseStrips(unit, group, strips, stripGroups),
        ...addFinite(
          fn,
          at(areFinite.get(), stripStart.get(), finiteBytes),
          at(areFinite.get(), stripEnd.get(), finiteBytes),
          told,
        ),
        control.if(i32.and(isSparse, isZero(told)), byLists(unit), byTiles(unit, tiles)),
      ];
      fn.push(...(isGiven ? [] : storeShuffles(fn.scratch)));
      fn.eachUnit((number) => {
        const code: Instruction[] = [];
        const [group, stripGroup] = unravel(fn, code, number.get(), [isGiven ? stripGroups : 1]);
        return [
          ...code,
          ...chooseTiles(unit, group, tiles),
          ...(allLists && allCounts
            ? chooseLists(unit, allLists, allCounts)
            : ownLists(unit, mostPixels * r * 4)),
          ...addCounts(fn, counts.get(), at(counts.get(), pixels, countBytes), listed),
          ...(isGiven ? ofStrips(stripGroup) : fn.each(stripGroups, ofStrips)),
        ];
      });
    },
  };
}

/** Sums go through the activation into the result. */
export function storing(
  fn: KernelBuilder,
  { k, activation }: Pick<ListedProductAttrs, 'k' | 'activation'>,
): Unit['finish'] {
  const out = fn.local('i32');
  return (rows, place) => [
    out.set(i32.add(fn.outputs[0]!.get(), place.get())),
    ...rows.flatMap((row, j) =>
      row.map((sum, v) =>
        v128.store(out.get(), activateLanes(activation, sum.get()), j * k * 4 + v * 16),
      ),
    ),
  ];
}

/** Lists of the unit's pixels into the scratch. */
function ownLists(
  { fn, r, x, first, last, lists, counts }: Unit,
  listBytes: number,
): Instruction[] {
  const [from, end, toLists, toCounts] = fn.localsOf('i32', 4);
  return [
    lists.set(i32.add(fn.scratch.get(), i32.const(shuffleBytes))),
    counts.set(i32.add(lists.get(), i32.const(listBytes))),
    from.set(at(x.get(), first.get(), r * 4)),
    end.set(at(x.get(), last.get(), r * 4)),
    toLists.set(lists.get()),
    toCounts.set(counts.get()),
    ...listRows(fn, r, { x: from, end, lists: toLists, counts: toCounts, table: fn.scratch }),
  ];
}
