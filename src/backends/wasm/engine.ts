/**
 * @file The WebAssembly engine: one memory, the threads on it, programs compiled from graphs. Start reading at
 * {@link WasmEngine.compile} and {@link WasmEngine.run}.
 */
import { bytesOf, type DType, type TypedArrays, viewOf } from '../../core/dtype.ts';
import { internal, TsunoError } from '../../core/errors.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { Graph, VariableRef } from '../../ir/graph.ts';
import { type Pass, runPasses, stepPasses } from '../../passes/index.ts';
import { makePlan, type Plan } from '../../plan/plan.ts';
import type { Backend, Binding, CompileOptions, Program, Region, RunOptions } from '../backend.ts';
import { cells, controlBytes, inputCell } from './control.ts';
import { emitModule, kernelOf } from './emit.ts';
import { bestArithmetic, canShareMemory, compileRefused, processors } from './features.ts';
import type { Arithmetic } from './kernel.ts';
import { lower } from './lower.ts';
import { EngineMemory } from './memory.ts';
import { Threads } from './threads.ts';

export interface EngineOptions {
  /** Default: the processors here, at most 8. More than one needs shared memory. */
  threads?: number;
  /** Default `fused` where the machine rounds multiply-add once; `portable` gives the same bits on every machine. */
  arithmetic?: Arithmetic;
  /** Seconds without a finished step after which a run is given up. Default 30. */
  watchdog?: number;
  /** Bytes kept free around each value, for tests. */
  redZone?: number;
  /** Called with what the user should know once: no threads here, say. */
  warn?: (message: string) => void;
}

/** Passes of this backend. */
export const wasmPasses: readonly Pass[] = stepPasses({ name: 'lower', run: lower });

/** Milliseconds between looks at a run. */
const tick = 50;
/** Longest stretch of work on the caller's thread, where there are no workers. */
const slice = 40;

class WasmProgram implements Program {
  readonly id: number;
  readonly plan: Plan;
  readonly control: Region;
  readonly run:
    | ((thread: number, threads: number, arena: number, control: number, steps: number) => void)
    | undefined;
  private readonly release: (program: WasmProgram) => void;

  constructor(
    id: number,
    plan: Plan,
    control: Region,
    run: WasmProgram['run'],
    release: (program: WasmProgram) => void,
  ) {
    this.id = id;
    this.plan = plan;
    this.control = control;
    this.run = run;
    this.release = release;
  }

  dispose(): void {
    this.release(this);
  }
}

export class WasmEngine implements Backend {
  readonly arithmetic: Arithmetic;
  readonly threads: number;
  readonly memory: EngineMemory;
  private workers: Threads | undefined;
  private readonly options: EngineOptions;
  private arena: Region | undefined;
  private programs = 0;
  private running = false;

  private constructor(
    options: EngineOptions,
    arithmetic: Arithmetic,
    memory: EngineMemory,
    workers?: Threads,
  ) {
    this.options = options;
    this.arithmetic = arithmetic;
    this.memory = memory;
    this.workers = workers;
    this.threads = workers?.count ?? 1;
  }

  /** Starts an engine: detects what the platform has, makes the memory, starts the threads. */
  static async start(options: EngineOptions = {}): Promise<WasmEngine> {
    const best = await bestArithmetic();
    const arithmetic = options.arithmetic === 'portable' ? 'portable' : best;
    const wanted = options.threads ?? Math.min(8, await processors());
    if (!(Number.isInteger(wanted) && wanted >= 1)) {
      throw new TsunoError('ARGUMENT', {
        where: 'engine',
        what: 'threads',
        expected: 'a positive integer',
        found: String(wanted),
      });
    }
    const warn = options.warn ?? (() => undefined);
    if (!canShareMemory()) {
      if (wanted > 1) {
        warn(
          'one thread: this page is not cross-origin isolated (serve it with COOP and COEP headers for more).',
        );
      }
      return new WasmEngine(options, arithmetic, new EngineMemory(false));
    }
    try {
      const workers = await Threads.start(wanted);
      return new WasmEngine(options, arithmetic, new EngineMemory(true), workers);
    } catch (error) {
      if (!(error instanceof TsunoError)) throw error;
      warn(`one thread: workers could not be started (${error.found}).`);
      return new WasmEngine(options, arithmetic, new EngineMemory(true));
    }
  }

  allocate(bytes: number): Region {
    return this.memory.allocate(bytes);
  }

  free(region: Region): void {
    this.memory.free(region);
  }

  view<D extends DType>(region: Region, dtype: D, shape: Shape, offset = 0): TypedArrays[D] {
    const length = sizeOf(shape);
    if (offset + length * bytesOf(dtype) > region.bytes)
      throw internal('a view reaches past its region');
    return viewOf(dtype, this.memory.buffer, region.address + offset, length);
  }

  /** The plan of `graph` after this backend's passes. */
  plan(
    graph: Graph,
    options: CompileOptions = {},
    watch?: (name: string, graph: Graph) => void,
  ): Plan {
    const lowered = runPasses(graph, wasmPasses, watch);
    const redZone = this.options.redZone ?? 0;
    return makePlan(lowered, { threads: this.threads, cost: kernelOf, redZone, ...options });
  }

