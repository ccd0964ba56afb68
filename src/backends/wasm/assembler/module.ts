/** @file Functions and modules: locals, loops, and the binary encoding of a module that imports one memory. */
import {
  blockElse,
  blockEnd,
  type Code,
  control,
  type Instruction,
  i32,
  local,
  unsigned,
  type ValueType,
} from './instructions.ts';

const typeBytes: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, v128: 0x7b };

/** A local variable of a function: `x.get()`, `x.set(value)`. */
export class Local {
  readonly index: number;
  readonly type: ValueType;

  constructor(index: number, type: ValueType) {
    this.index = index;
    this.type = type;
  }

  get(): Instruction {
    return local.get(this.index);
  }
  set(value: Instruction): Instruction {
    return local.set(this.index, value);
  }
  tee(value: Instruction): Instruction {
    return local.tee(this.index, value);
  }
  /** `i32` locals: adds a constant or a value. */
  add(amount: number | Instruction): Instruction {
    return this.set(i32.add(this.get(), typeof amount === 'number' ? i32.const(amount) : amount));
  }
}

/** A function under construction: parameters, locals, body. */
export class FunctionBuilder {
  readonly name: string;
  readonly params: readonly Local[];
  readonly locals: Local[] = [];
  readonly body: Instruction[] = [];

  constructor(name: string, params: readonly ValueType[]) {
    this.name = name;
    this.params = params.map((type, index) => new Local(index, type));
  }

  local(type: ValueType): Local {
    const fresh = new Local(this.params.length + this.locals.length, type);
    this.locals.push(fresh);
    return fresh;
  }

  localsOf(type: ValueType, count: number): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** A fresh `i32` local that holds `value` from here on. */
  define(into: Instruction[], value: Instruction, type: ValueType = 'i32'): Local {
    const fresh = this.local(type);
    into.push(fresh.set(value));
    return fresh;
  }

  push(...code: Instruction[]): void {
    this.body.push(...code);
  }
}

/** `for (i = from; i < to; i += step) body`, `to` unchanged by the body. */
export function forRange(
  i: Local,
  from: Instruction,
  to: () => Instruction,
  step: number,
  body: Code,
): Instruction[] {
  return [i.set(from), ...whileLess(i, to, [...body, i.add(step)])];
}

/** `while (i < to) body`, unsigned: counters from 0 up, and addresses, which pass 2³¹. */
export function whileLess(i: Local, to: () => Instruction, body: Code): Instruction[] {
  return [
    control.block(
      control.br_if(0, i32.ge_u(i.get(), to())),
      control.loop(...body, control.br_if(0, i32.lt_u(i.get(), to()))),
    ),
  ];
}

/** Appends the bytes of `code`. */
export function encodeCode(code: Code, out: number[]): void {
  for (const instruction of code) {
    encodeCode(instruction.operands, out);
    for (const byte of instruction.opcode) out.push(byte);
    for (const immediate of instruction.immediates)
      for (const byte of unsigned(immediate)) out.push(byte);
    for (const byte of instruction.raw) out.push(byte);
    if (instruction.body) {
      encodeCode(instruction.body, out);
      if (instruction.otherwise) {
        out.push(blockElse);
        encodeCode(instruction.otherwise, out);
      }
      out.push(blockEnd);
    }
  }
}

export interface MemoryImport {
  /** Pages of 64 KiB. */
  initial: number;
  maximum: number;
  shared: boolean;
}

/** A module: functions, some of them exported, over an imported memory `env.memory`. */
export class ModuleBuilder {
  private readonly functions: FunctionBuilder[] = [];
  private readonly exported: { name: string; index: number }[] = [];

  /** Adds a function and returns its index. */
  add(fn: FunctionBuilder, exportName?: string): number {
    const index = this.functions.push(fn) - 1;
    if (exportName) this.exported.push({ name: exportName, index });
    return index;
  }

  get all(): readonly FunctionBuilder[] {
    return this.functions;
  }

  encode({ initial, maximum, shared }: MemoryImport): Uint8Array<ArrayBuffer> {
    const types: string[] = [];
    const typeIndex = this.functions.map((fn) => {
      const params = fn.params.map((param) => typeBytes[param.type]);
      const key = [0x60, ...unsigned(params.length), ...params, 0].join(' ');
      const known = types.indexOf(key);
      return known >= 0 ? known : types.push(key) - 1;
    });
    const bytes: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
    section(bytes, 1, vector(types.map((key) => key.split(' ').map(Number))));
    const limits = [shared ? 3 : 1, ...unsigned(initial), ...unsigned(maximum)];
    section(bytes, 2, vector([[...text('env'), ...text('memory'), 0x02, ...limits]]));
    section(bytes, 3, vector(typeIndex.map(unsigned)));
    const exports = this.exported.map(({ name, index }) => [
      ...text(name),
      0x00,
      ...unsigned(index),
    ]);
    section(bytes, 7, vector(exports));
    section(bytes, 10, vector(this.functions.map(encodeFunction)));
    return Uint8Array.from(bytes);
  }
}

function encodeFunction(fn: FunctionBuilder): number[] {
  const runs: { type: ValueType; count: number }[] = [];
  for (const { type } of fn.locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const code = vector(runs.map(({ type, count }) => [...unsigned(count), typeBytes[type]]));
  encodeCode(fn.body, code);
  code.push(blockEnd);
  return prepend(unsigned(code.length), code);
}

function prepend(head: number[], tail: number[]): number[] {
  for (const byte of tail) head.push(byte);
  return head;
}

function vector(items: readonly (readonly number[])[]): number[] {
  const out = unsigned(items.length);
  for (const item of items) for (const byte of item) out.push(byte);
  return out;
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}

function section(out: number[], id: number, content: readonly number[]): void {
  out.push(id);
  for (const byte of unsigned(content.length)) out.push(byte);
  for (const byte of content) out.push(byte);
}
