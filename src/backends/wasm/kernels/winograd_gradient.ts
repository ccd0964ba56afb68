/**
 * @file The gradient of a 3 × 3 kernel by Winograd's transforms: patches and gradients of a chunk of tiles are transformed
 * into private memory, sixteen products V ᵀ·H are added up, and a small kernel turns the sums back into nine taps.
 *
 *     S[e][c][k] = Σ_tiles V[e][tile][c] · H[e][tile][k]
 *
 * Tile of the product: 4 rows c × 8 channels k, where V8 joins vectors 5 or 6 × 16; its sums are kept in the result between
 * chunks. The sum over tiles is cut into a number of parts that the shapes fix; each part has one owner, and the parts are
 * added in order by a reduction.
 */
import type { Node } from '../../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, atMost, evenPieces, type KernelBuilder, type KernelSpec, unravel } from '../kernel.ts';
import { transforms, transposed, type WinogradPartialsAttrs } from '../ops/winograd.ts';
import { firstPixel, fittingTiles } from './winograd.ts';
import {
  type Chunk,
  planeBytes,
  sandwich,
  touchTiles,
  transformPatches,
  zeroPixel,
} from './winograd_transforms.ts';

const constant = f32x4.const;
/** A: of gradients, two to four. */
const spread = transposed(transforms.output);
/** Gᵀ: of sums, four to three. */
const finish = transposed(transforms.kernel);

/** Unit = part. c and k are multiples of four. */
export function winogradPartialsKernel(node: Node): KernelSpec {
  const { parts, tiles: perPart, before } = node.attrs as WinogradPartialsAttrs;
  const image = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, h, w, c] = image;
  const [n, oh, ow, k] = node.inputs[1]!.shape as readonly [number, number, number, number];
  const [th, tw] = [Math.ceil(oh / 2), Math.ceil(ow / 2)];
  const tiles = n * th * tw;
  const chunk = Math.min(fittingTiles(c + k), perPart);
  const vBytes = 16 * planeBytes(chunk, c);
  const hiddenBytes = 16 * planeBytes(chunk, k);
  return {
    key: JSON.stringify(['winograd_partials', image, node.inputs[1]!.shape, node.attrs]),
    units: parts,
    work: tiles * 4 * 9 * c * k,
    scratch: vBytes + hiddenBytes + c * 4,
    emit(fn) {
      const [x, gradient] = fn.inputs as [Local, Local];
      const v = fn.scratch.get();
      const hidden = i32.add(fn.scratch.get(), i32.const(vBytes));
      const zeros = zeroPixel(fn, vBytes + hiddenBytes, c);
      const [first, start, stop, count] = fn.localsOf('i32', 4);
      fn.eachUnit((unit) => [
        start.set(i32.mul(unit.get(), i32.const(perPart))),
        stop.set(atMost(i32.add(start.get(), i32.const(perPart)), tiles)),
        ...forRange(first, start.get(), () => stop.get(), chunk, [
          count.set(atMost(i32.sub(stop.get(), first.get()), chunk)),
          ...transformPatches(
            fn,
            x,
            { h, w, c, th, tw, before, images: n },
            { first, count, v, chunk, zeros },
          ),
          ...transformGradients(
            fn,
            gradient,
            { images: n, oh, ow, k, th, tw },
            { first, count, v: hidden, chunk },
          ),
          ...addProducts(
            fn,
            { c, k, chunk },
            count,
            v,
            hidden,
            at(fn.outputs[0]!.get(), unit.get(), 16 * c * k * 4),
            i32.eq(first.get(), start.get()),
          ),
        ]),
      ]);
    },
  };
}

interface GradientGeometry {
  images: number;
  oh: number;
  ow: number;
  k: number;
  th: number;
  tw: number;
}

/** H[e][t][k] = A g Aᵀ of each tile's 2 × 2 gradients; those outside the result count as zero. */
function transformGradients(
  fn: KernelBuilder,
  gradient: Local,
  { images, oh, ow, k, th, tw }: GradientGeometry,
  { first, count, v: hidden, chunk }: Omit<Chunk, 'zeros'>,
): Instruction[] {
  const rows = { images, h: oh, rowBytes: ow * k * 4, th, tw, before: 0, reach: 2 };
  const t = fn.local('i32');
  const body: Instruction[] = [];
  const [n, ty, tx] = unravel(fn, body, i32.add(first.get(), t.get()), [th, tw]);
  const from = fn.define(body, at(gradient.get(), firstPixel({ n, ty, tx }, oh, ow), k * 4));
  const to = fn.define(body, at(hidden, t.get(), k * 4));
  const edge = (place: Local, extent: number) =>
    i32.eq(i32.mul(place.get(), i32.const(2)), i32.const(extent - 1));
  const offsets = fn.together(k / 4);
  body.push(
    ...fn.each(k / 4 / offsets.length, () => {
      const code: Instruction[] = [];
      const values = Array.from({ length: 4 }, (_, i) =>
        offsets.map((offset) => {
          const place = (Math.floor(i / 2) * ow + (i % 2)) * k * 4 + offset;
          return fn.define(code, v128.load(from.get(), place), 'v128');
        }),
      );
      const clear = (...which: number[]) =>
        which.flatMap((i) => values[i]!.map((value) => value.set(constant(0))));
      if (oh % 2 === 1) code.push(control.if(edge(ty, oh), clear(2, 3)));
      if (ow % 2 === 1) code.push(control.if(edge(tx, ow), clear(1, 3)));
      sandwich(
        fn,
        code,
        spread,
        (i, j, offset) => values[i * 2 + j]![offset / 16]!.get(),
        (e, value, offset) => [v128.store(to.get(), value, e * planeBytes(chunk, k) + offset)],
        offsets,
      );
      return [...code, from.add(offsets.length * 16), to.add(offsets.length * 16)];
    }),
  );
  return [
    ...touchTiles(fn, gradient, rows, first, count),
    ...forRange(t, i32.const(0), () => count.get(), 1, body),
  ];
}

