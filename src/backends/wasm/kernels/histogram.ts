/** @file Counts of whole numbers. A unit is a row, so that no two threads count in one place. */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { control, type Instruction, i32, memory } from '../assembler/instructions.ts';
import { at, type KernelSpec } from '../kernel.ts';

export function histogramKernel(node: Node): KernelSpec {
  const { shape } = node.inputs[0]!;
  const { bins } = node.attrs as { bins: number };
  const row = shape.at(-1)!;
  return {
    key: JSON.stringify(['histogram', row, bins]),
    units: sizeOf(shape) / row,
    work: sizeOf(shape) * 4,
    emit(fn) {
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const from = fn.define(code, at(fn.inputs[0]!.get(), unit.get(), row * 4));
        const counts = fn.define(code, at(fn.outputs[0]!.get(), unit.get(), bins * 4));
        const bin = fn.local('i32');
        const place = fn.local('i32');
        return [
          ...code,
          memory.fill(counts.get(), i32.const(0), i32.const(bins * 4)),
          ...fn.each(row, () => [
            bin.set(i32.load(from.get())),
            // A negative number is a large one without its sign.
            control.if(i32.lt_u(bin.get(), i32.const(bins)), [
              place.set(at(counts.get(), bin.get(), 4)),
              i32.store(place.get(), i32.add(i32.load(place.get()), i32.const(1))),
            ]),
            from.add(4),
          ]),
        ];
      });
    },
  };
}
