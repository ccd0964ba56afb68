/**
 * @file WebAssembly instructions as a tree that reads like the text format: `f32x4.add(v128.load(p), acc)`. Each knows its
 * bytes and its name, so that the same tree is encoded and printed.
 *
 * Opcodes: WebAssembly core specification 3.0 with SIMD, relaxed SIMD and threads.
 */
import { signed, unsigned } from './leb128.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'v128';

export interface Instruction {
  readonly name: string;
  readonly opcode: readonly number[];
  readonly operands: readonly Instruction[];
  /** Unsigned immediates, encoded as LEB128 after the opcode. */
  readonly immediates: readonly number[];
  /** Immediates that are encoded in another way: constants, lanes. */
  readonly raw: readonly number[];
  /** Nested code of `block`, `loop` and `if`. */
  readonly body?: readonly Instruction[];
  readonly otherwise?: readonly Instruction[];
}

export type Code = readonly Instruction[];

const none: readonly number[] = [];

function make(
  name: string,
  opcode: readonly number[],
  operands: readonly Instruction[] = [],
  immediates: readonly number[] = none,
  raw: readonly number[] = none,
): Instruction {
  return { name, opcode, operands, immediates, raw };
}

type Unary = (a: Instruction) => Instruction;
type Binary = (a: Instruction, b: Instruction) => Instruction;

const unary =
  (name: string, ...opcode: number[]): Unary =>
  (a) =>
    make(name, opcode, [a]);
const binary =
  (name: string, ...opcode: number[]): Binary =>
  (a, b) =>
    make(name, opcode, [a, b]);

/** SIMD opcodes have a prefix byte and a LEB128 number. */
const simd = (number: number): number[] => [0xfd, ...unsigned(number)];

/** Memory access: alignment exponent and byte offset. */
const load =
  (name: string, opcode: readonly number[], align: number) =>
  (address: Instruction, offset = 0) =>
    make(name, opcode, [address], [align, offset]);
const store =
  (name: string, opcode: readonly number[], align: number) =>
  (address: Instruction, value: Instruction, offset = 0) =>
    make(name, opcode, [address, value], [align, offset]);
const loadLane =
  (name: string, number: number, align: number) =>
  (address: Instruction, value: Instruction, lane: number, offset = 0) =>
    make(name, simd(number), [address, value], [align, offset], [lane]);
const storeLane =
  (name: string, number: number, align: number) =>
  (address: Instruction, value: Instruction, lane: number, offset = 0) =>
    make(name, simd(number), [address, value], [align, offset], [lane]);

function littleEndian(write: (view: DataView) => void, bytes: number): number[] {
  const view = new DataView(new ArrayBuffer(bytes));
  write(view);
  return Array.from(new Uint8Array(view.buffer));
}

/** The 16 bytes of a vector constant. */
function fourWords(write: (view: DataView, at: number) => void): number[] {
  return littleEndian((view) => {
    for (let at = 0; at < 16; at += 4) write(view, at);
  }, 16);
}

const i32Const = (value: number) => make(`i32.const ${value}`, [0x41], [], none, signed(value));
/** Most constants, which trees share. */
const smallConstants = Array.from({ length: 256 }, (_, value) => i32Const(value));

export const i32 = {
  const: (value: number) => smallConstants[value] ?? i32Const(value | 0),
  add: binary('i32.add', 0x6a),
  sub: binary('i32.sub', 0x6b),
  mul: binary('i32.mul', 0x6c),
  div_u: binary('i32.div_u', 0x6e),
  rem_u: binary('i32.rem_u', 0x70),
  and: binary('i32.and', 0x71),
  or: binary('i32.or', 0x72),
  shl: binary('i32.shl', 0x74),
  shr_u: binary('i32.shr_u', 0x76),
  eqz: unary('i32.eqz', 0x45),
  popcnt: unary('i32.popcnt', 0x69),
  eq: binary('i32.eq', 0x46),
  ne: binary('i32.ne', 0x47),
  lt_s: binary('i32.lt_s', 0x48),
  lt_u: binary('i32.lt_u', 0x49),
  ge_u: binary('i32.ge_u', 0x4f),
  gt_s: binary('i32.gt_s', 0x4a),
  le_s: binary('i32.le_s', 0x4c),
  ge_s: binary('i32.ge_s', 0x4e),
  load: load('i32.load', [0x28], 2),
  load8_u: load('i32.load8_u', [0x2d], 0),
  store: store('i32.store', [0x36], 2),
  store8: store('i32.store8', [0x3a], 0),
  wrap_i64: unary('i32.wrap_i64', 0xa7),
  atomic: {
    load: (address: Instruction, offset = 0) =>
      make('i32.atomic.load', [0xfe, 0x10], [address], [2, offset]),
    store: (address: Instruction, value: Instruction, offset = 0) =>
      make('i32.atomic.store', [0xfe, 0x17], [address, value], [2, offset]),
    add: (address: Instruction, value: Instruction, offset = 0) =>
      make('i32.atomic.rmw.add', [0xfe, 0x1e], [address, value], [2, offset]),
  },
};

