/**
 * @file Convolution, bias, ReLU and maximum pooling in one pass over panels: the positions of a pooling window are the
 * tile's pixels, so the window's maximum and its place are found in registers and only they are written. Convolution
 * outputs that no window covers are never computed.
 *
 * Tile: window × 8 channels. For the usual 2×2 window that is the 4 × 8 tile of `panel_conv.ts`; the four patches lie at
 * constant distances, so one pointer moves.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, eachSize, evenUnits, type KernelSpec } from '../kernel.ts';
import type { PanelPoolAttrs } from '../ops/convolution.ts';
import { accumulateTile, patchAddress, patchRuns, smallWeights } from './panel_conv.ts';
import { storeFloats } from './reduce.ts';
import { windowMaximum, winnerBytes } from './window_maximum.ts';

export function panelConvPoolKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PanelPoolAttrs;
  const image = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, h, w, c] = image;
  const [, ph, pw, k] = node.outputs[0]!.shape as readonly [number, number, number, number];
  const pooled = sizeOf(node.outputs[0]!.shape) / k;
  const [poolRows, poolColumns] = attrs.pool;
  const window = poolRows * poolColumns;
  const runs = patchRuns(attrs.kernel, attrs.dilation, w, c);
  const [strips, rows, width] = node.inputs[1]!.shape as readonly [number, number, number];
  const vectors = width / 4;
  const stripsInside = rows * width * 4 * strips <= smallWeights;
  const { units, first, end: endOf } = evenUnits(pooled, 64);
  return {
    key: JSON.stringify(['panel_conv_pool', image, attrs, width]),
    units,
    work: pooled * window * rows * k,
    emit(fn) {
      const [x, panels, bias] = fn.inputs as [Local, Local, Local];
      const acc = Array.from({ length: window }, () => fn.localsOf('v128', vectors));
      const top = fn.localsOf('v128', vectors);
      const winner = fn.localsOf('v128', vectors);
      const bytes = fn.local('v128');
      const [pointer, weights, element, place, end, strip] = fn.localsOf('i32', 6);
      const pixels = Array.from({ length: window }, (_, j) => {
        const y = Math.floor(j / poolColumns) * attrs.strides[0];
        const column = (j % poolColumns) * attrs.strides[1];
        return { pointer, offset: (y * w + column) * c * 4 };
      });
      const findPatch = (): Instruction[] => {
        const code: Instruction[] = [];
        const strides = [poolRows * attrs.strides[0], poolColumns * attrs.strides[1]] as const;
        const address = patchAddress(fn, code, x, place, { h, w, c, oh: ph, ow: pw, strides });
        return [...code, pointer.set(address)];
      };
      const store = (channels: number): Instruction[] => {
        const y = fn.define([], i32.const(0));
        const code: Instruction[] = [
          y.set(at(fn.outputs[0]!.get(), element.get(), 4)),
          ...top.flatMap((value, v) => {
            const lanes = Math.max(0, Math.min(4, channels - v * 4));
            return lanes > 0 ? storeFloats(y.get(), value, lanes, v * 16) : [];
          }),
        ];
        const winners = i32.add(fn.outputs[1]!.get(), element.get());
        for (let pair = 0; pair * 8 < channels; pair++) {
          code.push(bytes.set(winnerBytes(winner[pair * 2]!, winner[pair * 2 + 1]!)));
          const count = Math.min(8, channels - pair * 8);
          if (count === 8) code.push(v128.store64_lane(winners, bytes.get(), 0, pair * 8));
          else
            for (let lane = 0; lane < count; lane++)
              code.push(v128.store8_lane(winners, bytes.get(), lane, pair * 8 + lane));
        }
        return code;
      };
      const compute = (): Instruction[] => {
        return [
          weights.set(at(panels.get(), strip.get(), rows * width * 4)),
          ...acc.flatMap((row) =>
            row.map((sum, v) => sum.set(v128.load(at(bias.get(), strip.get(), width * 4), v * 16))),
          ),
          ...accumulateTile(fn, runs, pixels, weights, acc),
          ...top.flatMap((value, v) =>
            windowMaximum(
              fn,
              acc.map((row) => row[v]!),
              value,
              winner[v]!,
            ),
          ),
          element.set(
            i32.add(i32.mul(place.get(), i32.const(k)), i32.mul(strip.get(), i32.const(width))),
          ),
          ...eachSize(strip, k, width, store),
        ];
      };
      fn.eachUnit((unit) => {
        const overPlaces = (body: Instruction[]) =>
          forRange(place, first(unit), () => end.get(), 1, body);
        const overStrips = (body: Instruction[]) =>
          forRange(strip, i32.const(0), () => i32.const(strips), 1, body);
        return [
          end.set(endOf(unit)),
          ...(stripsInside
            ? overPlaces([...findPatch(), ...overStrips(compute())])
            : overStrips(overPlaces([...findPatch(), ...compute()]))),
        ];
      });
    },
  };
}