/** sums[e][c][k] (+)= Σ_t V[e][t][c] · H[e][t][k]. */
function addProducts(
  fn: KernelBuilder,
  { c, k, chunk }: { c: number; k: number; chunk: number },
  count: Local,
  v: Instruction,
  hidden: Instruction,
  sums: Instruction,
  isFirst: Instruction,
): Instruction[] {
  const tile = 8 * fn.join;
  const { count: pieces, size: rows, long } = evenPieces(c, fn.join > 1 ? 6 : 4);
  const acc = Array.from({ length: rows }, () => fn.localsOf('v128', tile / 4));
  const loads = fn.localsOf('v128', tile / 4);
  const factor = fn.local('v128');
  const column = fn.local('i32');
  const [left, right, to, end, begin] = fn.localsOf('i32', 5);
  const block = (e: Local, row: Local, height: number, width: number): Instruction[] => {
    const vectors = width / 4;
    const own = acc.slice(0, height).map((line) => line.slice(0, vectors));
    return [
      left.set(at(at(v, e.get(), planeBytes(chunk, c)), row.get(), 4)),
      right.set(at(at(hidden, e.get(), planeBytes(chunk, k)), column.get(), 4)),
      end.set(at(right.get(), count.get(), k * 4)),
      to.set(at(sums, at(column.get(), at(row.get(), e.get(), c), k), 4)),
      control.if(
        begin.get(),
        own.flat().map((sum) => sum.set(constant(0))),
        own.flatMap((line, r) =>
          line.map((sum, i) => sum.set(v128.load(to.get(), r * k * 4 + i * 16))),
        ),
      ),
      control.loop(
        ...loads.slice(0, vectors).map((load, i) => load.set(v128.load(right.get(), i * 16))),
        ...own.flatMap((line, r) => [
          factor.set(v128.load32_splat(left.get(), r * 4)),
          ...line.map((sum, i) => sum.set(fn.madd(factor.get(), loads[i]!.get(), sum.get()))),
        ]),
        left.add(c * 4),
        right.add(k * 4),
        control.br_if(0, i32.ne(right.get(), end.get())),
      ),
      ...own.flatMap((line, r) =>
        line.map((sum, i) => v128.store(to.get(), sum.get(), r * k * 4 + i * 16)),
      ),
    ];
  };
  const whole = k - (k % tile);
  const allColumns = (e: Local, row: Local, height: number): Instruction[] => [
    ...(whole > 0
      ? forRange(column, i32.const(0), () => i32.const(whole), tile, block(e, row, height, tile))
      : []),
    ...(whole < k ? [column.set(i32.const(whole)), ...block(e, row, height, k - whole)] : []),
  ];
  const row = fn.local('i32');
  const longEnd = i32.const(long * rows);
  return [
    begin.set(isFirst),
    ...fn.each(16, (e) => [
      ...forRange(row, i32.const(0), () => longEnd, rows, allColumns(e, row, rows)),
      ...(long < pieces
        ? forRange(row, longEnd, () => i32.const(c), rows - 1, allColumns(e, row, rows - 1))
        : []),
    ]),
  ];
}

/** Unit = four neighbouring (c, k) pairs: Gᵀ s G. */
export function winogradFinishKernel(node: Node): KernelSpec {
  const [c, k] = node.inputs[0]!.shape.slice(-2) as [number, number];
  return {
    key: JSON.stringify(['winograd_finish', c, k]),
    units: (c * k) / 4,
    work: c * k * 50,
    emit(fn) {
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const from = fn.define(code, at(fn.inputs[0]!.get(), unit.get(), 16));
        const to = fn.define(code, at(fn.outputs[0]!.get(), unit.get(), 16));
        sandwich(
          fn,
          code,
          finish,
          (i, j) => v128.load(from.get(), (i * 4 + j) * c * k * 4),
          (tap, value) => [v128.store(to.get(), value, tap * c * k * 4)],
        );
        return code;
      });
    },
  };
}
