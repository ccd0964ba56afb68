/**
 * @file The one kernel of all elementwise work: a fused group as a loop over vectors of four elements.
 *
 * Axes that every input walks alike are merged; what stays is rows × a contiguous inner axis. An input stretched along the
 * inner axis is read once a row. Loads come before stores, so an output may be an input's own memory.
 */
import type { DType } from '../../../core/dtype.ts';
import { bytesOf } from '../../../core/dtype.ts';
import type { Node } from '../../../ir/graph.ts';
import { structureKey } from '../../../ir/key.ts';
import { broadcastStrides, type FusedAttrs } from '../../../ops/fused.ts';
import {
  control,
  type Instruction,
  i8x16,
  i16x8,
  i32,
  i32x4,
  v128,
} from '../assembler/instructions.ts';
import { forRange, type Local, whileLess } from '../assembler/module.ts';
import { at, type KernelBuilder, type KernelSpec, unravel } from '../kernel.ts';
import { applySteps, type Lane, WasmLanes } from '../lanes.ts';

/** Merged axes: extents, and for each input its stride, in elements, along each. */
interface Walk {
  extents: number[];
  strides: number[][];
}

function mergeAxes(node: Node): Walk {
  const { shape } = node.attrs as FusedAttrs;
  const full = node.inputs.map((input) => broadcastStrides(input.shape, shape));
  const extents: number[] = [];
  const strides: number[][] = full.map(() => []);
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    const merges = last >= 0 && full.every((own, i) => strides[i]![last] === own[axis]! * extent);
    if (merges) extents[last]! *= extent;
    else extents.push(extent);
    full.forEach((own, i) => {
      strides[i]![extents.length - 1] = own[axis]!;
    });
  });
  if (extents.length === 0) return { extents: [1], strides: full.map(() => [0]) };
  return { extents, strides };
}

export function elementwiseKernel(node: Node): KernelSpec {
  const attrs = node.attrs as FusedAttrs;
  const { extents, strides } = mergeAxes(node);
  const inner = extents.at(-1)!;
  const outer = extents.slice(0, -1);
  const rows = outer.reduce((product, extent) => product * extent, 1);
  const key = structureKey([
    'elementwise',
    extents,
    strides,
    node.inputs.map((input) => input.dtype),
    attrs.results,
    attrs.steps.map((step) => [step.op.name, step.attrs, step.operands]),
  ]);
  return {
    key,
    units: rows > 1 ? rows : Math.ceil(inner / 4),
    work: rows * inner * (attrs.steps.length + 1),
    emit: (fn) => new Emitter(fn, node, { extents, strides }).emit(rows > 1),
  };
}

class Emitter {
  private readonly fn: KernelBuilder;
  private readonly node: Node;
  private readonly attrs: FusedAttrs;
  private readonly walk: Walk;
  private readonly inner: number;
  /** Pointers of inputs that move along the inner axis, and of outputs. */
  private readonly pointers: Local[];
  private readonly outPointers: Local[];
  /** Inputs that stand still along the inner axis, spread over the lanes. */
  private readonly still: Local[];
  private readonly index: Local;

  constructor(fn: KernelBuilder, node: Node, walk: Walk) {
    this.fn = fn;
    this.node = node;
    this.attrs = node.attrs as FusedAttrs;
    this.walk = walk;
    this.inner = walk.extents.at(-1)!;
    this.pointers = node.inputs.map(() => fn.local('i32'));
    this.outPointers = node.outputs.map(() => fn.local('i32'));
    this.still = node.inputs.map(() => fn.local('v128'));
    this.index = fn.local('i32');
  }

  emit(byRows: boolean): void {
    const { fn } = this;
    if (byRows) {
      fn.eachUnit((row) => [
        ...this.startRow(row.get()),
        ...this.run(i32.const(0), i32.const(this.inner)),
      ]);
      return;
    }
    // One row: units are vectors; the last may reach past the end.
    const start = i32.shl(fn.lo.get(), i32.const(2));
    const end = fn.local('i32');
    fn.push(
      end.set(i32.shl(fn.hi.get(), i32.const(2))),
      ...this.startRow(i32.const(0)),
      ...this.pointers.flatMap((pointer, i) =>
        this.moves(i)
          ? [pointer.set(at(pointer.get(), start, bytesOf(this.node.inputs[i]!.dtype)))]
          : [],
      ),
      ...this.outPointers.map((pointer, i) =>
        pointer.set(at(pointer.get(), start, bytesOf(this.node.outputs[i]!.dtype))),
      ),
      ...this.run(start, this.clampToInner(end)),
    );
  }

  private clampToInner(end: Local): Instruction {
    if (this.inner % 4 === 0) return end.get();
    const last = i32.const(this.inner);
    return control.select(end.get(), last, i32.lt_s(end.get(), last));
  }

  private moves(input: number): boolean {
    return this.walk.strides[input]!.at(-1) !== 0;
  }

