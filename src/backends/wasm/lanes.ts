/** @file The lanes vocabulary in WebAssembly: each result is a `v128` local, and so is each constant, but for zero. */
import type { Lanes } from '../../ir/lanes.ts';
import type { Op } from '../../ir/op.ts';
import { f32x4, type Instruction, i32, i32x4, v128 } from './assembler/instructions.ts';
import type { Local } from './assembler/module.ts';
import type { KernelBuilder } from './kernel.ts';

export interface Lane {
  get(): Instruction;
}

/** A step of a fused group: an operation on earlier values, given by their numbers. */
interface Step {
  op: Op;
  attrs: unknown;
  operands: readonly number[];
}

/** Appends the value of each step, for each of the vectors that are done together: step by step, so that V8 can join them. */
export function applySteps(
  steps: readonly Step[],
  values: Lane[][],
  lanes: readonly WasmLanes[],
): void {
  for (const { op, attrs, operands } of steps)
    values.push(
      lanes.map((lane, v) => {
        const given = operands.map((operand) => values[operand]![v]!);
        return op.elementwise!.lanes<Lane>(lane, given, attrs);
      }),
    );
}

export class WasmLanes implements Lanes<Lane> {
  private readonly fn: KernelBuilder;
  private readonly code: Instruction[];
  private readonly position: Local;
  private readonly distance: number;
  private readonly vector: number;

  /**
   * @param position a place in the output, the same for all vectors that are done together.
   * @param distance elements from there to lane 0.
   * @param vector which of those vectors it is.
   */
  constructor(
    fn: KernelBuilder,
    code: Instruction[],
    position: Local,
    distance: number,
    vector: number,
  ) {
    this.fn = fn;
    this.code = code;
    this.position = position;
    this.distance = distance;
    this.vector = vector;
  }

  private keep(value: Instruction): Lane {
    return this.fn.define(this.code, value, 'v128');
  }

  private constant(value: number, instruction: Instruction): Lane {
    return Object.is(value, 0)
      ? { get: () => instruction }
      : this.fn.constant(instruction, this.vector);
  }

  float = (value: number): Lane => this.constant(value, f32x4.const(value));
  int = (value: number): Lane => this.constant(value, i32x4.const(value));
  index = (): Lane => {
    const first = this.distance;
    const places = i32x4.consts([first, first + 1, first + 2, first + 3]);
    const distances = this.fn.constant(places, this.vector);
    return this.keep(i32x4.add(i32x4.splat(this.position.get()), distances.get()));
  };

  add = (a: Lane, b: Lane): Lane => this.keep(f32x4.add(a.get(), b.get()));
  sub = (a: Lane, b: Lane): Lane => this.keep(f32x4.sub(a.get(), b.get()));
  mul = (a: Lane, b: Lane): Lane => this.keep(f32x4.mul(a.get(), b.get()));
  div = (a: Lane, b: Lane): Lane => this.keep(f32x4.div(a.get(), b.get()));
  madd = (a: Lane, b: Lane, c: Lane): Lane => this.keep(this.fn.madd(a.get(), b.get(), c.get()));
  min = (a: Lane, b: Lane): Lane => this.keep(f32x4.min(a.get(), b.get()));
  max = (a: Lane, b: Lane): Lane => this.keep(f32x4.max(a.get(), b.get()));
  // One instruction on x86-64, where `max` and `min`, which look for NaN on both sides, are eight.
  atLeast = (a: Lane, limit: Lane): Lane => this.keep(f32x4.pmax(a.get(), limit.get()));
  atMost = (a: Lane, limit: Lane): Lane => this.keep(f32x4.pmin(a.get(), limit.get()));
  neg = (a: Lane): Lane => this.keep(f32x4.neg(a.get()));
  abs = (a: Lane): Lane => this.keep(f32x4.abs(a.get()));
  sqrt = (a: Lane): Lane => this.keep(f32x4.sqrt(a.get()));
  floor = (a: Lane): Lane => this.keep(f32x4.floor(a.get()));
  nearest = (a: Lane): Lane => this.keep(f32x4.nearest(a.get()));

  equal = (a: Lane, b: Lane): Lane => this.keep(f32x4.eq(a.get(), b.get()));
  less = (a: Lane, b: Lane): Lane => this.keep(f32x4.lt(a.get(), b.get()));
  lessEqual = (a: Lane, b: Lane): Lane => this.keep(f32x4.le(a.get(), b.get()));

  select = (mask: Lane, a: Lane, b: Lane): Lane =>
    this.keep(v128.bitselect(a.get(), b.get(), mask.get()));
  and = (a: Lane, b: Lane): Lane => this.keep(v128.and(a.get(), b.get()));
  or = (a: Lane, b: Lane): Lane => this.keep(v128.or(a.get(), b.get()));
  xor = (a: Lane, b: Lane): Lane => this.keep(v128.xor(a.get(), b.get()));
  not = (a: Lane): Lane => this.keep(v128.not(a.get()));

  intAdd = (a: Lane, b: Lane): Lane => this.keep(i32x4.add(a.get(), b.get()));
  intSub = (a: Lane, b: Lane): Lane => this.keep(i32x4.sub(a.get(), b.get()));
  intMul = (a: Lane, b: Lane): Lane => this.keep(i32x4.mul(a.get(), b.get()));
  intEqual = (a: Lane, b: Lane): Lane => this.keep(i32x4.eq(a.get(), b.get()));
  intLess = (a: Lane, b: Lane): Lane => this.keep(i32x4.lt_s(a.get(), b.get()));
  shiftLeft = (a: Lane, bits: number): Lane => this.keep(i32x4.shl(a.get(), i32.const(bits)));
  shiftRightUnsigned = (a: Lane, bits: number): Lane =>
    this.keep(i32x4.shr_u(a.get(), i32.const(bits)));
  shiftRightSigned = (a: Lane, bits: number): Lane =>
    this.keep(i32x4.shr_s(a.get(), i32.const(bits)));
  toFloat = (a: Lane): Lane => this.keep(f32x4.convert_i32x4_s(a.get()));
  toInt = (a: Lane): Lane => this.keep(i32x4.trunc_sat_f32x4_s(a.get()));
}