export const i64 = {
  const: (value: number) => make(`i64.const ${value}`, [0x42], [], none, signed(value)),
  extend_i32_u: unary('i64.extend_i32_u', 0xad),
  mul: binary('i64.mul', 0x7e),
  div_u: binary('i64.div_u', 0x80),
};

export const f32 = {
  const: (value: number) =>
    make(
      `f32.const ${value}`,
      [0x43],
      [],
      none,
      littleEndian((view) => view.setFloat32(0, value, true), 4),
    ),
  load: load('f32.load', [0x2a], 2),
  store: store('f32.store', [0x38], 2),
  add: binary('f32.add', 0x92),
  mul: binary('f32.mul', 0x94),
  lt: binary('f32.lt', 0x5d),
  gt: binary('f32.gt', 0x5e),
  convert_i32_u: unary('f32.convert_i32_u', 0xb3),
  ne: binary('f32.ne', 0x5c),
};

export const v128 = {
  load: load('v128.load', simd(0), 4),
  load32_splat: load('v128.load32_splat', simd(9), 2),
  load8_splat: load('v128.load8_splat', simd(7), 0),
  load32_zero: load('v128.load32_zero', simd(92), 2),
  load64_zero: load('v128.load64_zero', simd(93), 3),
  store: store('v128.store', simd(11), 4),
  load32_lane: loadLane('v128.load32_lane', 86, 2),
  store8_lane: storeLane('v128.store8_lane', 88, 0),
  store32_lane: storeLane('v128.store32_lane', 90, 2),
  store64_lane: storeLane('v128.store64_lane', 91, 3),
  not: unary('v128.not', ...simd(77)),
  and: binary('v128.and', ...simd(78)),
  /** The bits of the first that the second lacks. */
  andnot: binary('v128.andnot', ...simd(79)),
  or: binary('v128.or', ...simd(80)),
  xor: binary('v128.xor', ...simd(81)),
  bitselect: (a: Instruction, b: Instruction, mask: Instruction) =>
    make('v128.bitselect', simd(82), [a, b, mask]),
};

export const i8x16 = {
  narrow_i16x8_s: binary('i8x16.narrow_i16x8_s', ...simd(101)),
  shuffle: (a: Instruction, b: Instruction, lanes: readonly number[]) =>
    make(`i8x16.shuffle ${lanes.join(' ')}`, simd(13), [a, b], none, lanes),
  swizzle: binary('i8x16.swizzle', ...simd(14)),
};

/** Lanes of 32 bits named by words: `shuffle32(a, b, [0, 4, 1, 5])`. */
export function shuffle32(a: Instruction, b: Instruction, lanes: readonly number[]): Instruction {
  return i8x16.shuffle(
    a,
    b,
    lanes.flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3]),
  );
}

export const i16x8 = {
  narrow_i32x4_s: binary('i16x8.narrow_i32x4_s', ...simd(133)),
  extend_low_i8x16_u: unary('i16x8.extend_low_i8x16_u', ...simd(137)),
};

export const i32x4 = {
  const: (value: number) =>
    make(
      `i32x4.const ${value | 0}`,
      simd(12),
      [],
      none,
      fourWords((view, at) => view.setInt32(at, value, true)),
    ),
  consts: (values: readonly [number, number, number, number]) =>
    make(
      `v128.const i32x4 ${values.join(' ')}`,
      simd(12),
      [],
      none,
      fourWords((view, at) => view.setInt32(at, values[at / 4]!, true)),
    ),
  splat: unary('i32x4.splat', ...simd(17)),
  extend_low_i16x8_u: unary('i32x4.extend_low_i16x8_u', ...simd(169)),
  extend_high_i16x8_u: unary('i32x4.extend_high_i16x8_u', ...simd(170)),
  eq: binary('i32x4.eq', ...simd(55)),
  lt_s: binary('i32x4.lt_s', ...simd(57)),
  shl: binary('i32x4.shl', ...simd(171)),
  shr_s: binary('i32x4.shr_s', ...simd(172)),
  shr_u: binary('i32x4.shr_u', ...simd(173)),
  add: binary('i32x4.add', ...simd(174)),
  sub: binary('i32x4.sub', ...simd(177)),
  mul: binary('i32x4.mul', ...simd(181)),
  neg: unary('i32x4.neg', ...simd(161)),
  /** The sign bits of the four lanes. */
  bitmask: unary('i32x4.bitmask', ...simd(164)),
  trunc_sat_f32x4_s: unary('i32x4.trunc_sat_f32x4_s', ...simd(248)),
  extract_lane: (a: Instruction, lane: number) =>
    make(`i32x4.extract_lane ${lane}`, simd(27), [a], none, [lane]),
};

