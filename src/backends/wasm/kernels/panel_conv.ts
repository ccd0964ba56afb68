/**
 * @file Convolution on panels, which is also every matrix product and every dense input gradient.
 *
 *     y[p, k] = act(b[k] + Σ_r patch(p)[r] · W[r, k])      p: output pixel, r: (dy, dx, c)
 *
 * Tile: 4 pixels × 8 channels, 8 accumulators: with 2 weight vectors and 4 spread pixels that is 14 of 16 registers, and
 * 8 multiply-adds for 6 loads, so arithmetic is the limit, not memory. Where V8 joins pairs of vectors the tile is 4 × 16, or
 * 8 × 8 where a strip has no more channels: again 8 accumulators, since a multiply-add takes 4 cycles and two begin in each.
 * In products, where all pixels follow each other, one pointer reaches a tile, and it is 6 or 5 × 16, for some slack.
 * A tile's pixels are any that follow each other in the output, so no tile is part empty but the last. One strip of weights
 * (rows × 8 floats) stays in the first cache while the pixels of a unit pass; where all strips fit there, a pixel's strips
 * follow each other instead.
 *
 * The loop over rows holds one row only: V8 of Node 20 delays arithmetic behind the loads of its block, so that two rows
 * in one block spill the accumulators (21 instead of 54 GFLOP/s); Node 24 gains nothing from more.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { forRange, whileLess } from '../assembler/module.ts';
import {
  at,
  evenPieces,
  evenUnits,
  type KernelBuilder,
  type KernelSpec,
  pieceStart,
  unravel,
} from '../kernel.ts';
import { activateLanes } from '../ops/activation.ts';
import { type PanelConvAttrs, panelWidth } from '../ops/convolution.ts';
import { storeFloats } from './reduce.ts';

/** All strips of this many bytes stay in the first cache beside the image. */
export const smallWeights = 12 * 1024;

/** A stretch of the patch that is contiguous in the image. */
export interface Run {
  /** Bytes from the patch's first element. */
  offset: number;
  length: number;
}

/** Stretches of a patch in the order of the kernel's rows. */
export function patchRuns(
  kernel: readonly [number, number],
  dilation: readonly [number, number],
  width: number,
  c: number,
): Run[] {
  const [kh, kw] = kernel;
  const pixels = dilation[1] === 1 ? 1 : kw;
  const runs: Run[] = [];
  for (let dy = 0; dy < kh; dy++)
    for (let dx = 0; dx < pixels; dx++) {
      const offset = (dy * dilation[0] * width + dx * dilation[1]) * c * 4;
      runs.push({ offset, length: (kw / pixels) * c });
    }
  return runs;
}

/**
 * acc[j][v] += Σ_r pixel_j[r] · W[r, 4v…4v+3] over the rows of one strip.
 *
 * @param pixels pointers to patches, or one pointer and byte distances from it.
 * @param weights pointer to the strip; at its end afterwards.
 * @param rowBytes from a row of weights to the next. Default: rows follow each other.
 */
export function accumulateTile(
  fn: KernelBuilder,
  runs: readonly Run[],
  pixels: readonly { pointer: Local; offset: number }[],
  weights: Local,
  acc: readonly (readonly Local[])[],
  rowBytes = acc[0]!.length * 16,
): Instruction[] {
  const vectors = acc[0]!.length;
  const w = fn.localsOf('v128', vectors);
  const x = fn.localsOf('v128', pixels.length);
  const pointers = [...new Set(pixels.map(({ pointer }) => pointer))];
  const moving = new Map(pointers.map((pointer) => [pointer, fn.local('i32')]));
  const end = fn.local('i32');
  const moved = (pointer: Local) => moving.get(pointer)!;
  const row: Instruction[] = [
    ...w.map((vector, v) => vector.set(v128.load(weights.get(), v * 16))),
    ...pixels.flatMap((pixel, j) => [
      x[j]!.set(v128.load32_splat(moved(pixel.pointer).get(), pixel.offset)),
      ...acc[j]!.map((sum, v) => sum.set(fn.madd(x[j]!.get(), w[v]!.get(), sum.get()))),
    ]),
    weights.add(rowBytes),
    ...pointers.map((pointer) => moved(pointer).add(4)),
  ];
  return runs.flatMap(({ offset, length }) => [
    ...pointers.map((pointer) => moved(pointer).set(i32.add(pointer.get(), i32.const(offset)))),
    end.set(i32.add(weights.get(), i32.const(length * rowBytes))),
    ...whileLess(weights, () => end.get(), row),
  ]);
}