  async compile(
    graph: Graph,
    place: (variable: VariableRef) => Region,
    options: CompileOptions = {},
  ): Promise<WasmProgram> {
    const plan = this.plan(graph, options);
    const variables = plan.variables.map((variable) => place(variable).address);
    const control = this.allocate(controlBytes(plan.inputs.length));
    this.reserveArena(plan.arenaBytes);
    const bytes = emitModule(plan, { arithmetic: this.arithmetic, variables }).encode(
      this.memory.import,
    );
    const id = this.programs++;
    let module: WebAssembly.Module;
    try {
      module = await WebAssembly.compile(bytes);
    } catch (cause) {
      if (
        cause instanceof WebAssembly.CompileError &&
        !/violates|unsafe-eval|disallowed/i.test(cause.message)
      ) {
        throw internal(`the emitted module is not valid: ${cause.message}`, cause);
      }
      throw compileRefused(cause);
    }
    let run: WasmProgram['run'];
    if (this.workers) this.workers.load(id, module, this.memory.memory);
    else {
      const instance = await WebAssembly.instantiate(module, {
        env: { memory: this.memory.memory },
      });
      run = instance.exports.run as NonNullable<WasmProgram['run']>;
    }
    return new WasmProgram(id, plan, control, run, (program) => {
      this.workers?.forget(program.id);
      this.free(program.control);
    });
  }

  /** All programs of an engine share one arena: they run one after the other. */
  private reserveArena(bytes: number): void {
    if (this.arena && this.arena.bytes >= bytes) return;
    if (this.arena) this.free(this.arena);
    this.arena = undefined;
    this.arena = this.allocate(Math.max(bytes, 64));
  }

  async run(program: Program, options: RunOptions): Promise<number> {
    if (!(program instanceof WasmProgram)) throw internal('a program of another engine');
    if (this.running) {
      throw new TsunoError('STATE', {
        where: 'engine',
        what: 'a run',
        expected: 'must wait for the one before it',
        found: 'two at a time',
        repair: 'Await fit, evaluate and predict.',
      });
    }
    this.running = true;
    try {
      const steps = options.steps ?? 1;
      this.bind(program, options.inputs);
      const words = new Int32Array(this.memory.buffer, program.control.address, 16);
      words[cells.stopRequest / 4] = 0;
      words[cells.stopDecided / 4] = 0;
      words[cells.stepsDone / 4] = 0;
      if (steps > 0) {
        await (this.workers
          ? this.runOnWorkers(program, steps, options)
          : this.runHere(program, steps, options));
      }
      return Atomics.load(this.controlWords(program), cells.stepsDone / 4);
    } finally {
      this.running = false;
    }
  }

  private controlWords(program: WasmProgram): Int32Array {
    return new Int32Array(this.memory.buffer, program.control.address, 16);
  }

  private bind(program: WasmProgram, inputs: Readonly<Record<string, Binding>>): void {
    const words = new Int32Array(this.memory.buffer);
    program.plan.inputs.forEach(({ name }, i) => {
      const binding = inputs[name];
      if (!binding) throw internal(`input ${name} is not bound`);
      const { pointer, stride } = inputCell(i);
      words[(program.control.address + pointer) / 4] =
        binding.region.address + (binding.offset ?? 0);
      words[(program.control.address + stride) / 4] = binding.stride ?? 0;
    });
  }

  private async runOnWorkers(
    program: WasmProgram,
    steps: number,
    { progress, signal }: RunOptions,
  ): Promise<void> {
    const workers = this.workers!;
    const words = this.controlWords(program);
    const limit = (this.options.watchdog ?? 30) * 1000;
    let seen = 0;
    let since = Date.now();
    let silent = false;
    const timer = setInterval(() => {
      const done = Atomics.load(words, cells.stepsDone / 4);
      const now = Date.now();
      // A machine that slept shows as one late tick, not as many silent ones.
      if (done !== seen || now - since > limit + 10 * tick * 20) since = now;
      seen = done;
      if (signal?.aborted) Atomics.store(words, cells.stopRequest / 4, 1);
      if (now - since > limit && !silent) {
        silent = true;
        this.abandon(program);
      }
      progress?.(done);
    }, tick);
    const stop = () => Atomics.store(words, cells.stopRequest / 4, 1);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      await workers.run(
        {
          program: program.id,
          arena: this.arena!.address,
          control: program.control.address,
          steps,
        },
        () => this.abandon(program),
      );
    } catch (error) {
      workers.terminate();
      throw error;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Frees threads that wait for one that will not come. */
  private abandon(program: WasmProgram): void {
    const words = this.controlWords(program);
    Atomics.store(words, cells.abort / 4, 1);
    Atomics.notify(words, cells.generation / 4);
  }

  private async runHere(
    program: WasmProgram,
    steps: number,
    { progress, signal }: RunOptions,
  ): Promise<void> {
    let perSlice = 1;
    for (let done = 0; done < steps && !signal?.aborted; ) {
      const now = performance.now();
      const count = Math.min(perSlice, steps - done);
      program.run!(0, 1, this.arena!.address, program.control.address, count);
      const counted = Atomics.load(this.controlWords(program), cells.stepsDone / 4);
      const halted = Atomics.load(this.controlWords(program), cells.stopDecided / 4) !== 0;
      done = counted;
      if (halted) return;
      const took = performance.now() - now;
      perSlice = Math.max(1, Math.min(1000, Math.floor((count * slice) / Math.max(took, 0.01))));
      progress?.(done);
      if (done < steps) await new Promise((resolve) => setTimeout(resolve));
    }
  }

  output(program: Program, name: string): TypedArrays[DType] {
    const place = program.plan.outputs.get(name);
    const value = program.plan.graph.outputs.get(name);
    if (!place || !value || place.region === 'input') throw internal(`no output ${name}`);
    if (place.region === 'variable') throw internal(`output ${name} is a variable`);
    return viewOf(
      value.dtype,
      this.memory.buffer,
      this.arena!.address + place.offset,
      sizeOf(value.shape),
    );
  }

  dispose(): void {
    this.workers?.terminate();
    this.workers = undefined;
  }
}
