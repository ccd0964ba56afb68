/**
 * @file What a kernel is: a function specialised to shapes, whose work falls into units that threads share out. Units
 * are outputs, never terms of a sum, so the number of threads cannot change a bit.
 */
import type { Node } from '../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, shuffle32 } from './assembler/instructions.ts';
import { FunctionBuilder, forRange, type Local } from './assembler/module.ts';

/** `fused`: multiply-add rounds once where the machine can; `portable`: twice, the same bits on every machine. */
export type Arithmetic = 'fused' | 'portable';

/**
 * How many neighbouring vectors of four V8 works on as one: 2 where its revectorizer makes 256-bit operations of pairs of
 * loads, stores and what lies between. Kernels then unroll by two; the sums and their order stay the same.
 */
export type Join = 1 | 2;

export interface KernelSpec {
  /** Equal keys mean equal code: the function is emitted once. */
  key: string;
  /** Work items; a call does those from `lo` up to `hi`. */
  units: number;
  /** Elements touched or multiply-adds done: tells whether sharing the work pays. */
  work: number;
  /** Bytes of private memory a thread. */
  scratch?: number;
  emit(fn: KernelBuilder): void;
}

export type KernelTemplate = (node: Node) => KernelSpec;

/** A kernel's function: pointers to inputs, outputs and scratch, then the range of units. */
export class KernelBuilder extends FunctionBuilder {
  readonly inputs: readonly Local[];
  readonly outputs: readonly Local[];
  readonly scratch: Local;
  readonly lo: Local;
  readonly hi: Local;
  readonly arithmetic: Arithmetic;
  readonly join: Join;
  private readonly constants = new Map<string, Local>();

  constructor(
    name: string,
    inputs: number,
    outputs: number,
    arithmetic: Arithmetic,
    join: Join = 1,
  ) {
    super(name, new Array<'i32'>(inputs + outputs + 3).fill('i32'));
    this.inputs = this.params.slice(0, inputs);
    this.outputs = this.params.slice(inputs, inputs + outputs);
    const [scratch, lo, hi] = this.params.slice(inputs + outputs);
    this.scratch = scratch!;
    this.lo = lo!;
    this.hi = hi!;
    this.arithmetic = arithmetic;
    this.join = join;
  }

  /** a·b + c on four lanes. */
  madd(a: Instruction, b: Instruction, c: Instruction): Instruction {
    return this.arithmetic === 'fused'
      ? f32x4.relaxed_madd(a, b, c)
      : f32x4.add(f32x4.mul(a, b), c);
  }

  /**
   * Four lanes that are the same all through the kernel; V8 would make a constant anew in each turn of a loop.
   *
   * @param vector which of the vectors that V8 joins it is for: each has its own, of which V8 makes one of 256 bits.
   */
  constant(value: Instruction, vector = 0): Local {
    const key = `${vector}: ${value.raw}`;
    const known = this.constants.get(key);
    if (known) return known;
    const made = this.local('v128');
    this.body.unshift(made.set(value));
    this.constants.set(key, made);
    return made;
  }

  /** `body` for each unit; `unit` is a local that holds its number. */
  eachUnit(body: (unit: Local) => Instruction[]): void {
    const unit = this.local('i32');
    this.push(...forRange(unit, this.lo.get(), () => this.hi.get(), 1, body(unit)));
  }

  /**
   * Byte offsets of the vectors that a turn over `vectors` neighbours takes together: those that V8 joins, where they divide.
   */
  together(vectors: number): number[] {
    const count = vectors % this.join === 0 ? this.join : 1;
    return Array.from({ length: count }, (_, i) => i * 16);
  }

  /** `for (i = 0; i < count; i++) body(i)` with a constant count. */
  each(count: number, body: (i: Local) => Instruction[], step = 1): Instruction[] {
    const i = this.local('i32');
    return forRange(i, i32.const(0), () => i32.const(count), step, body(i));
  }
}

/** Which pieces a unit has. */
export interface Shares {
  /** The first piece of a unit, and the first behind it. */
  first(unit: Local): Instruction;
  end(unit: Local): Instruction;
}

/** `pieces` shared out to `units`, as even as can be. */
export function sharesOf(pieces: number, units: number): Shares {
  const start = (unit: Instruction) =>
    i32.div_u(i32.mul(unit, i32.const(pieces)), i32.const(units));
  return {
    first: (unit) => start(unit.get()),
    end: (unit) => start(i32.add(unit.get(), i32.const(1))),
  };
}

