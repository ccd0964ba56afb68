/**
 * @file The transforms of Winograd's method: M x Mᵀ of a square of vectors, and that of an image's patches, which lie in
 * private memory afterwards as sixteen planes V[16][tiles][c].
 */
import { control, f32x4, type Instruction, i32, memory, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, type KernelBuilder, unravel } from '../kernel.ts';
import { type Patches, transforms } from '../ops/winograd.ts';
import { touchRows } from './touch.ts';

const { add, sub, mul, const: constant } = f32x4;

/**
 * Bytes from one of the sixteen planes [tiles][channels] to the next: a cache line more than the plane, since planes a
 * multiple of 4096 bytes apart would fight for the same lines of the first cache.
 */
export function planeBytes(chunk: number, channels: number): number {
  return chunk * channels * 4 + 64;
}

type Matrix = readonly (readonly number[])[];

/** Σ row[i] · value(i): terms whose factors are of one size are added first, then scaled together. */
function combine(row: readonly number[], value: (i: number) => Instruction): Instruction {
  const sizes = [...new Set(row.map(Math.abs))].filter((size) => size > 0);
  const parts = sizes.map((size) => {
    const terms = row.flatMap((factor, i) =>
      Math.abs(factor) === size ? [{ negative: factor < 0, i }] : [],
    );
    // A positive term first, so that the others are added or subtracted.
    const [first, ...rest] = terms.sort((a, b) => Number(a.negative) - Number(b.negative));
    const start = first!.negative ? f32x4.neg(value(first!.i)) : value(first!.i);
    const sum = rest.reduce(
      (before, { negative, i }) => (negative ? sub(before, value(i)) : add(before, value(i))),
      start,
    );
    return size === 1 ? sum : mul(sum, constant(size));
  });
  return parts.reduce((sum, part) => add(sum, part));
}

/**
 * M x Mᵀ of a square of vectors, row by row of the result: `store(i, value)` for each. `load(i, j)` is asked for each use;
 * reading the first cache twice is cheaper than keeping all of `x` in registers.
 *
 * @param offsets of neighbouring vectors that are done together; each load and store is told one.
 */
export function sandwich(
  fn: KernelBuilder,
  code: Instruction[],
  matrix: Matrix,
  load: (i: number, j: number, offset: number) => Instruction,
  store: (index: number, value: Instruction, offset: number) => Instruction[],
  offsets: readonly number[] = [0],
): void {
  const side = matrix[0]!.length;
  matrix.forEach((row, i) => {
    const half = Array.from({ length: side }, (_, j) =>
      offsets.map((offset) =>
        fn.define(
          code,
          combine(row, (a) => load(a, j, offset)),
          'v128',
        ),
      ),
    );
    matrix.forEach((other, j) => {
      offsets.forEach((offset, o) => {
        const value = combine(other, (b) => half[b]![o]!.get());
        code.push(...store(i * matrix.length + j, value, offset));
      });
    });
  });
}

/** Extents of tiles over images. */
export interface TileGeometry extends Patches {
  images: number;
  h: number;
  w: number;
  c: number;
  th: number;
  tw: number;
}

/** Where the transformed patches of some tiles go. */
export interface Chunk {
  first: Local;
  count: Local;
  /** V, planes of `chunk` tiles. */
  v: Instruction;
  chunk: number;
  /** A pixel of zeros. */
  zeros: Instruction;
}

/** Clears a pixel of `c` channels, `offset` bytes into the scratch, and gives its address. */
export function zeroPixel(fn: KernelBuilder, offset: number, c: number): Instruction {
  const zeros = i32.add(fn.scratch.get(), i32.const(offset));
  fn.push(memory.fill(zeros, i32.const(0), i32.const(c * 4)));
  return zeros;
}

/** Whether the four places from 2·t − before on are inside `extent`: for no tile `t`, for all `tiles`, or as the code finds. */
function fits(start: Local, tiles: number, before: number, extent: number): boolean | Instruction {
  if (before === 0 && tiles * 2 + 2 <= extent) return true;
  // Unsigned: a place before the image is a large number.
  return extent >= 4 && i32.lt_u(start.get(), i32.const(extent - 3));
}

