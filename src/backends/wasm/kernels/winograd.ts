/**
 * @file Winograd's F(2×2, 3×3) convolution, plain or with bias, ReLU and pooling in its output transform.
 *
 * A unit is a chunk of tiles: its patches are transformed into private memory V[16][tiles][c], sixteen small products with
 * the transformed weights give M[16][tiles][k], the output transform turns these into pixels. A chunk is as large as V and
 * M fit into the second-level cache together. The products use the tile of `panel_conv.ts`, 4 × 8, or where V8 joins pairs of
 * vectors 6 × 16: 12 sums, two vectors of weights and a spread element are 15 of 16 registers.
 */
import type { Node } from '../../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import {
  at,
  eachSize,
  evenPieces,
  evenUnits,
  type KernelBuilder,
  type KernelSpec,
  unravel,
} from '../kernel.ts';
import { activateLanes } from '../ops/activation.ts';
import { type PackAttrs, panelWidth } from '../ops/convolution.ts';
import {
  type Patches,
  transforms,
  type WinogradConvAttrs,
  type WinogradPoolAttrs,
} from '../ops/winograd.ts';
import { accumulateTile } from './panel_conv.ts';
import { windowMaximum, winnerBytes } from './window_maximum.ts';
import { planeBytes, sandwich, transformPatches, zeroPixel } from './winograd_transforms.ts';

/** Bytes of V and M together that stay in the second-level cache. */
const chunkBytes = 512 * 1024;
/** Tiles that a chunk should at least have, so that a product has sums enough to work on side by side. */
const leastTiles = 4;

const { add, const: constant } = f32x4;

/** Tiles whose V and M, `floatsPerTile` of each of sixteen planes, stay in the cache. */
export function fittingTiles(floatsPerTile: number): number {
  return Math.max(leastTiles, Math.floor(chunkBytes / (16 * 4 * floatsPerTile)));
}

/** Shape of transformed weights: [16, strips, c, width]. */
type Panels = readonly [number, number, number, number];

/** M[e][t][k] = Σ_c V[e][t][c] · W[e][c][k] for all tiles of a chunk, some at a time. */
function multiply(
  fn: KernelBuilder,
  weights: Local,
  [, strips, c, width]: Panels,
  v: Instruction,
  m: Instruction,
  chunk: number,
): Instruction[] {
  const { size, long } = evenPieces(chunk, width > panelWidth ? 6 : 4);
  const all = Array.from({ length: size }, () => fn.localsOf('v128', width / 4));
  const [t, pixel, strip, to] = fn.localsOf('i32', 4);
  const columns = strips * width;
  return fn.each(16, (e) =>
    fn.each(strips, (s) => {
      const product = (acc: typeof all): Instruction[] => [
        strip.set(
          at(weights.get(), i32.add(i32.mul(e.get(), i32.const(strips)), s.get()), c * width * 4),
        ),
        pixel.set(at(at(v, e.get(), planeBytes(chunk, c)), t.get(), c * 4)),
        ...acc.flat().map((sum) => sum.set(constant(0))),
        ...accumulateTile(
          fn,
          [{ offset: 0, length: c }],
          acc.map((_, j) => ({ pointer: pixel, offset: j * c * 4 })),
          strip,
          acc,
        ),
        to.set(
          at(
            at(at(m, e.get(), planeBytes(chunk, columns)), t.get(), columns * 4),
            s.get(),
            width * 4,
          ),
        ),
        ...acc.flatMap((row, j) =>
          row.map((sum, i) => v128.store(to.get(), sum.get(), j * columns * 4 + i * 16)),
        ),
      ];
      /** Pieces of as many tiles as `acc` has sums for, up to tile `end`. */
      const pieces = (acc: typeof all, end: number): Instruction[] =>
        forRange(t, t.get(), () => i32.const(end), acc.length, product(acc));
      return [
        t.set(i32.const(0)),
        ...pieces(all, long * size),
        ...(long * size < chunk ? pieces(all.slice(0, size - 1), chunk) : []),
      ];
    }),
  );
}

/** The number of a tile's upper left pixel, of its 2 × 2 in images of `h` × `w`. */
export function firstPixel({ n, ty, tx }: TileCoordinates, h: number, w: number): Instruction {
  const row = i32.add(i32.mul(n.get(), i32.const(h)), i32.mul(ty.get(), i32.const(2)));
  return i32.add(i32.mul(row, i32.const(w)), i32.mul(tx.get(), i32.const(2)));
}