export function panelConvKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PanelConvAttrs;
  const image = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, h, w, c] = image;
  const [, oh, ow, k] = node.outputs[0]!.shape as readonly [number, number, number, number];
  const pixels = sizeOf(node.outputs[0]!.shape) / k;
  const runs = patchRuns(attrs.kernel, attrs.dilation, w, c);
  const [strips, rows, width] = node.inputs[1]!.shape as readonly [number, number, number];
  const { strides } = attrs;
  const geometry = { h, w, c, oh, ow, strides };
  const { tiles, size, long, neighbours } = tilesOf(pixels, width, attrs.joined, geometry);
  // Whether tiles end where the pixels do.
  const isEven = long < tiles || pixels % size === 0;
  const byScratch = attrs.joined && strips === 1 && endsInPair(k);
  const stripFirst = rows * width * 4 * strips <= smallWeights;
  // Few tiles and much weight: units are strips. Else: groups of tiles, all strips each.
  const byStrips = tiles <= 16 && strips >= 4;
  const tileGroups = evenUnits(tiles, 24, byStrips ? tiles : 1);
  const stripGroups = evenUnits(strips, strips, byStrips ? 1 : strips);
  return {
    key: JSON.stringify(['panel_conv', image, attrs, width, node.inputs.length]),
    units: tileGroups.units * stripGroups.units,
    work: pixels * rows * k,
    scratch: byScratch ? size * width * 4 : 0,
    emit(fn) {
      const [x, panels, bias] = fn.inputs as [Local, Local, Local | undefined];
      const all = Array.from({ length: size }, () => fn.localsOf('v128', width / 4));
      const pointers = fn.localsOf('i32', size / neighbours);
      const weights = fn.local('i32');
      const out = fn.local('i32');
      const pixel = fn.local('i32');
      const [tile, tileEnd, strip, stripEnd] = fn.localsOf('i32', 4);

      const findPixels = (): Instruction[] => [
        pixel.set(
          long < tiles ? pieceStart(tile, { size, long }) : i32.mul(tile.get(), i32.const(size)),
        ),
        ...pointers.flatMap((pointer, j) => {
          const code: Instruction[] = [];
          const p = fn.define(code, i32.add(pixel.get(), i32.const(j * neighbours)));
          if (j > 0 && !isEven) {
            const last = i32.const(pixels - neighbours);
            code.push(p.set(control.select(last, p.get(), i32.gt_s(p.get(), last))));
          }
          const address = patchAddress(fn, code, x, p, geometry);
          return [...code, pointer.set(address)];
        }),
      ];
      const compute = (acc: typeof all): Instruction[] => [
        weights.set(at(panels.get(), strip.get(), rows * width * 4)),
        ...acc.flatMap((row) =>
          row.map((sum, v) =>
            sum.set(
              bias ? v128.load(at(bias.get(), strip.get(), width * 4), v * 16) : f32x4.const(0),
            ),
          ),
        ),
        ...accumulateTile(
          fn,
          runs,
          acc.map((_, j) => ({
            pointer: pointers[Math.floor(j / neighbours)]!,
            offset: (j % neighbours) * strides[1] * c * 4,
          })),
          weights,
          acc,
        ),
        ...(attrs.activation === 'linear'
          ? []
          : acc.flat().map((sum) => sum.set(activateLanes(attrs.activation, sum.get())))),
        out.set(at(at(fn.outputs[0]!.get(), pixel.get(), k * 4), strip.get(), width * 4)),
        ...storeTile(acc),
      ];
      const tileHere = (): Instruction[] =>
        long < tiles
          ? [
              control.if(
                i32.lt_s(tile.get(), i32.const(long)),
                compute(all),
                compute(all.slice(0, size - 1)),
              ),
            ]
          : compute(all);
      const storeRow = (row: readonly Local[], j: number, channels: number): Instruction[] =>
        row.flatMap((sum, v) => {
          const lanes = Math.max(0, Math.min(4, channels - v * 4));
          return lanes > 0 ? storeFloats(out.get(), sum, lanes, j * k * 4 + v * 16) : [];
        });
      const storeTile = (acc: typeof all): Instruction[] => {
        const some = (channels: number) =>
          pointers.flatMap((_, i) => {
            const first = i * neighbours;
            const stores = acc
              .slice(first, first + neighbours)
              .flatMap((row, j) => storeRow(row, first + j, channels));
            const isInside = i32.lt_s(i32.add(pixel.get(), i32.const(first)), i32.const(pixels));
            return i === 0 || isEven ? stores : [control.if(isInside, stores)];
          });
        const last = k - (strips - 1) * width;
        if (last === width) return some(width);
        if (strips === 1) return [...(byScratch ? throughScratch(fn, acc) : []), ...some(last)];
        return [control.if(i32.eq(strip.get(), i32.const(strips - 1)), some(last), some(width))];
      };

      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [tileGroup, stripGroup] = unravel(fn, code, unit.get(), [stripGroups.units]);
        const tileStart = fn.define(code, tileGroups.first(tileGroup));
        const stripStart = fn.define(code, stripGroups.first(stripGroup));
        code.push(
          tileEnd.set(tileGroups.end(tileGroup)),
          stripEnd.set(stripGroups.end(stripGroup)),
        );
        const overTiles = (body: Instruction[]) =>
          forRange(tile, tileStart.get(), () => tileEnd.get(), 1, body);
        const overStrips = (body: Instruction[]) =>
          forRange(strip, stripStart.get(), () => stripEnd.get(), 1, body);
        const inner = stripFirst
          ? overTiles([...findPixels(), ...overStrips(tileHere())])
          : overStrips(overTiles([...findPixels(), ...tileHere()]));
        return [...code, ...inner];
      });
    },
  };
}