export const f32x4 = {
  const: (value: number) =>
    make(
      `f32x4.const ${value}`,
      simd(12),
      [],
      none,
      fourWords((view, at) => view.setFloat32(at, value, true)),
    ),
  splat: unary('f32x4.splat', ...simd(19)),
  extract_lane: (a: Instruction, lane: number) =>
    make(`f32x4.extract_lane ${lane}`, simd(31), [a], none, [lane]),
  eq: binary('f32x4.eq', ...simd(65)),
  ne: binary('f32x4.ne', ...simd(66)),
  lt: binary('f32x4.lt', ...simd(67)),
  gt: binary('f32x4.gt', ...simd(68)),
  le: binary('f32x4.le', ...simd(69)),
  ceil: unary('f32x4.ceil', ...simd(103)),
  floor: unary('f32x4.floor', ...simd(104)),
  nearest: unary('f32x4.nearest', ...simd(106)),
  abs: unary('f32x4.abs', ...simd(224)),
  neg: unary('f32x4.neg', ...simd(225)),
  sqrt: unary('f32x4.sqrt', ...simd(227)),
  add: binary('f32x4.add', ...simd(228)),
  sub: binary('f32x4.sub', ...simd(229)),
  mul: binary('f32x4.mul', ...simd(230)),
  div: binary('f32x4.div', ...simd(231)),
  min: binary('f32x4.min', ...simd(232)),
  max: binary('f32x4.max', ...simd(233)),
  /** b < a ? b : a, which keeps NaN of `a`. */
  pmin: binary('f32x4.pmin', ...simd(234)),
  /** a < b ? b : a, which keeps NaN of `a`. */
  pmax: binary('f32x4.pmax', ...simd(235)),
  convert_i32x4_s: unary('f32x4.convert_i32x4_s', ...simd(250)),
  relaxed_madd: (a: Instruction, b: Instruction, c: Instruction) =>
    make('f32x4.relaxed_madd', simd(0x105), [a, b, c]),
};

export const memory = {
  wait32: (address: Instruction, expected: Instruction, timeout: Instruction, offset = 0) =>
    make('memory.atomic.wait32', [0xfe, 0x01], [address, expected, timeout], [2, offset]),
  notify: (address: Instruction, count: Instruction, offset = 0) =>
    make('memory.atomic.notify', [0xfe, 0x00], [address, count], [2, offset]),
  fill: (address: Instruction, byte: Instruction, bytes: Instruction) =>
    make('memory.fill', [0xfc, 11], [address, byte, bytes], none, [0]),
  copy: (to: Instruction, from: Instruction, bytes: Instruction) =>
    make('memory.copy', [0xfc, 10], [to, from, bytes], none, [0, 0]),
};

export const control = {
  block: (...body: Instruction[]): Instruction => ({ ...make('block', [0x02, 0x40]), body }),
  loop: (...body: Instruction[]): Instruction => ({ ...make('loop', [0x03, 0x40]), body }),
  if: (condition: Instruction, then: Code, otherwise?: Code): Instruction => ({
    ...make('if', [0x04, 0x40], [condition]),
    body: then,
    ...(otherwise ? { otherwise } : {}),
  }),
  /** Leaves `depth` blocks, or repeats a loop. */
  br: (depth: number) => make('br', [0x0c], [], [depth]),
  br_if: (depth: number, condition: Instruction) => make('br_if', [0x0d], [condition], [depth]),
  return: () => make('return', [0x0f]),
  unreachable: () => make('unreachable', [0x00]),
  call: (index: number, operands: Code) => make('call', [0x10], operands, [index]),
  drop: (value: Instruction) => make('drop', [0x1a], [value]),
  select: (a: Instruction, b: Instruction, condition: Instruction) =>
    make('select', [0x1b], [a, b, condition]),
};

/** An access to a local without its value: instructions of one local share name and bytes. */
const localAccess = (name: string, opcode: number) => {
  const known: Instruction[] = [];
  return (index: number): Instruction =>
    (known[index] ??= make(`${name} ${index}`, [opcode], [], none, unsigned(index)));
};
const [getLocal, setLocal, teeLocal] = [
  localAccess('local.get', 0x20),
  localAccess('local.set', 0x21),
  localAccess('local.tee', 0x22),
];

export const local = {
  get: getLocal,
  set: (index: number, value: Instruction): Instruction => ({
    ...setLocal(index),
    operands: [value],
  }),
  tee: (index: number, value: Instruction): Instruction => ({
    ...teeLocal(index),
    operands: [value],
  }),
};

export const blockEnd = 0x0b;
export const blockElse = 0x05;