/** Stores the 2 × 2 outputs of a tile for the vectors of channels that are done together, from `channel` on. */
type Ending = (
  code: Instruction[],
  tile: TilePlace,
  channel: Local,
  outputs: readonly (readonly Local[])[],
) => void;

interface TileCoordinates {
  n: Local;
  ty: Local;
  tx: Local;
}

interface TilePlace extends TileCoordinates {
  /** The tile's number. */
  index: Local;
}

function winogradKernel(
  name: string,
  node: Node,
  k: number,
  [th, tw]: readonly [number, number],
  ending: (fn: KernelBuilder, bias: Local | undefined) => Ending,
): KernelSpec {
  const image = node.inputs[0]!.shape as readonly [number, number, number, number];
  const { before } = node.attrs as Patches;
  const [n, h, w, c] = image;
  const tiles = n * th * tw;
  const panels = node.inputs[1]!.shape as Panels;
  const columns = panels[1] * panels[3];
  const chunks = evenUnits(tiles, fittingTiles(c + columns), leastTiles);
  const chunk = chunks.largest;
  const vBytes = 16 * planeBytes(chunk, c);
  const mBytes = 16 * planeBytes(chunk, columns);
  return {
    key: JSON.stringify([name, image, node.attrs, panels, node.inputs.length]),
    units: chunks.units,
    work: tiles * 4 * 9 * c * k,
    scratch: vBytes + mBytes + c * 4,
    emit(fn) {
      const [x, weights, bias] = fn.inputs as [Local, Local, Local | undefined];
      const v = fn.scratch.get();
      const m = i32.add(fn.scratch.get(), i32.const(vBytes));
      const zeros = zeroPixel(fn, vBytes + mBytes, c);
      const [first, count, t] = fn.localsOf('i32', 3);
      const offsets = fn.together(k / 4);
      const outputs = offsets.map(() => fn.localsOf('v128', 4));
      const store = ending(fn, bias);
      fn.eachUnit((unit) => {
        const body: Instruction[] = [];
        const index = fn.define(body, i32.add(first.get(), t.get()));
        const [image, ty, tx] = unravel(fn, body, index.get(), [th, tw]);
        const from = fn.define(body, at(m, t.get(), columns * 4));
        body.push(
          ...fn.each(
            k,
            (channel) => {
              const code: Instruction[] = [];
              sandwich(
                fn,
                code,
                transforms.output,
                (i, j, offset) =>
                  v128.load(from.get(), (i * 4 + j) * planeBytes(chunk, columns) + offset),
                (i, value, offset) => [outputs[offset / 16]![i]!.set(value)],
                offsets,
              );
              store(code, { index, n: image, ty, tx }, channel, outputs);
              return [...code, from.add(offsets.length * 16)];
            },
            offsets.length * 4,
          ),
        );
        return [
          first.set(chunks.first(unit)),
          count.set(i32.sub(chunks.end(unit), first.get())),
          ...transformPatches(
            fn,
            x,
            { h, w, c, th, tw, before, images: n },
            { first, count, v, chunk, zeros },
          ),
          ...multiply(fn, weights, panels, v, m, chunk),
          ...forRange(t, i32.const(0), () => count.get(), 1, body),
        ];
      });
    },
  };
}

export function winogradConvKernel(node: Node): KernelSpec {
  const { oh, ow, k, activation } = node.attrs as WinogradConvAttrs;
  return winogradKernel(
    'winograd_conv',
    node,
    k,
    [Math.ceil(oh / 2), Math.ceil(ow / 2)],
    (fn, bias) => {
      return (code, { n, ty, tx }, channel, outputs) => {
        const biases = outputs.map(
          (_, v) =>
            bias && fn.define(code, v128.load(at(bias.get(), channel.get(), 4), v * 16), 'v128'),
        );
        const pixel = firstPixel({ n, ty, tx }, oh, ow);
        const to = fn.define(
          code,
          at(fn.outputs[0]!.get(), i32.add(i32.mul(pixel, i32.const(k)), channel.get()), 4),
        );
        const write = (i: number): Instruction[] =>
          outputs.map((output, v) => {
            const b = biases[v];
            const sum = b ? add(output[i]!.get(), b.get()) : output[i]!.get();
            const value = activateLanes(activation, sum);
            return v128.store(to.get(), value, (Math.floor(i / 2) * ow + (i % 2)) * k * 4 + v * 16);
          });
        const inside = (place: Local, extent: number) =>
          i32.lt_s(i32.mul(place.get(), i32.const(2)), i32.const(extent - 1));
        const whenInside = (place: Local, extent: number, then: Instruction[]) =>
          extent % 2 === 0 ? then : [control.if(inside(place, extent), then)];
        code.push(
          ...write(0),
          ...whenInside(tx, ow, write(1)),
          ...whenInside(ty, oh, [...write(2), ...whenInside(tx, ow, write(3))]),
        );
      };
    },
  );
}

