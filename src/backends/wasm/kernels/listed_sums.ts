/**
 * @file The two ways of a product whose zeros may be left out:
 *
 *     y[p, k] = b[k] + Σ_r x[p, r] · W[r, k]        r: in order; by lists, without those where x[p, r] is zero
 *
 * A strip of W is as many columns as there are registers for sums. A place of a list then costs a load of x and, for each
 * vector, a load of W and a multiply-add; by tiles, weights in registers serve several pixels, and multiply-adds alone are the
 * limit. So lists win where more than 30 % is zero. Both ways add in the same order, and a zero adds nothing where all
 * of W is finite: the bits are the same.
 *
 * Lists are in blocks, for so many rows of W stay in the first cache while the pixels of a unit pass; between blocks sums wait
 * in the result. Where there is one block, several strips stay there, and a pixel goes through all of them.
 */
import { control, f32x4, type Instruction, i32, i32x4, v128 } from '../assembler/instructions.ts';
import { forRange, type Local, whileLess } from '../assembler/module.ts';
import { at, eachSize, type KernelBuilder, pieceStart, sharesOf } from '../kernel.ts';
import { blocksOf, type ListedUnits, listBlock } from '../ops/listed.ts';
import { accumulateTile } from './panel_conv.ts';

/** Where more than this share of the elements is listed, tiles are faster. */
export const mostListed = 0.7;

/** What a unit works on. */
export interface Unit {
  fn: KernelBuilder;
  /** Rows of W, all of its columns, and those of a strip. */
  r: number;
  k: number;
  width: number;
  x: Local;
  panels: Local;
  bias: Local | undefined;
  /** Its pixels, their lists and counts: pointers to those of the first. */
  first: Local;
  last: Local;
  lists: Local;
  counts: Local;
  /** Its tiles, where it may go that way. */
  tileStart: Local;
  tileEnd: Local;
  /** Its strips, the one at hand and that one's weights. */
  stripStart: Local;
  stripEnd: Local;
  strip: Local;
  weights: Local;
  /** What becomes of finished sums of rows that follow each other; the first stand `place` bytes into the result. */
  finish(rows: readonly (readonly Local[])[], place: Local): Instruction[];
}

/** A unit whose numbers have locals of their own. */
export function unitOf(
  fn: KernelBuilder,
  given: Pick<Unit, 'r' | 'k' | 'width' | 'x' | 'panels' | 'bias' | 'finish'>,
): Unit {
  const [first, last, lists, counts, tileStart, tileEnd] = fn.localsOf('i32', 6);
  const [stripStart, stripEnd, strip, weights] = fn.localsOf('i32', 4);
  const pixels = { first, last, lists, counts, tileStart, tileEnd };
  return { fn, ...given, ...pixels, stripStart, stripEnd, strip, weights };
}

/** The unit's tiles, and with them its pixels: those of a group of tiles. */
export function chooseTiles(
  { tileStart, tileEnd, first, last }: Unit,
  group: Local,
  tiles: ListedUnits,
): Instruction[] {
  const shares = sharesOf(tiles.count, tiles.groups);
  return [
    tileStart.set(shares.first(group)),
    tileEnd.set(shares.end(group)),
    first.set(pieceStart(tileStart, tiles)),
    last.set(pieceStart(tileEnd, tiles)),
  ];
}

/** The unit's strips: those of a group, of as many `groups` of `strips`. */
export function chooseStrips(
  { stripStart, stripEnd }: Unit,
  group: Local,
  strips: number,
  groups: number,
): Instruction[] {
  const shares = sharesOf(strips, groups);
  return [stripStart.set(shares.first(group)), stripEnd.set(shares.end(group))];
}

/** The unit's lists and counts, of those of all pixels. */
export function chooseLists(
  { r, first, lists, counts }: Unit,
  allLists: Local,
  allCounts: Local,
): Instruction[] {
  return [
    lists.set(at(allLists.get(), first.get(), r * 4)),
    counts.set(at(allCounts.get(), first.get(), blocksOf(r) * 4)),
  ];
}

/** `sum` = the counts from `first` up to `end`. */
export function addCounts(
  fn: KernelBuilder,
  first: Instruction,
  end: Instruction,
  sum: Local,
): Instruction[] {
  const count = fn.local('i32');
  return [
    sum.set(i32.const(0)),
    ...forRange(count, first, () => end, 4, [sum.add(i32.load(count.get()))]),
  ];
}

