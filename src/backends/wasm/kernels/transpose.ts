/**
 * @file Transposition. Where rows of the result are columns of the source (the two last axes trade places), sixteen of them
 * are made together, which is one cache line of each source row, in squares of 4 × 4 that are transposed in registers.
 * Otherwise elements are copied by strides.
 */
import { bytesOf } from '../../../core/dtype.ts';
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { transposeStrides } from '../../../ops/layout.ts';
import { type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { at, eachSize, type KernelSpec, transpose4, unravel } from '../kernel.ts';
import { stridedCopy } from './layout.ts';

/** Rows of the result that a unit makes. */
const unitRows = 16;

export function transposeKernel(node: Node): KernelSpec {
  const { axes } = node.attrs as { axes: readonly number[] };
  const copy = transposeStrides(node.inputs[0]!.shape, node.outputs[0]!.shape, axes);
  const { shape, strides } = copy;
  const [rows, columns] = shape.slice(-2) as [number, number];
  const suits = shape.length >= 2 && strides.at(-2) === 1 && rows >= 4 && columns >= 4;
  if (!suits || bytesOf(node.outputs[0]!.dtype) !== 4) return stridedCopy(node, copy);
  const outer = shape.slice(0, -2);
  const blocks = Math.ceil(rows / unitRows);
  /** Bytes from a source row to the next, and from a row of the result to the next. */
  const [sourceRow, resultRow] = [strides.at(-1)! * 4, columns * 4];
  return {
    key: JSON.stringify(['transpose', shape, strides]),
    units: sizeOf(outer) * blocks,
    work: sizeOf(shape) * 2,
    emit(fn) {
      const [from, to] = fn.localsOf('i32', 2);
      const square = fn.localsOf('v128', 4);
      const halves = fn.localsOf('v128', 4);
      const element = (row: number, column: number): Instruction =>
        i32.store(
          to.get(),
          i32.load(from.get(), row * 4 + column * sourceRow),
          row * resultRow + column * 4,
        );
      /** A row and column of the source after the other: all of its squares, and what is left beside them. */
      const columnsFrom = (count: number, wide: number): Instruction[] => {
        const code: Instruction[] = [];
        for (let row = 0; row < count; row += 4) {
          if (wide < 4 || count - row < 4) {
            for (let i = row; i < Math.min(row + 4, count); i++)
              for (let column = 0; column < wide; column++) code.push(element(i, column));
            continue;
          }
          code.push(
            ...square.map((vector, i) =>
              vector.set(v128.load(from.get(), row * 4 + i * sourceRow)),
            ),
            ...transpose4(square, halves),
            ...square.map((vector, i) => v128.store(to.get(), vector.get(), (row + i) * resultRow)),
          );
        }
        return [...code, from.add(wide * sourceRow), to.add(wide * 4)];
      };
      const block = (count: number): Instruction[] => [
        ...fn.each(Math.floor(columns / 4), () => columnsFrom(count, 4)),
        ...(columns % 4 > 0 ? columnsFrom(count, columns % 4) : []),
      ];
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [first, ...others] = unravel(fn, code, unit.get(), [...outer.slice(1), blocks]);
        const number = others.at(-1)!;
        const coordinates = outer.length > 0 ? [first, ...others.slice(0, -1)] : [];
        const row = i32.mul(number.get(), i32.const(unitRows));
        const base = coordinates.reduce(
          (sum, coordinate, axis) => at(sum, coordinate.get(), strides[axis]! * 4),
          at(fn.inputs[0]!.get(), row, 4),
        );
        const index = coordinates.reduce<Instruction>(
          (sum, coordinate, axis) => at(coordinate.get(), sum, outer[axis]!),
          i32.const(0),
        );
        code.push(
          from.set(base),
          to.set(at(fn.outputs[0]!.get(), at(row, index, rows), resultRow)),
        );
        return [...code, ...eachSize(number, rows, unitRows, block)];
      });
    },
  };
}