interface Tiles {
  tiles: number;
  /** Pixels of the first `long` tiles; those behind them have one less. */
  size: number;
  /** Where all tiles are long the last may reach past the end. */
  long: number;
  /** Pixels that are neighbours in every tile, so that one pointer and constant distances reach them. */
  neighbours: number;
}

function tilesOf(
  pixels: number,
  width: number,
  joined: boolean | undefined,
  geometry: PatchGeometry,
): Tiles {
  if (joined && width > panelWidth && isWhole(geometry)) {
    const { count, size, long } = evenPieces(pixels, 6);
    return { tiles: count, size, long, neighbours: size };
  }
  const size = joined && width === panelWidth ? 8 : 4;
  const tiles = Math.ceil(pixels / size);
  const neighbours = greatestDivisor(isWhole(geometry) ? pixels : geometry.ow, size);
  return { tiles, size, long: tiles, neighbours };
}

/** The greatest divisor of `of` that also divides `limit`, a power of two. */
function greatestDivisor(of: number, limit: number): number {
  return of % limit === 0 ? limit : greatestDivisor(of, limit / 2);
}

/**
 * Whether the last of `channels` lie in the second, not full, of a pair of vectors. It is stored by lanes, and V8 joins only
 * what ends in whole neighbouring stores.
 */
export function endsInPair(channels: number): boolean {
  return channels % 8 > 4;
}

/** Stores all of a tile, whole, and reads it back: stores that V8 joins, and with them all that leads there. */
export function throughScratch(
  fn: KernelBuilder,
  tile: readonly (readonly Local[])[],
): Instruction[] {
  const vectors = tile.flat();
  return [
    ...vectors.map((vector, i) => v128.store(fn.scratch.get(), vector.get(), i * 16)),
    ...vectors.map((vector, i) => vector.set(v128.load(fn.scratch.get(), i * 16))),
  ];
}

interface PatchGeometry {
  h: number;
  w: number;
  c: number;
  oh: number;
  ow: number;
  strides: readonly [number, number];
}

/** Whether each pixel of the images, in their order, is where a patch begins. */
function isWhole({ h, w, oh, ow, strides }: PatchGeometry): boolean {
  return oh === h && ow === w && strides[0] === 1 && strides[1] === 1;
}

/** Address of the first element of output pixel `p`'s patch. */
export function patchAddress(
  fn: KernelBuilder,
  code: Instruction[],
  x: Local,
  p: Local,
  geometry: PatchGeometry,
): Instruction {
  const { h, w, c, oh, ow, strides } = geometry;
  if (isWhole(geometry)) return at(x.get(), p.get(), c * 4);
  const row = fn.define(code, i32.div_u(p.get(), i32.const(ow)));
  const ox = i32.rem_u(p.get(), i32.const(ow));
  const n = i32.div_u(row.get(), i32.const(oh));
  const oy = i32.rem_u(row.get(), i32.const(oh));
  const imageRow = i32.add(i32.mul(n, i32.const(h)), i32.mul(oy, i32.const(strides[0])));
  const column = i32.mul(ox, i32.const(strides[1]));
  return at(x.get(), i32.add(i32.mul(imageRow, i32.const(w)), column), c * 4);
}
