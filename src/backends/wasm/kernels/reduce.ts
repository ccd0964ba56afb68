/**
 * @file Reductions of [outer, reduced, inner] over the middle.
 *
 * Inner > 1: each vector of neighbouring columns is folded down the rows, in order. Inner = 1: a row is folded by four
 * vectors of four lanes, which are then folded in a fixed tree. Either order depends on the shape alone.
 */
import type { Node } from '../../../ir/graph.ts';
import { type ReduceAttrs, reduceExtents } from '../../../ops/sum.ts';
import {
  control,
  f32,
  f32x4,
  type Instruction,
  i32,
  shuffle32,
  v128,
} from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelBuilder, type KernelSpec } from '../kernel.ts';

interface Fold {
  name: string;
  start: number;
  combine(a: Instruction, b: Instruction): Instruction;
}

const sum: Fold = { name: 'sum', start: 0, combine: f32x4.add };
const max: Fold = { name: 'max', start: Number.NEGATIVE_INFINITY, combine: f32x4.max };

export const reduceSumKernel = (node: Node): KernelSpec => reduceKernel(node, sum);
export const reduceMaxKernel = (node: Node): KernelSpec => reduceKernel(node, max);

function reduceKernel(node: Node, fold: Fold): KernelSpec {
  const [outer, reduced, inner] = reduceExtents(node.inputs[0]!.shape, node.attrs as ReduceAttrs);
  const columns = Math.ceil(inner / columnBlock);
  return {
    key: JSON.stringify(['reduce', fold.name, outer, reduced, inner]),
    units: inner === 1 ? outer : outer * columns,
    work: outer * reduced * inner,
    emit: (fn) =>
      inner === 1 ? foldRows(fn, fold, reduced) : foldColumns(fn, fold, reduced, inner, columns),
  };
}

/** Columns a unit: a cache line of floats. */
const columnBlock = 16;

function foldColumns(
  fn: KernelBuilder,
  fold: Fold,
  reduced: number,
  inner: number,
  columns: number,
): void {
  fn.eachUnit((unit) => {
    const code: Instruction[] = [];
    const block = fn.define(
      code,
      columns === 1 ? i32.const(0) : i32.rem_u(unit.get(), i32.const(columns)),
    );
    const outer = fn.define(
      code,
      columns === 1 ? unit.get() : i32.div_u(unit.get(), i32.const(columns)),
    );
    const from = fn.define(
      code,
      at(at(fn.inputs[0]!.get(), outer.get(), reduced * inner * 4), block.get(), columnBlock * 4),
    );
    const to = fn.define(
      code,
      at(at(fn.outputs[0]!.get(), outer.get(), inner * 4), block.get(), columnBlock * 4),
    );
    const last = inner - (columns - 1) * columnBlock;
    const body = (width: number) => foldBlock(fn, fold, from, to, reduced, inner, width);
    if (last === columnBlock) code.push(...body(columnBlock));
    else
      code.push(
        control.if(
          i32.eq(block.get(), i32.const(columns - 1)),
          body(last),
          columns > 1 ? body(columnBlock) : [],
        ),
      );
    return code;
  });
}

function foldBlock(
  fn: KernelBuilder,
  fold: Fold,
  from: Local,
  to: Local,
  reduced: number,
  inner: number,
  width: number,
): Instruction[] {
  const sums = fn.localsOf('v128', Math.ceil(width / 4));
  return [
    ...sums.map((s) => s.set(f32x4.const(fold.start))),
    ...fn.each(reduced, () => [
      ...sums.map((s, i) => s.set(fold.combine(s.get(), v128.load(from.get(), i * 16)))),
      from.add(inner * 4),
    ]),
    ...sums.flatMap((s, i) => storeFloats(to.get(), s, Math.min(4, width - i * 4), i * 16)),
  ];
}

/** Stores the first `lanes` floats of a vector. */
export function storeFloats(
  address: Instruction,
  value: Local,
  lanes: number,
  offset = 0,
): Instruction[] {
  if (lanes === 4) return [v128.store(address, value.get(), offset)];
  return Array.from({ length: lanes }, (_, lane) =>
    v128.store32_lane(address, value.get(), lane, offset + lane * 4),
  );
}

function foldRows(fn: KernelBuilder, fold: Fold, reduced: number): void {
  fn.eachUnit((unit) => {
    const code: Instruction[] = [];
    const from = fn.define(code, at(fn.inputs[0]!.get(), unit.get(), reduced * 4));
    const sums = fn.localsOf('v128', 4);
    code.push(...sums.map((s) => s.set(f32x4.const(fold.start))));
    const whole = Math.floor(reduced / 16);
    if (whole > 0) {
      const step = sums.map((s, i) => s.set(fold.combine(s.get(), v128.load(from.get(), i * 16))));
      code.push(...fn.each(whole, () => [...step, from.add(64)]));
    }
    const vectors = Math.floor((reduced % 16) / 4);
    for (let i = 0; i < vectors; i++) {
      code.push(sums[i]!.set(fold.combine(sums[i]!.get(), v128.load(from.get(), i * 16))));
    }
    // The last one to three elements, one lane each, the other lanes neutral.
    for (let i = 0; i < reduced % 4; i++) {
      const lane = [4, 5, 6, 7];
      lane[i] = 0;
      const element = shuffle32(
        v128.load32_zero(from.get(), vectors * 16 + i * 4),
        f32x4.const(fold.start),
        lane,
      );
      code.push(sums[3]!.set(fold.combine(sums[3]!.get(), element)));
    }
    const [a, b, c, d] = sums as [Local, Local, Local, Local];
    code.push(
      a.set(fold.combine(fold.combine(a.get(), b.get()), fold.combine(c.get(), d.get()))),
      a.set(fold.combine(a.get(), shuffle32(a.get(), a.get(), [2, 3, 0, 1]))),
      a.set(fold.combine(a.get(), shuffle32(a.get(), a.get(), [1, 0, 3, 2]))),
      v128.store32_lane(at(fn.outputs[0]!.get(), unit.get(), 4), a.get(), 0),
    );
    return code;
  });
}

/** Position of the first maximum, element by element. */
export function argMaxKernel(node: Node): KernelSpec {
  const [outer, reduced, inner] = reduceExtents(node.inputs[0]!.shape, node.attrs as ReduceAttrs);
  return {
    key: JSON.stringify(['arg_max', outer, reduced, inner]),
    units: outer * inner,
    work: outer * reduced * inner * 2,
    emit(fn) {
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const o = fn.define(code, i32.div_u(unit.get(), i32.const(inner)));
        const i = fn.define(code, i32.rem_u(unit.get(), i32.const(inner)));
        const from = fn.define(
          code,
          at(at(fn.inputs[0]!.get(), o.get(), reduced * inner * 4), i.get(), 4),
        );
        const top = fn.define(code, f32.load(from.get()), 'f32');
        const best = fn.define(code, i32.const(0));
        code.push(
          ...fn.each(reduced, (r) => [
            control.if(f32.gt(f32.load(from.get()), top.get()), [
              top.set(f32.load(from.get())),
              best.set(r.get()),
            ]),
            from.add(inner * 4),
          ]),
          i32.store(at(fn.outputs[0]!.get(), unit.get(), 4), best.get()),
        );
        return code;
      });
    },
  };
}