export function winogradConvPoolKernel(node: Node): KernelSpec {
  const { ph, pw, k } = node.attrs as WinogradPoolAttrs;
  return winogradKernel('winograd_conv_pool', node, k, [ph, pw], (fn, bias) => {
    return (code, { index }, channel, outputs) => {
      const element = fn.define(code, i32.add(i32.mul(index.get(), i32.const(k)), channel.get()));
      const from = fn.define(code, at(bias!.get(), channel.get(), 4));
      const to = fn.define(code, at(fn.outputs[0]!.get(), element.get(), 4));
      const winners = fn.define(code, i32.add(fn.outputs[1]!.get(), element.get()));
      const biases = outputs.map((_, v) => fn.define(code, v128.load(from.get(), v * 16), 'v128'));
      const tops = outputs.map(() => fn.local('v128'));
      const winner = outputs.map(() => fn.local('v128'));
      outputs.forEach((own, v) => {
        code.push(
          ...own.map((output) => output.set(add(output.get(), biases[v]!.get()))),
          ...windowMaximum(fn, own, tops[v]!, winner[v]!),
        );
      });
      const bytes = fn.local('v128');
      code.push(
        ...tops.map((top, v) => v128.store(to.get(), top.get(), v * 16)),
        bytes.set(winnerBytes(winner[0]!, winner.at(-1)!)),
        outputs.length === 2
          ? v128.store64_lane(winners.get(), bytes.get(), 0)
          : v128.store32_lane(winners.get(), bytes.get(), 0),
      );
    };
  });
}

/** Unit = (strip, row): the columns of a strip in one row of each transformed kernel. */
export function winogradWeightsKernel(node: Node): KernelSpec {
  const { form } = node.attrs as PackAttrs;
  const kernel = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, , c, k] = kernel;
  const forward = form === 'forward';
  const columns = forward ? k : c;
  const [, strips, rows, width] = node.outputs[0]!.shape as Panels;
  return {
    key: JSON.stringify(['winograd_weights', kernel, form, width]),
    units: strips * rows,
    work: rows * columns * 40,
    emit(fn) {
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const strip = fn.define(code, i32.div_u(unit.get(), i32.const(rows)));
        const row = fn.define(code, i32.rem_u(unit.get(), i32.const(rows)));
        // Element (tap, row, column) of the kernel: forward (tap·c + row)·k + column, adjoint ((8−tap)·c + column)·k + row.
        const first = i32.mul(strip.get(), i32.const(width));
        const from = fn.define(
          code,
          forward
            ? at(fn.inputs[0]!.get(), at(first, row.get(), k), 4)
            : at(fn.inputs[0]!.get(), at(row.get(), first, k), 4),
        );
        const to = fn.define(code, at(fn.outputs[0]!.get(), unit.get(), width * 4));
        const offsets = fn.together(width / 4);
        /** The vectors of a strip, those that are joined together; columns from `filled` on are zero. */
        const all = (filled: number): Instruction[] =>
          Array.from({ length: width / 4 / offsets.length }).flatMap((_, group) => {
            const body: Instruction[] = [];
            const first = group * offsets.length * 16;
            const taps = Array.from({ length: 9 }, (_tap, tap) => {
              const source = (forward ? tap : 8 - tap) * c * k * 4;
              return offsets.map((offset) => {
                const column = (first + offset) / 4;
                const lanes = Math.max(0, Math.min(4, filled - column));
                if (forward && lanes === 4)
                  return fn.define(body, v128.load(from.get(), source + column * 4), 'v128');
                const value = fn.define(body, constant(0), 'v128');
                for (let lane = 0; lane < lanes; lane++) {
                  const place = source + (column + lane) * (forward ? 4 : k * 4);
                  body.push(value.set(v128.load32_lane(from.get(), value.get(), lane, place)));
                }
                return value;
              });
            });
            sandwich(
              fn,
              body,
              transforms.kernel,
              (i, j, offset) => taps[i * 3 + j]![offset / 16]!.get(),
              (e, value, offset) => [
                v128.store(to.get(), value, e * strips * rows * width * 4 + first + offset),
              ],
              offsets,
            );
            return body;
          });
        return [...code, ...eachSize(strip, columns, width, all)];
      });
    },
  };
}
