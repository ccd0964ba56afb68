/**
 * @file The dense gradient of a convolution's kernel, which is also every product AᵀB:
 *
 *     ∂w[r, k] = Σ_p patch(p)[r] · g[p, k]        p: output pixel, r: (dy, dx, c)
 *
 * Tile: 4 rows r × 8 channels k. Where V8 joins pairs of vectors 6 × 16, or up to 12 × 8 for eight channels and fewer: 12 sums,
 * the gradients and a spread element are 15 of 16 registers, and each pixel is read for many rows. Pixels pass in blocks
 * small enough that their gradients stay in cache while all channels of a unit's rows go by; a tile's sums are kept in the
 * result between blocks. Where there are many pixels, they are cut into parts that the shapes fix; each part has one owner
 * and one order, pixel by pixel, and a reduction adds the parts.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { convGeometry } from '../../../ops/conv_geometry.ts';
import { control, f32x4, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, atMost, eachSize, type KernelSpec } from '../kernel.ts';
import type { FilterPartialsAttrs } from '../ops/convolution.ts';
import { endsInPair, patchRuns, throughScratch } from './panel_conv.ts';
import { storeFloats } from './reduce.ts';

/** Floats of gradients that stay in the first cache. */
const blockFloats = 4096;

/** `total` in as few pieces of at most `most` as there can be, of one `size` but for the `last`. */
function inPieces(total: number, most: number): { count: number; size: number; last: number } {
  const count = Math.ceil(total / most);
  const size = Math.ceil(total / count);
  return { count, size, last: total - (count - 1) * size };
}