/** Work that falls into even units, see {@link evenUnits}. */
export interface EvenUnits extends Shares {
  units: number;
  /** Pieces of the largest unit; the others have as many or one less. */
  largest: number;
}

/**
 * `pieces` in units as even as can be, of at most `most` pieces: a multiple of sixteen units, so that 2, 4, 8 or 16 threads
 * get the same, as long as each has `least` pieces.
 */
export function evenUnits(pieces: number, most: number, least = 1): EvenUnits {
  const wanted = Math.ceil(pieces / most / 16) * 16;
  const units = Math.max(1, Math.min(wanted, Math.floor(pieces / least)));
  return { units, largest: Math.ceil(pieces / units), ...sharesOf(pieces, units) };
}

/** The largest divisor of `of` up to `limit`. */
export function largestDivisor(of: number, limit: number): number {
  let divisor = Math.min(of, limit);
  while (of % divisor !== 0) divisor--;
  return divisor;
}

/** `body` of block `index` where blocks of `size` make up `total`: of `size`, or of the rest, which the last one is. */
export function eachSize(
  index: Local,
  total: number,
  size: number,
  body: (size: number) => Instruction[],
): Instruction[] {
  const last = Math.ceil(total / size) - 1;
  const rest = total - last * size;
  if (rest === size) return body(size);
  const isLast = i32.eq(index.get(), i32.const(last));
  return [control.if(isLast, body(rest), last > 0 ? body(size) : [])];
}

/**
 * `total` in as few pieces of at most `most` as there can be, as even as can be: `long` ones of `size`, and behind them ones
 * that are one shorter.
 */
export function evenPieces(
  total: number,
  most: number,
): { count: number; size: number; long: number } {
  const count = Math.ceil(total / most);
  const size = Math.ceil(total / count);
  return { count, size, long: total - count * (size - 1) };
}

/** Where piece `index` of {@link evenPieces} begins. */
export function pieceStart(
  index: Local,
  { size, long }: { size: number; long: number },
): Instruction {
  return i32.add(i32.mul(index.get(), i32.const(size - 1)), atMost(index.get(), long));
}

/** min(value, limit); both are evaluated twice. */
export function atMost(value: Instruction, limit: number | Instruction): Instruction {
  const most = typeof limit === 'number' ? i32.const(limit) : limit;
  return control.select(value, most, i32.lt_s(value, most));
}

/** max(value, 0); `value` is evaluated twice. */
export function notNegative(value: Instruction): Instruction {
  return control.select(i32.const(0), value, i32.lt_s(value, i32.const(0)));
}

/** `base + index·scale`, scale constant. */
export function at(base: Instruction, index: Instruction, scale: number): Instruction {
  return i32.add(base, scale === 1 ? index : i32.mul(index, i32.const(scale)));
}

/** Splits a flat index into coordinates, innermost last: `index = ((a·e₁ + b)·e₂ + c) …`. The first is unbounded. */
export function unravel<Extents extends readonly number[]>(
  fn: KernelBuilder,
  code: Instruction[],
  index: Instruction,
  extents: readonly [...Extents],
): [Local, ...{ [Axis in keyof Extents]: Local }] {
  let rest = fn.define(code, index);
  const coordinates: Local[] = [];
  for (const extent of [...extents].reverse()) {
    coordinates.unshift(
      extent === 1
        ? fn.define(code, i32.const(0))
        : fn.define(code, i32.rem_u(rest.get(), i32.const(extent))),
    );
    if (extent !== 1) rest = fn.define(code, i32.div_u(rest.get(), i32.const(extent)));
  }
  return [rest, ...(coordinates as { [Axis in keyof Extents]: Local })];
}

/** Transposes four vectors in place. */
export function transpose4(rows: readonly Local[], temporary: readonly Local[]): Instruction[] {
  const [a, b, c, d] = rows as [Local, Local, Local, Local];
  const [p, q, r, s] = temporary as [Local, Local, Local, Local];
  return [
    p.set(shuffle32(a.get(), b.get(), [0, 4, 1, 5])),
    q.set(shuffle32(c.get(), d.get(), [0, 4, 1, 5])),
    r.set(shuffle32(a.get(), b.get(), [2, 6, 3, 7])),
    s.set(shuffle32(c.get(), d.get(), [2, 6, 3, 7])),
    a.set(shuffle32(p.get(), q.get(), [0, 1, 4, 5])),
    b.set(shuffle32(p.get(), q.get(), [2, 3, 6, 7])),
    c.set(shuffle32(r.get(), s.get(), [0, 1, 4, 5])),
    d.set(shuffle32(r.get(), s.get(), [2, 3, 6, 7])),
  ];
}
