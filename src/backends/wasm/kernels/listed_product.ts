/**
 * @file Products that leave out zeros.
 *
 *     y[p, k] = act(b[k] + Σ_r x[p, r] · W[r, k])        r: in order, without those where x[p, r] is zero
 *
 * A strip of W is as many columns as there are registers for sums. A place of a list then costs a load of x and, for each
 * vector, a load of W and a multiply-add; in the dense product weights in registers serve several pixels, and multiply-adds
 * alone are the limit. So lists win where more than a quarter is zero, and a unit that finds less goes the dense way, as does
 * one whose weights are not all finite, since 0 · ∞ is NaN. Both add in the same order, and a zero adds nothing: the bits are
 * the same.
 *
 * Lists are in blocks, for so many rows of W stay in the first cache while the pixels of a unit pass; between blocks sums wait
 * in the result. Where pixels are few the lists are given, since many units read them; else a unit makes those of its pixels.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { activateLanes } from '../activation.ts';
import { control, f32x4, type Instruction, i32, i32x4, v128 } from '../assembler/instructions.ts';
import { forRange, type Local, whileLess } from '../assembler/module.ts';
import { at, eachSize, type KernelBuilder, type KernelSpec, unravel } from '../kernel.ts';
import { type ListedProductAttrs, listBlock } from '../listed_ops.ts';
import { blocksOf, listRows, shuffleBytes, storeShuffles } from './nonzero_lists.ts';
import { accumulateTile, atMost, evenPieces } from './panel_conv.ts';

/** Where more than this share of a unit's elements is listed, the dense way is faster. */
const mostListed = 0.7;

/** Dense tiles of a unit. */
const unitTiles = 6;

/** Tiles of the dense way: `long` of `size` pixels, then ones with one less. */
interface Tiles {
  count: number;
  size: number;
  long: number;
  columns: number;
}

/** What a unit works on. */
interface Unit {
  fn: KernelBuilder;
  attrs: ListedProductAttrs;
  /** Rows of W, and columns of a strip. */
  r: number;
  width: number;
  x: Local;
  bias: Local | undefined;
  /** The strip and its weights. */
  strip: Local;
  weights: Local;
  /** Its tiles, their first pixel and the one behind the last. */
  tileStart: Local;
  tileEnd: Local;
  first: Local;
  last: Local;
  /** Of the first pixel. */
  lists: Local;
  counts: Local;
}

/** Unit = (group of tiles, strip), or where it makes lists itself, group of tiles. */
export function listedProductKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ListedProductAttrs;
  const [xShape, panelShape, finiteShape] = node.inputs.map(({ shape }) => shape);
  const [strips, r, width] = panelShape as readonly [number, number, number];
  const m = sizeOf(xShape!) / r;
  const blocks = blocksOf(r);
  const joined = width % 16 === 0;
  const tiles: Tiles = { columns: joined ? 16 : 8, ...evenPieces(m, joined ? 6 : 4) };
  const groups = Math.ceil(tiles.count / unitTiles);
  const listBytes = unitTiles * tiles.size * r * 4;
  const countBytes = unitTiles * tiles.size * blocks * 4;
  return {
    key: JSON.stringify(['listed_product', m, r, width, attrs, node.inputs.length]),
    units: attrs.lists === 'given' ? groups * strips : groups,
    work: m * r * attrs.k,
    scratch: attrs.lists === 'given' ? 0 : shuffleBytes + listBytes + countBytes,
    emit(fn) {
      const [x, panels, finite, ...others] = fn.inputs as [Local, Local, Local, ...Local[]];
      const [allLists, allCounts] = attrs.lists === 'given' ? others.splice(-2) : [];
      const [tileStart, tileEnd, first, last] = fn.localsOf('i32', 4);
      const [strip, weights, lists, counts] = fn.localsOf('i32', 4);
      const unit: Unit = {
        ...{ fn, attrs, r, width, x, bias: others[0] },
        ...{ strip, weights, tileStart, tileEnd, first, last, lists, counts },
      };
      const listed = fn.local('i32');
      const most = Math.floor(r * mostListed);
      const isSparse = i32.lt_u(
        listed.get(),
        i32.mul(i32.sub(last.get(), first.get()), i32.const(most)),
      );
      const pieces = finiteShape![0]! / strips;
      const finitePieces = Array.from({ length: pieces }, (_, piece) => {
        const sum = v128.load(at(finite.get(), strip.get(), pieces * 16), piece * 16);
        return i32.eqz(i32x4.bitmask(f32x4.ne(sum, f32x4.const(0))));
      });
      const ofStrip = (): Instruction[] => [
        weights.set(at(panels.get(), strip.get(), r * width * 4)),
        ...eachSize(strip, attrs.k, width, (columns) => [
          control.if(
            finitePieces.reduce(i32.and, isSparse),
            byLists(unit, columns),
            byTiles(unit, columns, tiles),
          ),
        ]),
      ];
      if (!allLists) fn.push(...storeShuffles(fn.scratch));
      fn.eachUnit((number) => {
        const code: Instruction[] = [];
        const [group, one] = unravel(fn, code, number.get(), [allLists ? strips : 1]);
        const firstTile = (index: Instruction) =>
          i32.div_u(i32.mul(index, i32.const(tiles.count)), i32.const(groups));
        code.push(
          tileStart.set(firstTile(group.get())),
          tileEnd.set(firstTile(i32.add(group.get(), i32.const(1)))),
          first.set(firstPixel(tileStart, tiles)),
          last.set(firstPixel(tileEnd, tiles)),
        );
        if (allLists && allCounts)
          code.push(
            lists.set(at(allLists.get(), first.get(), r * 4)),
            counts.set(at(allCounts.get(), first.get(), blocks * 4)),
          );
        else code.push(...ownLists(unit, listBytes));
        return [
          ...code,
          ...countListed(unit, listed),
          ...(allLists
            ? [strip.set(one.get()), ...ofStrip()]
            : forRange(strip, i32.const(0), () => i32.const(strips), 1, ofStrip())),
        ];
      });
    },
  };
}

