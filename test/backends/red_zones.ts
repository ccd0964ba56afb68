/**
 * @file Runs a plan kernel by kernel on a memory of the test's own, filled with poison, with free bytes around every value,
 * variable and input. After each kernel every byte of the memory is looked at: only the kernel's outputs and scratch may
 * have changed.
 */
import assert from 'node:assert/strict';
import { ModuleBuilder } from '../../src/backends/wasm/assembler/module.ts';
import { kernelOf } from '../../src/backends/wasm/emit.ts';
import { type Arithmetic, type Join, KernelBuilder } from '../../src/backends/wasm/kernel.ts';
import { passesFor } from '../../src/backends/wasm/lowering/passes.ts';
import { bytesOf, viewOf } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Graph, Node, VariableRef } from '../../src/ir/graph.ts';
import { printNode } from '../../src/ir/print.ts';
import { runPasses } from '../../src/passes/index.ts';
import {
  makePlan,
  type Place,
  type Plan,
  type PlannedKernel,
  roundUp,
} from '../../src/plan/plan.ts';

/** Bytes kept free around each value. */
const zone = 64;
const page = 65536;

/** Four bytes each: a signalling NaN; a plain number whose bytes also pass for winners of a pooling window. */
export const poisons = { signallingNaN: 0x7fa00000, number: 0x41030201 } as const;

export interface ZoneOptions {
  threads: number;
  arithmetic: Arithmetic;
  /** Neighbouring vectors that kernels work on together. */
  join: Join;
  poison: number;
  /** Changes a kernel that has been emitted, before it is compiled. */
  edit?: (node: Node, fn: KernelBuilder) => void;
}

export interface ZoneResult {
  outputs: Map<string, Uint8Array>;
  updates: Map<VariableRef, Uint8Array>;
  /** Names of the kernels that ran. */
  kernels: ReadonlySet<string>;
}

type KernelFunction = (...pointers: number[]) => void;

/**
 * Runs `graph` once, every kernel shared among `threads` whether that pays or not.
 *
 * @throws AssertionError naming the kernel that wrote where it must not.
 */
export function runInZones(
  graph: Graph,
  given: Readonly<Record<string, ArrayLike<number>>>,
  variables: (variable: VariableRef) => ArrayLike<number>,
  options: ZoneOptions,
): ZoneResult {
  const plan = makePlan(runPasses(graph, passesFor[options.join]), {
    threads: options.threads,
    cost: kernelOf,
    redZone: zone,
  });
  const memory = new ZonedMemory(plan, options.poison);
  plan.inputs.forEach(({ name, dtype }, index) => {
    memory.write({ region: 'input', index, bytes: 0 }, dtype, given[name]!);
  });
  plan.variables.forEach((variable, index) => {
    memory.write({ region: 'variable', index, bytes: 0 }, variable.dtype, variables(variable));
  });
  const functions = compileKernels(plan, options, memory.memory);
  for (const kernel of [...plan.once, ...plan.kernels]) {
    const { key, scratch = 0 } = kernelOf(kernel.node);
    const own = (thread: number) =>
      kernel.scratch
        ? memory.addressOf(kernel.scratch) + (thread * kernel.scratch.bytes) / options.threads
        : 0;
    const allowed = kernel.outputs.map((place) => ({
      from: memory.addressOf(place),
      bytes: place.bytes,
    }));
    for (let thread = 0; thread < options.threads; thread++)
      allowed.push({ from: own(thread), bytes: scratch });
    memory.remember();
    // Later threads first: no kernel may count on an order.
    for (let thread = options.threads - 1; thread >= 0; thread--)
      callShare(kernel, functions.get(key)!, memory, own(thread), thread, options.threads);
    memory.assertOnlyChanged(allowed, printNode(kernel.node));
  }
  for (const { from, to } of plan.copies) memory.copy(from, to);
  const read = (place: Place, bytes: number) => memory.bytes(memory.addressOf(place), bytes);
  return {
    outputs: new Map([...plan.outputs].map(([name, place]) => [name, read(place, place.bytes)])),
    updates: new Map(
      [...plan.graph.updates.keys()].map((variable) => {
        const index = plan.variables.indexOf(variable);
        const bytes = sizeOf(variable.shape) * bytesOf(variable.dtype);
        return [variable, read({ region: 'variable', index, bytes }, bytes)];
      }),
    ),
    kernels: new Set([...plan.once, ...plan.kernels].map(({ node }) => node.op.name)),
  };
}