/**
 * V[e][t][c] for the tiles `first` … `first + count`. Of a patch at the border each pixel has a pointer of its own, to a
 * pixel of zeros where it is outside.
 */
export function transformPatches(
  fn: KernelBuilder,
  x: Local,
  geometry: TileGeometry,
  { first, count, v, chunk, zeros }: Chunk,
): Instruction[] {
  const { images, h, w, c, th, tw, before } = geometry;
  const rows = { images, h, rowBytes: w * c * 4, th, tw, before: before[0], reach: 4 };
  const t = fn.local('i32');
  const body: Instruction[] = [];
  const [n, ty, tx] = unravel(fn, body, i32.add(first.get(), t.get()), [th, tw]);
  const to = fn.define(body, at(v, t.get(), c * 4));
  const offsets = fn.together(c / 4);
  const step = offsets.length * 16;
  const top = fn.define(body, i32.sub(i32.mul(ty.get(), i32.const(2)), i32.const(before[0])));
  const side = fn.define(body, i32.sub(i32.mul(tx.get(), i32.const(2)), i32.const(before[1])));
  const pixel = at(side.get(), at(top.get(), n.get(), h), w);
  const from = fn.define(body, at(x.get(), pixel, c * 4));
  const transform = (load: (i: number, j: number, offset: number) => Instruction) => {
    const code: Instruction[] = [];
    const store = (e: number, value: Instruction, offset: number) => [
      v128.store(to.get(), value, e * planeBytes(chunk, c) + offset),
    ];
    sandwich(fn, code, transforms.input, load, store, offsets);
    return [...code, to.add(step)];
  };
  const inside = (): Instruction[] =>
    fn.each(c / 4 / offsets.length, () => [
      ...transform((i, j, offset) => v128.load(from.get(), (i * w + j) * c * 4 + offset)),
      from.add(step),
    ]);
  const atBorder = (): Instruction[] => {
    const pointers = fn.localsOf('i32', 16);
    const channel = fn.local('i32');
    const is = (place: Local, i: number, extent: number) =>
      i32.lt_u(i32.add(place.get(), i32.const(i)), i32.const(extent));
    return [
      ...pointers.map((pointer, p) => {
        const [i, j] = [Math.floor(p / 4), p % 4];
        const address = i32.add(from.get(), i32.const((i * w + j) * c * 4));
        return pointer.set(control.select(address, zeros, i32.and(is(top, i, h), is(side, j, w))));
      }),
      ...forRange(channel, i32.const(0), () => i32.const(c * 4), step, [
        ...transform((i, j, offset) =>
          v128.load(i32.add(pointers[i * 4 + j]!.get(), channel.get()), offset),
        ),
      ]),
    ];
  };
  const axes = [fits(top, th, before[0], h), fits(side, tw, before[1], w)];
  const unsure = axes.filter((axis) => typeof axis !== 'boolean');
  if (axes.includes(false)) body.push(...atBorder());
  else if (unsure.length === 0) body.push(...inside());
  else body.push(control.if(unsure.reduce(i32.and), inside(), atBorder()));
  return [
    ...touchTiles(fn, x, rows, first, count),
    ...forRange(t, i32.const(0), () => count.get(), 1, body),
  ];
}

/** Where tiles lie in images of `h` rows: they have `reach` rows each, the first of which is 2·ty − before. */
interface TileRows {
  images: number;
  h: number;
  rowBytes: number;
  th: number;
  tw: number;
  before: number;
  reach: number;
}

/** Fetches the rows that the tiles `first` … `first + count` have in `pointer`. */
export function touchTiles(
  fn: KernelBuilder,
  pointer: Local,
  { images, h, rowBytes, th, tw, before, reach }: TileRows,
  first: Local,
  count: Local,
): Instruction[] {
  const code: Instruction[] = [];
  const topOf = (tile: Instruction): Instruction => {
    const [n, ty] = unravel(fn, code, tile, [th, tw]);
    return i32.sub(at(i32.mul(ty.get(), i32.const(2)), n.get(), h), i32.const(before));
  };
  const last = i32.sub(i32.add(first.get(), count.get()), i32.const(1));
  const [start, end] = [topOf(first.get()), i32.add(topOf(last), i32.const(reach))];
  return [...code, ...touchRows(fn, pointer, { rows: images * h, rowBytes }, start, end)];
}