const firstPixel = (tile: Local, { size, long }: Tiles): Instruction =>
  i32.add(i32.mul(tile.get(), i32.const(size - 1)), atMost(tile.get(), long));

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

/** How many places the lists of the unit's pixels have. */
function countListed({ fn, r, first, last, counts }: Unit, sum: Local): Instruction[] {
  const count = fn.local('i32');
  const end = at(counts.get(), i32.sub(last.get(), first.get()), blocksOf(r) * 4);
  return [
    sum.set(i32.const(0)),
    ...forRange(count, counts.get(), () => end, 4, [sum.add(i32.load(count.get()))]),
  ];
}

function byLists(unit: Unit, columns: number): Instruction[] {
  const { fn, attrs, r, width, x, bias, strip, weights, first, last, lists, counts } = unit;
  const blocks = blocksOf(r);
  const sums = fn.localsOf('v128', columns / 4);
  const [row, place, end, from, pixel, list, count, out] = fn.localsOf('i32', 8);
  const amount = fn.local('v128');
  const begin = sums.map((sum, v) =>
    sum.set(bias ? v128.load(at(bias.get(), strip.get(), width * 4), v * 16) : f32x4.const(0)),
  );
  const goOn = sums.map((sum, v) => sum.set(v128.load(out.get(), v * 16)));
  const activate = sums.map((sum) => sum.set(activateLanes(attrs.activation, sum.get())));
  const isLast = (block: Local) => i32.eq(block.get(), i32.const(blocks - 1));
  return fn.each(blocks, (block) => [
    list.set(at(lists.get(), block.get(), listBlock * 4)),
    count.set(at(counts.get(), block.get(), 4)),
    row.set(at(x.get(), first.get(), r * 4)),
    out.set(at(at(fn.outputs[0]!.get(), first.get(), attrs.k * 4), strip.get(), width * 4)),
    ...forRange(pixel, first.get(), () => last.get(), 1, [
      place.set(list.get()),
      end.set(at(place.get(), i32.load(count.get()), 4)),
      ...(blocks > 1 ? [control.if(i32.eqz(block.get()), begin, goOn)] : begin),
      ...whileLess(place, () => end.get(), [
        from.set(i32.load(place.get())),
        amount.set(v128.load32_splat(i32.add(row.get(), from.get()))),
        from.set(at(weights.get(), from.get(), width)),
        ...sums.map((sum, v) =>
          sum.set(fn.madd(amount.get(), v128.load(from.get(), v * 16), sum.get())),
        ),
        place.add(4),
      ]),
      ...(attrs.activation === 'linear' ? [] : [control.if(isLast(block), activate)]),
      ...sums.map((sum, v) => v128.store(out.get(), sum.get(), v * 16)),
      list.add(r * 4),
      count.add(blocks * 4),
      row.add(r * 4),
      out.add(attrs.k * 4),
    ]),
  ]);
}

function byTiles(unit: Unit, columns: number, tiles: Tiles): Instruction[] {
  const { fn, attrs, r, width, x, bias, strip, weights, tileStart, tileEnd } = unit;
  const all = Array.from({ length: tiles.size }, () => fn.localsOf('v128', tiles.columns / 4));
  const [tile, pixel, from, patch, column, out] = fn.localsOf('i32', 6);
  const compute = (acc: typeof all, part: Local): Instruction[] => [
    pixel.set(firstPixel(tile, tiles)),
    patch.set(at(x.get(), pixel.get(), r * 4)),
    from.set(at(weights.get(), part.get(), tiles.columns * 4)),
    column.set(at(i32.mul(part.get(), i32.const(tiles.columns)), strip.get(), width)),
    ...acc.flatMap((row) =>
      row.map((sum, v) =>
        sum.set(bias ? v128.load(at(bias.get(), column.get(), 4), v * 16) : f32x4.const(0)),
      ),
    ),
    ...accumulateTile(
      fn,
      [{ offset: 0, length: r }],
      acc.map((_, j) => ({ pointer: patch, offset: j * r * 4 })),
      from,
      acc,
      width * 4,
    ),
    ...(attrs.activation === 'linear'
      ? []
      : acc.flat().map((sum) => sum.set(activateLanes(attrs.activation, sum.get())))),
    out.set(at(at(fn.outputs[0]!.get(), pixel.get(), attrs.k * 4), column.get(), 4)),
    ...acc.flatMap((row, j) =>
      row.map((sum, v) => v128.store(out.get(), sum.get(), j * attrs.k * 4 + v * 16)),
    ),
  ];
  const isLong = i32.lt_s(tile.get(), i32.const(tiles.long));
  return fn.each(columns / tiles.columns, (part) =>
    forRange(tile, tileStart.get(), () => tileEnd.get(), 1, [
      ...(tiles.long < tiles.count
        ? [control.if(isLong, compute(all, part), compute(all.slice(0, -1), part))]
        : compute(all, part)),
    ]),
  );
}
