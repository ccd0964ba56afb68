/** @file Functions and modules: locals, loops, and the binary encoding of a module that imports one memory. */
import { Bytes } from './bytes.ts';
import {
  blockElse,
  blockEnd,
  type Code,
  control,
  type Instruction,
  i32,
  local,
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

/** A list of `Count` items. */
export type Many<Item, Count extends number, List extends Item[] = []> = number extends Count
  ? Item[]
  : List['length'] extends Count
    ? List
    : Many<Item, Count, [...List, Item]>;

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

  /** `count` fresh locals. */
  localsOf<Count extends number>(type: ValueType, count: Count): Many<Local, Count> {
    return Array.from({ length: count }, () => this.local(type)) as Many<Local, Count>;
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
function encodeCode(code: Code, out: Bytes): void {
  for (const { operands, opcode, immediates, raw, body, otherwise } of code) {
    encodeCode(operands, out);
    out.list(opcode);
    for (const immediate of immediates) out.unsigned(immediate);
    out.list(raw);
    if (!body) continue;
    encodeCode(body, out);
    if (otherwise) {
      out.byte(blockElse);
      encodeCode(otherwise, out);
    }
    out.byte(blockEnd);
  }
}

export interface MemoryImport {
  /** Pages of 64 KiB. */
  initial: number;
  maximum: number;
  shared: boolean;
}

/** A function as it stands in the module. */
interface EncodedFunction {
  params: readonly ValueType[];
  code: Bytes;
}

/** A module: functions, some of them exported, over an imported memory `env.memory`. */
export class ModuleBuilder {
  private readonly functions: EncodedFunction[] = [];
  private readonly exported: { name: string; index: number }[] = [];

  /** Adds a finished function and returns its index. It is encoded now: its tree takes fifty times the memory. */
  add(fn: FunctionBuilder, exportName?: string): number {
    const params = fn.params.map(({ type }) => type);
    const index = this.functions.push({ params, code: encodeFunction(fn) }) - 1;
    if (exportName) this.exported.push({ name: exportName, index });
    return index;
  }

  encode({ initial, maximum, shared }: MemoryImport): Uint8Array<ArrayBuffer> {
    const types: string[] = [];
    const typeIndex = this.functions.map(({ params }) => {
      const key = params.map((type) => typeBytes[type]).join(' ');
      const known = types.indexOf(key);
      return known >= 0 ? known : types.push(key) - 1;
    });
    const out = new Bytes(1 << 16);
    out.list([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    section(out, 1, types, (section, key) => {
      const params = key === '' ? [] : key.split(' ').map(Number);
      section.byte(0x60);
      section.unsigned(params.length);
      section.list(params);
      section.byte(0);
    });
    section(out, 2, ['memory'], (section, name) => {
      section.text('env');
      section.text(name);
      section.byte(0x02);
      section.byte(shared ? 3 : 1);
      section.unsigned(initial);
      section.unsigned(maximum);
    });
    section(out, 3, typeIndex, (section, index) => section.unsigned(index));
    section(out, 7, this.exported, (section, { name, index }) => {
      section.text(name);
      section.byte(0x00);
      section.unsigned(index);
    });
    section(out, 10, this.functions, (section, { code }) => section.sized(code));
    return out.finish();
  }
}

function encodeFunction({ locals, body }: FunctionBuilder): Bytes {
  const runs: { type: ValueType; count: number }[] = [];
  for (const { type } of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  const out = new Bytes();
  out.unsigned(runs.length);
  for (const { type, count } of runs) {
    out.unsigned(count);
    out.byte(typeBytes[type]);
  }
  encodeCode(body, out);
  out.byte(blockEnd);
  return out;
}

/** Appends a section: how many items, then each as `write` says. */
function section<T>(
  out: Bytes,
  id: number,
  items: readonly T[],
  write: (section: Bytes, item: T) => void,
): void {
  const content = new Bytes();
  content.unsigned(items.length);
  for (const item of items) write(content, item);
  out.byte(id);
  out.sized(content);
}
