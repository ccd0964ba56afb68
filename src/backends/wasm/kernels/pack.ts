/** @file Kernels that lay memory out for others: panels of weights, images placed among zeros. */
import { bytesOf } from '../../../core/dtype.ts';
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, memory, v128 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelSpec } from '../kernel.ts';
import {
  type InterleaveAttrs,
  type PackAttrs,
  type PlaceAttrs,
  packedExtents,
  tapsOf,
} from '../ops.ts';
import { storeFloats } from './reduce.ts';

/** Unit = (strip, tap): for `forward`, c rows of neighbours; for `adjoint`, k rows of elements k apart. */
export function packPanelsKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PackAttrs;
  const kernel = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, kw, c, k] = kernel;
  const { rows, columns } = packedExtents(kernel, attrs);
  const forward = attrs.form === 'forward';
  const { window, start, step } = tapsOf(kernel, attrs);
  const taps = window[0] * window[1];
  const [strips, , panel] = node.outputs[0]!.shape as readonly [number, number, number];
  const rowsOfTap = rows / taps;
  return {
    key: JSON.stringify(['pack_panels', kernel, attrs]),
    units: strips * taps,
    work: rows * columns * 2,
    emit(fn) {
      const vectors = fn.localsOf('v128', panel / 4);
      /** One row of `width` columns from `from` on. */
      const copyRow = (from: Instruction, to: Instruction, width: number): Instruction[] =>
        vectors.flatMap((vector, i) => {
          const lanes = Math.max(0, Math.min(4, width - i * 4));
          if (forward && lanes === 4) return [v128.store(to, v128.load(from, i * 16), i * 16)];
          const stride = forward ? 4 : k * 4;
          const code = [v128.store(to, f32x4.const(0), i * 16)];
          for (let lane = 0; lane < lanes; lane++) {
            code.push(
              vector.set(v128.load32_zero(from, (i * 4 + lane) * stride)),
              ...storeFloats(to, vector, 1, i * 16 + lane * 4),
            );
          }
          return code;
        });
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const strip = fn.define(code, i32.div_u(unit.get(), i32.const(taps)));
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
        const from = fn.define(code, at(first, strip.get(), panel * (forward ? 4 : k * 4)));
        const to = fn.define(
          code,
          at(
            at(fn.outputs[0]!.get(), strip.get(), rows * panel * 4),
            tap.get(),
            rowsOfTap * panel * 4,
          ),
        );
        const copyAll = (width: number) =>
          fn.each(rowsOfTap, () => [
            ...copyRow(from.get(), to.get(), width),
            from.add(forward ? k * 4 : 4),
            to.add(panel * 4),
          ]);
        const last = columns - (strips - 1) * panel;
        if (last === panel) return [...code, ...copyAll(panel)];
        const full = strips > 1 ? copyAll(panel) : [];
        return [
          ...code,
          control.if(i32.eq(strip.get(), i32.const(strips - 1)), copyAll(last), full),
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
