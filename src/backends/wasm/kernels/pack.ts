/** @file Kernels that lay memory out for others: panels of weights, images placed among zeros. */
import { bytesOf } from '../../../core/dtype.ts';
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, memory, v128 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, eachSize, type KernelSpec, transpose4 } from '../kernel.ts';
import {
  type InterleaveAttrs,
  type PackAttrs,
  type PlaceAttrs,
  packedExtents,
  spansOf,
  tapsOf,
} from '../ops/convolution.ts';
import { storeFloats } from './reduce.ts';

/**
 *     forward: panels[strip, (tap, i), j] = w[tap, i, strip · panel + j]
 *     adjoint: panels[strip, (tap, i), j] = w[tap, strip · panel + j, i]      zeros behind the last column
 *
 * Unit = (span of columns, tap), which is done row by row. Rows of the `forward` form lie k elements apart, often on other
 * pages, so a span has several strips. Columns of the `adjoint` form lie k apart: a unit reads those of one strip side by
 * side, four rows at a time, in squares of 4 × 4 transposed in registers.
 */
export function packPanelsKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PackAttrs;
  const kernel = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, kw, c, k] = kernel;
  const { rows, columns } = packedExtents(kernel, attrs);
  const forward = attrs.form === 'forward';
  const { window, start, step } = tapsOf(kernel, attrs);
  const taps = window[0] * window[1];
  const panel = node.outputs[0]!.shape[2]!;
  const rowsOfTap = rows / taps;
  const { span, pieces, spans } = spansOf(columns, attrs);
  /** Bytes from a row to the next and from a column to the next, in the kernel. */
  const [rowBytes, columnBytes] = forward ? [k * 4, 4] : [4, k * 4];
  return {
    key: JSON.stringify(['pack_panels', kernel, attrs]),
    units: spans * taps,
    work: rows * columns * 2,
    emit(fn) {
      const [from, to] = fn.localsOf('i32', 2);
      // NaN where something is not finite; vectors take turns, so that V8 joins them.
      const sums = fn.localsOf('v128', 2);
      const note = (vector: Local, i: number): Instruction[] => {
        const sum = sums[i % 2]!;
        const times0 = f32x4.mul(vector.get(), f32x4.const(0));
        return attrs.checked ? [sum.set(f32x4.add(sum.get(), times0))] : [];
      };
      /** `copy` for each vector of a row of `width` columns: its first column, its columns before the last, its place. */
      const eachVector = (
        width: number,
        copy: (column: number, lanes: number, place: number) => Instruction[],
      ): Instruction[] =>
        Array.from(
          { length: Math.min(span, Math.ceil(Math.max(width, 1) / panel) * panel) / 4 },
          (_, i) => {
            const strip = Math.floor((i * 4) / panel);
            const place = (strip * rows * panel + ((i * 4) % panel)) * 4;
            return copy(i * 4, Math.max(0, Math.min(4, width - i * 4)), place);
          },
        ).flat();
      const copyRow = (width: number): Instruction[] => {
        const lane = fn.local('v128');
        return eachVector(width, (column, lanes, place) => {
          const first = column * columnBytes;
          if (forward && lanes === 4)
            return [
              lane.set(v128.load(from.get(), first)),
              v128.store(to.get(), lane.get(), place),
              ...note(lane, column / 4),
            ];
          return [
            v128.store(to.get(), f32x4.const(0), place),
            ...Array.from({ length: lanes }, (_, i) => [
              lane.set(v128.load32_zero(from.get(), first + i * columnBytes)),
              ...note(lane, i),
              ...storeFloats(to.get(), lane, 1, place + i * 4),
            ]).flat(),
          ];
        });
      };
      /** Four rows of the `adjoint` form. */
      const copyFour = (width: number): Instruction[] => {
        const square = fn.localsOf('v128', 4);
        const halves = fn.localsOf('v128', 4);
        return eachVector(width, (column, lanes, place) => [
          ...square.map((vector, i) =>
            vector.set(
              i < lanes ? v128.load(from.get(), (column + i) * columnBytes) : f32x4.const(0),
            ),
          ),
          ...square.flatMap(note),
          ...transpose4(square, halves),
          ...square.map((vector, i) => v128.store(to.get(), vector.get(), place + i * panel * 4)),
        ]);
      };
      /** `count` times so many rows: one or four. */
      const copyRows = (count: number, atOnce: 1 | 4, width: number): Instruction[] =>
        count === 0
          ? []
          : fn.each(count, () => [
              ...(atOnce === 4 ? copyFour(width) : copyRow(width)),
              from.add(atOnce * rowBytes),
              to.add(atOnce * panel * 4),
            ]);
      const copyAll = (width: number): Instruction[] => {
        const fours = forward ? 0 : Math.floor(rowsOfTap / 4);
        return [...copyRows(fours, 4, width), ...copyRows(rowsOfTap - fours * 4, 1, width)];
      };
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const part = fn.define(code, i32.div_u(unit.get(), i32.const(taps)));
        const tap = fn.define(code, i32.rem_u(unit.get(), i32.const(taps)));
        const sourceRow = at(
          i32.const(start[0]),
          i32.div_u(tap.get(), i32.const(window[1])),
          step[0],
        );
        const sourceColumn = at(
          i32.const(start[1]),
          i32.rem_u(tap.get(), i32.const(window[1])),
          step[1],
        );
        const sourceTap = at(sourceColumn, sourceRow, kw);
        const first = at(fn.inputs[0]!.get(), sourceTap, c * k * 4);
        const strip = i32.div_u(part.get(), i32.const(pieces));
        const piece = i32.rem_u(part.get(), i32.const(pieces));
        const panels = at(
          at(fn.outputs[0]!.get(), strip, Math.max(span, panel) * rows * 4),
          piece,
          span * 4,
        );
        code.push(
          from.set(at(first, part.get(), span * columnBytes)),
          to.set(at(panels, tap.get(), rowsOfTap * panel * 4)),
        );
        const filled = Math.ceil(columns / span);
        const copies = eachSize(part, columns, span, copyAll);
        const isFilled = i32.lt_s(part.get(), i32.const(filled));
        const pack = filled < spans ? [control.if(isFilled, copies, copyAll(0))] : copies;
        if (!attrs.checked) return [...code, ...pack];
        const finite = at(fn.outputs[1]!.get(), unit.get(), 16);
        return [
          ...code,
          ...sums.map((sum) => sum.set(f32x4.const(0))),
          ...pack,
          v128.store(finite, f32x4.add(sums[0].get(), sums[1].get())),
        ];
      });
    },
  };
}

