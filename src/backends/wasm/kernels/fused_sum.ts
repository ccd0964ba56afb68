/**
 * @file Elementwise work with sums over rows. A unit is a part of the rows; within it channels go in blocks of a few
 * vectors, whose sums stay in registers while the rows pass. Where there are several blocks, rows pass some at a time, few
 * enough that all blocks find them in the first cache, and sums wait in the result between.
 */
import { bytesOf } from '../../../core/dtype.ts';
import type { Node } from '../../../ir/graph.ts';
import { type FusedSumAttrs, rowsAndChannels, rowWalk } from '../../../ops/fused_sum.ts';
import { control, f32x4, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, atMost, type KernelSpec } from '../kernel.ts';
import { applySteps, type Lane, WasmLanes } from '../lanes.ts';
import { loadSplat, loadVector, storeVector } from './elementwise.ts';
import { touchRows } from './touch.ts';

/** Sums held at once. */
const registers = 8;
/** Elements of a tensor, a page of them, that stay in the first cache while blocks of channels pass. */
const nearElements = 1024;

export function fusedSumKernel(node: Node): KernelSpec {
  const attrs = node.attrs as FusedSumAttrs;
  const [rows, channels] = rowsAndChannels(attrs.shape, attrs.to);
  const walks = node.inputs.map((input) => rowWalk(input.shape, attrs.shape, attrs.to)!);
  const vectors = channels / 4;
  let block = Math.min(4, Math.max(1, Math.floor(registers / attrs.summed.length)));
  while (vectors % block !== 0) block--;
  return {
    key: JSON.stringify([
      'fused_sum',
      rows,
      channels,
      attrs.rows,
      walks,
      node.inputs.map((input) => input.dtype),
      attrs.stored,
      attrs.summed,
      attrs.steps.map((step) => [step.op.name, step.attrs, step.operands]),
    ]),
    units: attrs.parts,
    work: rows * channels * (attrs.steps.length + 1),
    emit(fn) {
      const [row, channel, index] = fn.localsOf('i32', 3);
      const [begun, end, first, last] = fn.localsOf('i32', 4);
      const sums = attrs.summed.map(() => fn.localsOf('v128', block));
      const pointers = node.inputs.map(() => fn.local('i32'));
      /** Inputs that are the same in every row, a vector for each of the block. */
      const fixed = node.inputs.map(() => fn.localsOf('v128', block));
      const outputs = attrs.stored.map(() => fn.local('i32'));
      const bytes = node.inputs.map(({ dtype }) => bytesOf(dtype));

      const start = node.inputs.flatMap((input, i) => {
        const { row: step, channel: along } = walks[i]!;
        const address = at(fn.inputs[i]!.get(), channel.get(), along * bytes[i]!);
        if (step > 0) return [pointers[i]!.set(at(address, first.get(), step * bytes[i]!))];
        return fixed[i]!.map((vector, v) => {
          if (along === 0) return vector.set(loadSplat(input.dtype, address));
          return vector.set(
            loadVector(input.dtype, i32.add(address, i32.const(v * 4 * bytes[i]!))),
          );
        });
      });
      const element = i32.add(i32.mul(first.get(), i32.const(channels)), channel.get());
      const startOutputs = outputs.map((pointer, i) =>
        pointer.set(at(fn.outputs[i]!.get(), index.get(), bytesOf(node.outputs[i]!.dtype))),
      );

      /** Vectors `group` of the block, in the row at hand, step by step. */
      const vectorsOf = (group: readonly number[]): Instruction[] => {
        const code: Instruction[] = [];
        const lanes = group.map((v, place) => new WasmLanes(fn, code, index, v * 4, place));
        /** Of each value, one for each of the vectors. */
        const values: Lane[][] = node.inputs.map((input, i) =>
          group.map((v) => {
            const { row: step, channel: along } = walks[i]!;
            if (step === 0) return fixed[i]![v]!;
            const pointer = pointers[i]!.get();
            const value =
              along === 0
                ? loadSplat(input.dtype, pointer)
                : loadVector(input.dtype, pointer, v * 4 * bytes[i]!);
            return fn.define(code, value, 'v128');
          }),
        );
        applySteps(attrs.steps, values, lanes);
        attrs.stored.forEach((operand, i) => {
          const { dtype } = node.outputs[i]!;
          group.forEach((v, g) => {
            const value = values[operand]![g]!.get();
            code.push(...storeVector(fn, dtype, outputs[i]!, value, 4, v * 4 * bytesOf(dtype)));
          });
        });
        attrs.summed.forEach((operand, i) => {
          group.forEach((v, g) => {
            const sum = sums[i]![v]!;
            code.push(sum.set(f32x4.add(sum.get(), values[operand]![g]!.get())));
          });
        });
        return code;
      };
      const joined = fn.together(block).length;
      const groups = Array.from({ length: block / joined }, (_, g) =>
        Array.from({ length: joined }, (_, v) => g * joined + v),
      );
      const advance = [
        ...pointers.flatMap((pointer, i) =>
          walks[i]!.row > 0 ? [pointer.add(walks[i]!.row * bytes[i]!)] : [],
        ),
        ...outputs.map((pointer, i) => pointer.add(channels * bytesOf(node.outputs[i]!.dtype))),
        index.add(channels),
      ];
      const eachSum = (then: (sum: Local, i: number, v: number) => Instruction): Instruction[] =>
        sums.flatMap((line, i) => line.map((sum, v) => then(sum, i, v)));
      const begin = eachSum((sum) => sum.set(f32x4.const(0)));
      /** What lies whole in memory: its pointer, and its bytes a row. */
      const streams = [
        ...fn.inputs.flatMap((pointer, i) =>
          walks[i]!.row === channels ? [{ pointer, rowBytes: channels * bytes[i]! }] : [],
        ),
        ...outputs.map((_, i) => ({
          pointer: fn.outputs[i]!,
          rowBytes: channels * bytesOf(node.outputs[i]!.dtype),
        })),
      ];
      const blocks = vectors / block;
      const rowsAtOnce =
        blocks === 1 ? attrs.rows : Math.max(1, Math.floor(nearElements / channels));
      fn.eachUnit((unit) => {
        const sumsOf = (i: number): Instruction => {
          const place = i32.add(i32.mul(unit.get(), i32.const(channels)), channel.get());
          return at(fn.outputs[attrs.stored.length + i]!.get(), place, 4);
        };
        const goOn = eachSum((sum, i, v) => sum.set(v128.load(sumsOf(i), v * 16)));
        return [
          begun.set(i32.mul(unit.get(), i32.const(attrs.rows))),
          end.set(atMost(i32.add(begun.get(), i32.const(attrs.rows)), rows)),
          ...forRange(first, begun.get(), () => end.get(), rowsAtOnce, [
            last.set(i32.add(first.get(), i32.const(rowsAtOnce))),
            last.set(atMost(last.get(), end.get())),
            ...(blocks === 1
              ? []
              : streams.flatMap(({ pointer, rowBytes }) =>
                  touchRows(fn, pointer, { rows, rowBytes }, first.get(), last.get()),
                )),
            ...forRange(channel, i32.const(0), () => i32.const(channels), block * 4, [
              index.set(element),
              ...start,
              ...startOutputs,
              ...(blocks === 1
                ? begin
                : [control.if(i32.eq(first.get(), begun.get()), begin, goOn)]),
              ...forRange(row, first.get(), () => last.get(), 1, [
                ...groups.flatMap(vectorsOf),
                ...advance,
              ]),
              ...eachSum((sum, i, v) => v128.store(sumsOf(i), sum.get(), v * 16)),
            ]),
          ]),
        ];
      });
    },
  };
}