function callShare(
  { node, inputs, outputs, units }: PlannedKernel,
  call: KernelFunction,
  memory: ZonedMemory,
  scratch: number,
  thread: number,
  threads: number,
): void {
  const lo = Math.floor((units * thread) / threads);
  const hi = Math.floor((units * (thread + 1)) / threads);
  const pointers = [...inputs, ...outputs].map((place) => memory.addressOf(place));
  try {
    call(...pointers, scratch, lo, hi);
  } catch (error) {
    assert.fail(`${printNode(node)}, units ${lo} to ${hi}: ${error}`);
  }
}

function compileKernels(
  plan: Plan,
  { arithmetic, join, edit }: ZoneOptions,
  memory: WebAssembly.Memory,
): Map<string, KernelFunction> {
  const module = new ModuleBuilder();
  const names = new Map<string, string>();
  for (const { node } of [...plan.once, ...plan.kernels]) {
    const spec = kernelOf(node);
    if (names.has(spec.key)) continue;
    const name = `kernel${names.size}`;
    const { inputs, outputs } = node;
    const fn = new KernelBuilder(name, inputs.length, outputs.length, arithmetic, join);
    spec.emit(fn);
    edit?.(node, fn);
    module.add(fn, name);
    names.set(spec.key, name);
  }
  const limits = { initial: 1, maximum: page, shared: false };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.encode(limits)), {
    env: { memory },
  });
  return new Map([...names].map(([key, name]) => [key, exports[name] as KernelFunction]));
}

/** The arena, then variables and inputs, each between zones. */
class ZonedMemory {
  readonly memory: WebAssembly.Memory;
  private readonly addresses = new Map<string, number>();
  private readonly now: Uint8Array;
  private before = new Uint8Array();

  constructor(plan: Plan, poison: number) {
    let top = roundUp(page / 16);
    const reserve = (bytes: number): number => {
      const address = top + zone;
      top = address + roundUp(bytes) + zone;
      return address;
    };
    const sized = ({ shape, dtype }: Pick<VariableRef, 'shape' | 'dtype'>) =>
      sizeOf(shape) * bytesOf(dtype);
    this.addresses.set('arena', reserve(plan.arenaBytes));
    plan.variables.forEach((variable, index) => {
      this.addresses.set(`variable ${index}`, reserve(sized(variable)));
    });
    plan.inputs.forEach((input, index) => {
      this.addresses.set(`input ${index}`, reserve(sized(input)));
    });
    const initial = Math.ceil((top + zone) / page);
    this.memory = new WebAssembly.Memory({ initial, maximum: page });
    this.now = new Uint8Array(this.memory.buffer);
    new Uint32Array(this.memory.buffer).fill(poison);
  }

  addressOf(place: Place): number {
    if (place.region === 'arena') return this.addresses.get('arena')! + place.offset;
    return this.addresses.get(`${place.region} ${place.index}`)!;
  }

  write(place: Place, dtype: VariableRef['dtype'], values: ArrayLike<number>): void {
    viewOf(dtype, this.memory.buffer, this.addressOf(place), values.length).set(values);
  }

  bytes(address: number, count: number): Uint8Array {
    return this.now.slice(address, address + count);
  }

  copy(from: Place, to: Place): void {
    this.now.set(this.bytes(this.addressOf(from), to.bytes), this.addressOf(to));
  }

  remember(): void {
    this.before = this.now.slice();
  }

  assertOnlyChanged(allowed: readonly { from: number; bytes: number }[], who: string): void {
    for (const { from, bytes } of allowed)
      this.before.set(this.now.subarray(from, from + bytes), from);
    if (Buffer.compare(this.before, this.now) === 0) return;
    const at = this.now.findIndex((byte, i) => byte !== this.before[i]);
    const distances = allowed.map(({ from, bytes }) =>
      at < from ? `${from - at} before` : `${at - from - bytes} after`,
    );
    assert.fail(`${who} changed byte ${at}, which is ${distances.join(', ')} what it may write`);
  }
}