/** The image is padded already; groups = 1. */
export function filterPartialsKernel(node: Node): KernelSpec {
  const attrs = node.attrs as FilterPartialsAttrs;
  const image = node.inputs[0]!.shape;
  const g = convGeometry(image, attrs.kernelShape, attrs);
  const runs = patchRuns([g.kh, g.kw], attrs.dilation, g.w, g.c);
  const { length } = runs[0]!;
  const lineBytes = attrs.dilation[0] * g.w * g.c * 4;
  const mostRows = attrs.joined ? (g.k <= 8 ? 12 : 6) : 4;
  // Short runs, a line of the image apart, are taken together: lines are cut into tiles then, else the rows of each run.
  const together = runs.length === g.kh ? Math.floor(mostRows / length) : 0;
  const ofLines = together > 1;
  const cut = ofLines ? inPieces(g.kh, together) : inPieces(length, mostRows);
  const tileRows = ofLines ? cut.size * length : cut.size;
  const lastRows = ofLines ? cut.last * length : cut.last;
  const tiles = ofLines ? cut.count : runs.length * cut.count;
  const lines = g.n * g.oh;
  const block = Math.max(1, Math.floor(blockFloats / (g.ow * Math.max(g.k, g.c))));
  // One part: its tiles are the units. Several: each does all tiles, so that images and gradients pass only once.
  const tilesPerUnit = attrs.parts > 1 ? tiles : 1;
  const groups = tiles / tilesPerUnit;
  const byScratch = attrs.joined && endsInPair(g.k);
  const sumBytes = sizeOf(attrs.kernelShape) * 4;
  return {
    key: JSON.stringify(['filter_partials', image, attrs]),
    units: attrs.parts * groups,
    work: sizeOf(attrs.kernelShape) * lines * g.ow,
    scratch: byScratch ? tileRows * 64 : 0,
    emit(fn) {
      const tileChannels = g.k > 8 ? 8 * fn.join : 8;
      const strips = Math.ceil(g.k / tileChannels);
      const [x, gradient] = fn.inputs as [Local, Local];
      const acc = Array.from({ length: tileRows }, () => fn.localsOf('v128', tileChannels / 4));
      const loads = fn.localsOf('v128', tileChannels / 4);
      const spread = fn.local('v128');
      const [from, to, start, stop, line, strip, pixel, patch, source] = fn.localsOf('i32', 9);

      /** Sums of one tile over the pixels of a block, begun at zero in the first block. */
      const tile = (rows: number, channels: number, isFirst: Instruction): Instruction[] => {
        const vectors = Math.ceil(channels / 4);
        const sums = acc.slice(0, rows).map((row) => row.slice(0, vectors));
        const save = sums.flatMap((row, r) =>
          row.flatMap((sum, v) =>
            storeFloats(to.get(), sum, Math.min(4, channels - v * 4), r * g.k * 4 + v * 16),
          ),
        );
        return [
          control.if(
            isFirst,
            sums.flat().map((sum) => sum.set(f32x4.const(0))),
            sums.flatMap((row, r) =>
              row.map((sum, v) => sum.set(v128.load(to.get(), r * g.k * 4 + v * 16))),
            ),
          ),
          ...forRange(line, start.get(), () => stop.get(), 1, [
            ...lineStart(),
            ...forRange(pixel, i32.const(0), () => i32.const(g.ow), 1, [
              ...loads
                .slice(0, vectors)
                .map((load, v) => load.set(v128.load(source.get(), v * 16))),
              ...sums.flatMap((row, r) => [
                spread.set(
                  v128.load32_splat(
                    patch.get(),
                    Math.floor(r / length) * lineBytes + (r % length) * 4,
                  ),
                ),
                ...row.map((sum, v) => sum.set(fn.madd(spread.get(), loads[v]!.get(), sum.get()))),
              ]),
              patch.add(attrs.strides[1] * g.c * 4),
              source.add(g.k * 4),
            ]),
          ]),
          ...(byScratch && endsInPair(channels) ? throughScratch(fn, sums) : []),
          ...save,
        ];
      };
      /** Pointers at the start of output row `line` = (image, oy). */
      const lineStart = (): Instruction[] => {
        const imageRow = i32.add(
          i32.mul(i32.div_u(line.get(), i32.const(g.oh)), i32.const(g.h)),
          i32.mul(i32.rem_u(line.get(), i32.const(g.oh)), i32.const(attrs.strides[0])),
        );
        return [
          patch.set(at(from.get(), imageRow, g.w * g.c * 4)),
          source.set(
            at(at(gradient.get(), line.get(), g.ow * g.k * 4), strip.get(), tileChannels * 4),
          ),
        ];
      };
      const allStrips = (rows: number, base: Local, isFirst: Instruction): Instruction[] => {
        const body = eachSize(strip, g.k, tileChannels, (channels) =>
          tile(rows, channels, isFirst),
        );
        return forRange(strip, i32.const(0), () => i32.const(strips), 1, [
          to.set(at(base.get(), strip.get(), tileChannels * 4)),
          ...body,
        ]);
      };
      const [begin, end, tileNumber] = fn.localsOf('i32', 3);
      const isFirst = i32.eq(start.get(), begin.get());
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const part = fn.define(code, i32.div_u(unit.get(), i32.const(groups)));
        const firstTile = fn.define(
          code,
          i32.mul(i32.rem_u(unit.get(), i32.const(groups)), i32.const(tilesPerUnit)),
        );
        code.push(
          begin.set(i32.mul(part.get(), i32.const(attrs.lines))),
          end.set(atMost(i32.add(begin.get(), i32.const(attrs.lines)), lines)),
        );
        const body: Instruction[] = [];
        const run = fn.define(body, i32.div_u(tileNumber.get(), i32.const(cut.count)));
        const place = fn.define(body, i32.rem_u(tileNumber.get(), i32.const(cut.count)));
        // Runs lie a dilated row (or pixel) apart in the image.
        const byPixels = runs.length > g.kh;
        const dy = byPixels ? i32.div_u(run.get(), i32.const(g.kw)) : run.get();
        const dx = byPixels ? i32.rem_u(run.get(), i32.const(g.kw)) : i32.const(0);
        const patch = i32.add(
          i32.mul(dy, i32.const(attrs.dilation[0] * g.w * g.c)),
          i32.mul(dx, i32.const(attrs.dilation[1] * g.c)),
        );
        const firstRow = i32.add(
          i32.mul(run.get(), i32.const(length)),
          i32.mul(place.get(), i32.const(tileRows)),
        );
        const base = fn.local('i32');
        body.push(
          from.set(
            at(at(x.get(), patch, 4), place.get(), ofLines ? cut.size * lineBytes : tileRows * 4),
          ),
          base.set(at(at(fn.outputs[0]!.get(), part.get(), sumBytes), firstRow, g.k * 4)),
          ...(lastRows === tileRows
            ? allStrips(tileRows, base, isFirst)
            : [
                control.if(
                  i32.eq(place.get(), i32.const(cut.count - 1)),
                  allStrips(lastRows, base, isFirst),
                  allStrips(tileRows, base, isFirst),
                ),
              ]),
        );
        const lastTile = () => i32.add(firstTile.get(), i32.const(tilesPerUnit));
        code.push(
          ...forRange(start, begin.get(), () => end.get(), block, [
            stop.set(i32.add(start.get(), i32.const(block))),
            stop.set(atMost(stop.get(), end.get())),
            ...forRange(tileNumber, firstTile.get(), lastTile, 1, body),
          ]),
        );
        return code;
      });
    },
  };
}