  /** Sets every pointer to the start of a row. */
  private startRow(row: Instruction): Instruction[] {
    const { fn, node, walk } = this;
    const code: Instruction[] = [];
    const outer = walk.extents.slice(0, -1);
    const coordinates = outer.length > 0 ? unravel(fn, code, row, outer.slice(1)) : [];
    node.inputs.forEach((input, i) => {
      const bytes = bytesOf(input.dtype);
      const address = coordinates.reduce<Instruction>((sum, coordinate, axis) => {
        const stride = walk.strides[i]![axis]!;
        return stride === 0 ? sum : at(sum, coordinate.get(), stride * bytes);
      }, fn.inputs[i]!.get());
      code.push(this.pointers[i]!.set(address));
      if (!this.moves(i))
        code.push(this.still[i]!.set(loadSplat(input.dtype, this.pointers[i]!.get())));
    });
    node.outputs.forEach((output, i) => {
      code.push(
        this.outPointers[i]!.set(at(fn.outputs[i]!.get(), row, this.inner * bytesOf(output.dtype))),
      );
    });
    code.push(this.index.set(i32.mul(row, i32.const(this.inner))));
    return code;
  }

  /** Elements `from` up to `to` of the row: joined vectors, single ones, then what is left. */
  private run(from: Instruction, to: Instruction): Instruction[] {
    const { fn } = this;
    const position = fn.local('i32');
    const whole = fn.local('i32');
    const by = (elements: number): Instruction[] => [
      whole.set(
        i32.add(position.get(), i32.and(i32.sub(to, position.get()), i32.const(-elements))),
      ),
      ...whileLess(position, () => whole.get(), [
        ...this.vectors(elements / 4, 4),
        ...this.advance(elements),
        position.add(elements),
      ]),
    ];
    const code: Instruction[] = [position.set(from), this.index.add(position.get())];
    if (fn.join > 1 && this.inner >= fn.join * 4) code.push(...by(fn.join * 4));
    if (this.inner >= 4) code.push(...by(4));
    const left = this.inner % 4;
    if (left > 0)
      code.push(...forRange(position, position.get(), () => to, 4, this.vectors(1, left)));
    return code;
  }

  /** `count` neighbouring vectors, step by step; of the last, `lanes` elements are stored. */
  private vectors(count: number, lanes: number): Instruction[] {
    const { fn, node, attrs } = this;
    const code: Instruction[] = [];
    const each = Array.from({ length: count }, (_, v) => v * 4);
    const lane = each.map((element, v) => new WasmLanes(fn, code, this.index, element, v));
    /** Of each value, one for each of the vectors. */
    const values: Lane[][] = node.inputs.map((input, i) =>
      each.map((element) => {
        if (!this.moves(i)) return this.still[i]!;
        const offset = element * bytesOf(input.dtype);
        return fn.define(code, loadVector(input.dtype, this.pointers[i]!.get(), offset), 'v128');
      }),
    );
    applySteps(attrs.steps, values, lane);
    attrs.results.forEach((step, i) => {
      const { dtype } = node.outputs[i]!;
      each.forEach((element, v) => {
        const value = values[attrs.inputs + step]![v]!.get();
        const offset = element * bytesOf(dtype);
        code.push(...storeVector(fn, dtype, this.outPointers[i]!, value, lanes, offset));
      });
    });
    return code;
  }

  private advance(elements: number): Instruction[] {
    const moved = this.pointers.flatMap((pointer, i) =>
      this.moves(i) ? [pointer.add(elements * bytesOf(this.node.inputs[i]!.dtype))] : [],
    );
    const stored = this.outPointers.map((pointer, i) =>
      pointer.add(elements * bytesOf(this.node.outputs[i]!.dtype)),
    );
    return [...moved, ...stored, this.index.add(elements)];
  }
}

/** Four elements as lanes: bytes widen to integers, booleans to masks. */
export function loadVector(dtype: DType, address: Instruction, offset = 0): Instruction {
  if (bytesOf(dtype) === 4) return v128.load(address, offset);
  const wide = i32x4.extend_low_i16x8_u(
    i16x8.extend_low_i8x16_u(v128.load32_zero(address, offset)),
  );
  return dtype === 'bool' ? i32x4.neg(wide) : wide;
}

/** One element in all lanes. */
export function loadSplat(dtype: DType, address: Instruction): Instruction {
  if (bytesOf(dtype) === 4) return v128.load32_splat(address);
  const wide = i32x4.splat(i32.load8_u(address));
  return dtype === 'bool' ? i32x4.neg(wide) : wide;
}

/** Stores the first `lanes` of four lanes, `offset` bytes from `pointer`. */
export function storeVector(
  fn: KernelBuilder,
  dtype: DType,
  pointer: Local,
  value: Instruction,
  lanes: number,
  offset = 0,
): Instruction[] {
  if (bytesOf(dtype) === 4) {
    if (lanes === 4) return [v128.store(pointer.get(), value, offset)];
    const held = fn.local('v128');
    const stores = Array.from({ length: lanes }, (_, lane) =>
      v128.store32_lane(pointer.get(), held.get(), lane, offset + lane * 4),
    );
    return [held.set(value), ...stores];
  }
  const held = fn.local('v128');
  const bytes = dtype === 'bool' ? v128.and(value, i32x4.const(1)) : value;
  if (lanes === 4) {
    const packed = i8x16.shuffle(held.get(), held.get(), [
      0,
      4,
      8,
      12,
      ...new Array<number>(12).fill(0),
    ]);
    return [held.set(bytes), v128.store32_lane(pointer.get(), packed, 0, offset)];
  }
  const stores = Array.from({ length: lanes }, (_, lane) =>
    v128.store8_lane(pointer.get(), held.get(), lane * 4, offset + lane),
  );
  return [held.set(bytes), ...stores];
}