/** Unit = image: zeros first, then each pixel to its place. */
export function placeKernel(node: Node): KernelSpec {
  const { extent, start, step } = node.attrs as PlaceAttrs;
  const [n, h, w, c] = node.inputs[0]!.shape as readonly [number, number, number, number];
  const pixel = c * bytesOf(node.inputs[0]!.dtype);
  const size = extent[0] * extent[1] * pixel;
  const dense = step[1] === 1 && start[1] >= 0 && start[1] + w <= extent[1];
  return {
    key: JSON.stringify([
      'place',
      node.inputs[0]!.shape,
      node.inputs[0]!.dtype,
      extent,
      start,
      step,
    ]),
    units: n,
    work: sizeOf(node.outputs[0]!.shape),
    emit(fn) {
      const row = fn.local('i32');
      const column = fn.local('i32');
      fn.eachUnit((image) => {
        const to = at(fn.outputs[0]!.get(), image.get(), size);
        const inside = (place: Instruction, limit: number) => i32.lt_u(place, i32.const(limit));
        return [
          memory.fill(to, i32.const(0), i32.const(size)),
          ...fn.each(h, (y) => {
            const source = at(fn.inputs[0]!.get(), at(y.get(), image.get(), h), w * pixel);
            const target = at(to, row.get(), extent[1] * pixel);
            const wholeRow = [
              memory.copy(
                i32.add(target, i32.const(start[1] * pixel)),
                source,
                i32.const(w * pixel),
              ),
            ];
            const byPixel = fn.each(w, (x) => [
              column.set(i32.add(i32.mul(x.get(), i32.const(step[1])), i32.const(start[1]))),
              control.if(inside(column.get(), extent[1]), [
                memory.copy(
                  at(target, column.get(), pixel),
                  at(source, x.get(), pixel),
                  i32.const(pixel),
                ),
              ]),
            ]);
            return [
              row.set(i32.add(i32.mul(y.get(), i32.const(step[0])), i32.const(start[0]))),
              control.if(inside(row.get(), extent[0]), dense ? wholeRow : byPixel),
            ];
          }),
        ];
      });
    },
  };
}

/** Unit = image row: pixels in turn from the phases that make it up. */
export function interleaveKernel(node: Node): KernelSpec {
  const { imageShape, strides, phases } = node.attrs as InterleaveAttrs;
  const [n, h, w, c] = imageShape as readonly [number, number, number, number];
  const pixel = c * 4;
  return {
    key: JSON.stringify(['interleave', node.attrs]),
    units: n * h,
    work: sizeOf(imageShape),
    emit(fn) {
      const [image, y, t, phase] = fn.localsOf('i32', 4);
      const [from, to] = fn.localsOf('i32', 2);
      const copy = (): Instruction[] => {
        if (c % 4 !== 0)
          return [memory.copy(to.get(), from.get(), i32.const(pixel)), from.add(pixel)];
        const place = fn.local('i32');
        return [
          place.set(to.get()),
          ...fn.each(c / 4, () => [
            v128.store(place.get(), v128.load(from.get())),
            from.add(16),
            place.add(16),
          ]),
        ];
      };
      const column = (a: number, b: number, unit: Local): Instruction[] => {
        const input = phases.findIndex((other) => other[0] === a && other[1] === b);
        const [rows, columns] = [Math.ceil((h - a) / strides[0]), Math.ceil((w - b) / strides[1])];
        const start = to.set(
          at(at(fn.outputs[0]!.get(), unit.get(), w * pixel), i32.const(b), pixel),
        );
        if (input < 0) {
          const clear = memory.fill(to.get(), i32.const(0), i32.const(pixel));
          return [start, ...fn.each(columns, () => [clear, to.add(strides[1] * pixel)])];
        }
        const line = i32.add(i32.mul(image.get(), i32.const(rows)), t.get());
        return [
          start,
          from.set(at(fn.inputs[input]!.get(), line, columns * pixel)),
          ...fn.each(columns, () => [...copy(), to.add(strides[1] * pixel)]),
        ];
      };
      fn.eachUnit((unit) => [
        image.set(i32.div_u(unit.get(), i32.const(h))),
        y.set(i32.rem_u(unit.get(), i32.const(h))),
        t.set(i32.div_u(y.get(), i32.const(strides[0]))),
        phase.set(i32.rem_u(y.get(), i32.const(strides[0]))),
        ...Array.from({ length: strides[0] }, (_, a) =>
          control.if(
            i32.eq(phase.get(), i32.const(a)),
            Array.from({ length: strides[1] }, (_, b) => column(a, b, unit)).flat(),
          ),
        ),
      ]);
    },
  };
}