/** `sum` = what is told of finiteness from `first` up to `end`: NaN, or 0. */
export function addFinite(
  fn: KernelBuilder,
  first: Instruction,
  end: Instruction,
  sum: Local,
): Instruction[] {
  const from = fn.local('i32');
  return [
    sum.set(f32x4.const(0)),
    ...forRange(from, first, () => end, 16, [sum.set(f32x4.add(sum.get(), v128.load(from.get())))]),
  ];
}

/** Whether a sum of {@link addFinite} is no NaN. */
export const isZero = (sum: Local): Instruction =>
  i32.eqz(i32x4.bitmask(f32x4.ne(sum.get(), f32x4.const(0))));

/** `body` for each strip of the unit, `columns` wide. */
function eachStrip(
  { r, k, width, panels, stripStart, stripEnd, strip, weights }: Unit,
  body: (columns: number) => Instruction[],
): Instruction[] {
  return forRange(strip, stripStart.get(), () => stripEnd.get(), 1, [
    weights.set(at(panels.get(), strip.get(), r * width * 4)),
    ...eachSize(strip, k, width, body),
  ]);
}

export function byLists(unit: Unit): Instruction[] {
  const { fn, r, k, width, x, bias, strip, weights, first, last, lists, counts } = unit;
  const blocks = blocksOf(r);
  const all = fn.localsOf('v128', width / 4);
  const [row, listed, end, from, pixel, list, count, place] = fn.localsOf('i32', 8);
  const amount = fn.local('v128');
  const ofStrip = (block: Local, columns: number): Instruction[] => {
    const sums = all.slice(0, columns / 4);
    const begin = sums.map((sum, v) =>
      sum.set(bias ? v128.load(at(bias.get(), strip.get(), width * 4), v * 16) : f32x4.const(0)),
    );
    const result = i32.add(fn.outputs[0]!.get(), place.get());
    const goOn = sums.map((sum, v) => sum.set(v128.load(result, v * 16)));
    const wait = sums.map((sum, v) => v128.store(result, sum.get(), v * 16));
    const finish = unit.finish([sums], place);
    const isLast = i32.eq(block.get(), i32.const(blocks - 1));
    return [
      place.set(at(at(i32.const(0), pixel.get(), k * 4), strip.get(), width * 4)),
      listed.set(list.get()),
      ...(blocks > 1 ? [control.if(i32.eqz(block.get()), begin, goOn)] : begin),
      ...whileLess(listed, () => end.get(), [
        from.set(i32.load(listed.get())),
        amount.set(v128.load32_splat(i32.add(row.get(), from.get()))),
        from.set(at(weights.get(), from.get(), width)),
        ...sums.map((sum, v) =>
          sum.set(fn.madd(amount.get(), v128.load(from.get(), v * 16), sum.get())),
        ),
        listed.add(4),
      ]),
      ...(blocks > 1 ? [control.if(isLast, finish, wait)] : finish),
    ];
  };
  return fn.each(blocks, (block) => [
    list.set(at(lists.get(), block.get(), listBlock * 4)),
    count.set(at(counts.get(), block.get(), 4)),
    row.set(at(x.get(), first.get(), r * 4)),
    ...forRange(pixel, first.get(), () => last.get(), 1, [
      end.set(at(list.get(), i32.load(count.get()), 4)),
      ...eachStrip(unit, (columns) => ofStrip(block, columns)),
      list.add(r * 4),
      count.add(blocks * 4),
      row.add(r * 4),
    ]),
  ]);
}

export function byTiles(unit: Unit, tiles: ListedUnits): Instruction[] {
  const { fn, r, k, width, finish, x, bias, strip, weights, tileStart, tileEnd } = unit;
  const all = Array.from({ length: tiles.size }, () => fn.localsOf('v128', tiles.columns / 4));
  const [tile, pixel, from, patch, column, place] = fn.localsOf('i32', 6);
  const ofPart = (acc: typeof all, part: Local): Instruction[] => [
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
    place.set(at(at(i32.const(0), pixel.get(), k * 4), column.get(), 4)),
    ...finish(acc, place),
  ];
  const parts = (acc: typeof all): Instruction[] =>
    eachStrip(unit, (columns) => fn.each(columns / tiles.columns, (part) => ofPart(acc, part)));
  const isLong = i32.lt_s(tile.get(), i32.const(tiles.long));
  return forRange(tile, tileStart.get(), () => tileEnd.get(), 1, [
    pixel.set(pieceStart(tile, tiles)),
    patch.set(at(x.get(), pixel.get(), r * 4)),
    ...(tiles.long < tiles.count
      ? [control.if(isLong, parts(all), parts(all.slice(0, -1)))]
      : parts(all)),
  ]);
}
