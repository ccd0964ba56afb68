/** @file Kernels that move elements: strided copies (slice, transpose), placing (pad, dilate), concatenation, gathering. */
import { bytesOf } from '../../../core/dtype.ts';
import { sizeOf, stridesOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import {
  type Padding,
  type SliceAttrs,
  type StridedAttrs,
  sliceStrides,
} from '../../../ops/layout.ts';
import { type Instruction, i32, memory } from '../assembler/instructions.ts';
import { at, type KernelSpec, unravel } from '../kernel.ts';

export const sliceKernel = (node: Node): KernelSpec =>
  stridedCopy(node, sliceStrides(node.inputs[0]!.shape, node.attrs as SliceAttrs));

/** Rows of the output, each a copy of elements that lie `stride` apart. */
export function stridedCopy(node: Node, { shape, start, strides }: StridedAttrs): KernelSpec {
  const bytes = bytesOf(node.outputs[0]!.dtype);
  const inner = shape.at(-1) ?? 1;
  const outer = shape.slice(0, -1);
  const stride = strides.at(-1) ?? 1;
  return {
    key: JSON.stringify(['strided_copy', bytes, shape, start, strides]),
    units: sizeOf(outer),
    work: sizeOf(shape) * (stride === 1 ? 1 : 4),
    emit(fn) {
      fn.eachUnit((row) => {
        const code: Instruction[] = [];
        const coordinates = outer.length > 0 ? unravel(fn, code, row.get(), outer.slice(1)) : [];
        const base = i32.add(fn.inputs[0]!.get(), i32.const(start * bytes));
        const from = fn.define(
          code,
          coordinates.reduce(
            (sum, coordinate, axis) => at(sum, coordinate.get(), strides[axis]! * bytes),
            base,
          ),
        );
        const to = fn.define(code, at(fn.outputs[0]!.get(), row.get(), inner * bytes));
        if (stride === 1) code.push(memory.copy(to.get(), from.get(), i32.const(inner * bytes)));
        else {
          code.push(
            ...fn.each(inner, () => [
              copyElement(bytes, to.get(), from.get()),
              to.add(bytes),
              from.add(stride * bytes),
            ]),
          );
        }
        return code;
      });
    },
  };
}

function copyElement(bytes: number, to: Instruction, from: Instruction): Instruction {
  return bytes === 4 ? i32.store(to, i32.load(from)) : i32.store8(to, i32.load8_u(from));
}

/** Copies the rows of `x` into zeros, `before` elements in along each axis. */
export function padKernel(node: Node): KernelSpec {
  const { padding } = node.attrs as { padding: Padding };
  const [input, output] = [node.inputs[0]!, node.outputs[0]!];
  const bytes = bytesOf(output.dtype);
  // Trailing axes without padding are part of a row.
  let rowAxis = padding.length - 1;
  while (rowAxis > 0 && padding[rowAxis]![0] === 0 && padding[rowAxis]![1] === 0) rowAxis--;
  const row = sizeOf(input.shape.slice(rowAxis));
  const outer = input.shape.slice(0, rowAxis);
  const strides = stridesOf(output.shape);
  const whole = rowAxis === 0 || padding[0]!.some((zeros) => zeros > 0);
  const units = whole ? 1 : output.shape[0]!;
  const rows = sizeOf(outer) / units;
  return {
    key: JSON.stringify(['pad', bytes, input.shape, padding]),
    units,
    work: sizeOf(output.shape),
    emit(fn) {
      const size = (sizeOf(output.shape) / units) * bytes;
      fn.eachUnit((unit) => [
        memory.fill(at(fn.outputs[0]!.get(), unit.get(), size), i32.const(0), i32.const(size)),
        ...fn.each(rows, (r) => {
          const code: Instruction[] = [];
          const index = fn.define(code, at(r.get(), unit.get(), rows));
          const coordinates =
            outer.length > 0 ? unravel(fn, code, index.get(), outer.slice(1)) : [];
          const first = padding
            .slice(0, rowAxis + 1)
            .reduce((sum, [before], axis) => sum + before * strides[axis]!, 0);
          const to = coordinates.reduce(
            (sum, coordinate, axis) => at(sum, coordinate.get(), strides[axis]! * bytes),
            i32.add(fn.outputs[0]!.get(), i32.const(first * bytes)),
          );
          const from = at(fn.inputs[0]!.get(), index.get(), row * bytes);
          return [...code, memory.copy(to, from, i32.const(row * bytes))];
        }),
      ]);
    },
  };
}

export function concatKernel(node: Node): KernelSpec {
  const { axis } = node.attrs as { axis: number };
  const output = node.outputs[0]!;
  const bytes = bytesOf(output.dtype);
  const widths = node.inputs.map((input) => sizeOf(input.shape.slice(axis)) * bytes);
  const row = sizeOf(output.shape.slice(axis)) * bytes;
  return {
    key: JSON.stringify(['concat', widths]),
    units: sizeOf(output.shape.slice(0, axis)),
    work: sizeOf(output.shape),
    emit(fn) {
      fn.eachUnit((unit) => {
        let offset = 0;
        return widths.map((width, i) => {
          const to = i32.add(at(fn.outputs[0]!.get(), unit.get(), row), i32.const(offset));
          offset += width;
          return memory.copy(to, at(fn.inputs[i]!.get(), unit.get(), width), i32.const(width));
        });
      });
    },
  };
}

export function gatherRowsKernel(node: Node): KernelSpec {
  const [data, rows] = [node.inputs[0]!, node.inputs[1]!];
  const width = sizeOf(data.shape.slice(1)) * bytesOf(data.dtype);
  return {
    key: JSON.stringify(['gather_rows', width, sizeOf(rows.shape)]),
    units: sizeOf(rows.shape),
    work: sizeOf(rows.shape) * (width / 4),
    emit(fn) {
      fn.eachUnit((unit) => {
        const row = i32.load(at(fn.inputs[1]!.get(), unit.get(), 4));
        const to = at(fn.outputs[0]!.get(), unit.get(), width);
        return copyBytes(to, at(fn.inputs[0]!.get(), row, width), width);
      });
    },
  };
}

/** Bulk copy, or a plain load and store where the row is one element. */
function copyBytes(to: Instruction, from: Instruction, bytes: number): Instruction[] {
  return bytes === 1 || bytes === 4
    ? [copyElement(bytes, to, from)]
    : [memory.copy(to, from, i32.const(bytes))];
}
