/**
 * @file The WebAssembly engine: one memory, the threads on it, programs compiled from graphs. Start reading at
 * {@link WasmEngine.compile} and {@link WasmEngine.run}.
 */
import { bytesOf, type DType, type TypedArrays, viewOf } from '../../core/dtype.ts';
import { internal, TsunoError } from '../../core/errors.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { Graph, VariableRef } from '../../ir/graph.ts';
import { printNode } from '../../ir/print.ts';
import { runPasses } from '../../passes/index.ts';
import { makePlan, type Plan, roundUp } from '../../plan/plan.ts';
import type { Backend, Binding, CompileOptions, Program, Region, RunOptions } from '../backend.ts';
import { cells, cellWords, controlBytes, inputCell, spinsFor } from './control.ts';
import { emitModule, kernelOf } from './emit.ts';
import { bestArithmetic, canShareMemory, compileRefused, processors } from './features.ts';
import { bestJoin, compileFor } from './joining.ts';
import type { Arithmetic, Join } from './kernel.ts';
import { passesFor } from './lowering/passes.ts';
import { EngineMemory } from './memory.ts';
import { Threads } from './threads.ts';

export interface EngineOptions {
  /** Default: the processors here, at most 8. More than one needs shared memory. */
  threads?: number;
  /** Default `fused` where the machine rounds multiply-add once; `portable` gives the same bits on every machine. */
  arithmetic?: Arithmetic;
  /**
   * Whether V8 may join pairs of 128-bit operations into 256-bit ones, which changes no bit and is about twice as fast.
   * Default `true`: where V8 can (Node 24 on x64), and a check at the start finds the same bits. Needs no flag of Node.
   */
  revectorize?: boolean;
  /** Seconds at one kernel after which a run is given up. Default 30. */
  watchdog?: number;
  /** Bytes kept free around each value, for tests. */
  redZone?: number;
  /** Called with what the user should know once: no threads here, say. */
  warn?: (message: string) => void;
}

/** Milliseconds between looks at a run. */
const tick = 50;
/** A tick this much too late, in milliseconds, means that the machine slept. */
const lateTick = 10_000;
/** How browsers say that a content security policy forbids compilation. */
const policyWords = /violates|unsafe-eval|disallowed|content security policy|blocked by csp/i;
/** Longest stretch of work on the caller's thread, where there are no workers. */
const slice = 40;

type Run = (thread: number, threads: number, arena: number, control: number, steps: number) => void;

/** What a program is made of. */
interface ProgramParts {
  id: number;
  plan: Plan;
  module: WebAssembly.Module;
  /** Address of each of the plan's variables. */
  variables: readonly number[];
  /** Address and bytes of each variable that a step changes. */
  changed: readonly Region[];
}

class WasmProgram implements Program, ProgramParts {
  readonly id: number;
  readonly plan: Plan;
  readonly module: WebAssembly.Module;
  /** Its control block, while it is loaded. */
  control: Region | undefined;
  /** The program on the caller's thread, where there are no workers. */
  run: Run | undefined;
  isDisposed = false;
  readonly variables: readonly number[];
  readonly changed: readonly Region[];
  private readonly release: (program: WasmProgram) => void;

  constructor(parts: ProgramParts, release: (program: WasmProgram) => void) {
    this.id = parts.id;
    this.plan = parts.plan;
    this.module = parts.module;
    this.variables = parts.variables;
    this.changed = parts.changed;
    this.release = release;
  }

  dispose(): void {
    this.isDisposed = true;
    this.release(this);
  }
}

export class WasmEngine implements Backend {
  readonly arithmetic: Arithmetic;
  readonly join: Join;
  /** Looks before a thread sleeps at a meeting. */
  readonly spins: number;
  threads: number;
  readonly memory: EngineMemory;
  private workers: Threads | undefined;
  private readonly options: EngineOptions;
  private arena: Region | undefined;
  /** The variables before the run in progress. */
  private kept: Region | undefined;
  /** Those that are loaded. */
  private readonly programs = new Map<number, WasmProgram>();
  private lastProgram = 0;
  /** The program of the run in progress. */
  private active: WasmProgram | undefined;
  private closed = false;

  private constructor(
    options: EngineOptions,
    { arithmetic, join, spins }: { arithmetic: Arithmetic; join: Join; spins: number },
    memory: EngineMemory,
    workers?: Threads,
  ) {
    this.options = options;
    this.arithmetic = arithmetic;
    this.join = join;
    this.spins = spins;
    this.memory = memory;
    this.workers = workers;
    this.threads = workers?.count ?? 1;
  }

  /** Starts an engine: detects what the platform has, makes the memory, starts the threads. */
  static async start(options: EngineOptions = {}): Promise<WasmEngine> {
    const best = await bestArithmetic();
    const available = await processors();
    const wanted = options.threads ?? Math.min(8, available);
    if (!(Number.isInteger(wanted) && wanted >= 1)) {
      throw new TsunoError('ARGUMENT', {
        where: 'engine',
        what: 'threads',
        expected: 'a positive integer',
        found: String(wanted),
      });
    }
    const shares = canShareMemory();
    if (!shares && wanted > 1) {
      options.warn?.(
        'one thread: this page is not cross-origin isolated (serve it with COOP and COEP headers for more).',
      );
    }
    // The check of joined vectors keeps this thread busy while the others start.
    const starting = shares ? startThreads(wanted, options) : undefined;
    const join = options.revectorize === false ? 1 : await bestJoin();
    const arithmetic = options.arithmetic === 'portable' ? 'portable' : best;
    const code = { arithmetic, join, spins: spinsFor(wanted, available) } as const;
    return new WasmEngine(options, code, new EngineMemory(shares), await starting);
  }

  /** Whether pairs of 128-bit operations become 256-bit ones. */
  get revectorized(): boolean {
    return this.join > 1;
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
    const lowered = runPasses(graph, passesFor[this.join], watch);
    const redZone = this.options.redZone ?? 0;
    return makePlan(lowered, { threads: this.threads, cost: kernelOf, redZone, ...options });
  }

  async compile(
    graph: Graph,
    place: (variable: VariableRef) => Region,
    options: CompileOptions = {},
  ): Promise<WasmProgram> {
    this.mustBeOpen();
    const plan = this.plan(graph, options);
    const regions = plan.variables.map(place);
    const changed = [...plan.graph.updates.keys()].map((variable) => ({
      address: regions[plan.variables.indexOf(variable)]!.address,
      bytes: sizeOf(variable.shape) * bytesOf(variable.dtype),
    }));
    const variables = regions.map(({ address }) => address);
    const { arithmetic, join, spins } = this;
    const bytes = emitModule(plan, { arithmetic, join, spins, variables }).encode(
      this.memory.import,
    );
    // A run in progress keeps its arena; the next one makes room.
    if (!this.active) this.reserveArena(plan.arenaBytes);
    const module = await compileModule(bytes, join);
    const parts = { id: this.lastProgram++, plan, module, variables, changed };
    const program = new WasmProgram(parts, (disposed) => {
      if (disposed !== this.active) this.unload(disposed);
    });
    this.load(program);
    return program;
  }

  /** Gives a program its control block, and its module to the threads. */
  private load(program: WasmProgram): Region {
    if (program.control) return program.control;
    const { id, module, plan } = program;
    program.control = this.allocate(controlBytes(plan.inputs.length));
    this.workers?.load(id, module, this.memory.memory);
    this.programs.set(id, program);
    return program.control;
  }

  private unload(program: WasmProgram): void {
    if (!program.control) return;
    this.programs.delete(program.id);
    this.workers?.forget(program.id);
    this.free(program.control);
    program.control = undefined;
    program.run = undefined;
  }

  /** All programs of an engine share one arena: they run one after the other. */
  private reserveArena(bytes: number): void {
    this.arena = this.enlarge(this.arena, Math.max(bytes, 64));
  }

  /** `region` if it has `bytes`, else a larger one; at a refusal `region` is as it was. */
  private enlarge(region: Region | undefined, bytes: number): Region {
    if (region && region.bytes >= bytes) return region;
    if (!region) return this.allocate(bytes);
    this.free(region);
    try {
      return this.allocate(bytes);
    } catch (error) {
      this.memory.reclaim(region);
      throw error;
    }
  }

  async run(program: Program, options: RunOptions): Promise<number> {
    if (!(program instanceof WasmProgram)) throw internal('a program of another engine');
    this.mustBeOpen();
    if (this.active) throw runInProgress('engine');
    this.active = program;
    try {
      const steps = options.steps ?? 1;
      this.reserveArena(program.plan.arenaBytes);
      const control = this.load(program);
      this.bind(program, control, options.inputs);
      this.controlWords(control).fill(0);
      if (steps > 0) {
        const workers = await this.livingWorkers();
        await (workers
          ? this.runOnWorkers(workers, program, control, steps, options)
          : this.runHere(program, control, steps, options));
      }
      return Atomics.load(this.controlWords(control), cells.stepsDone / 4);
    } finally {
      this.active = undefined;
      if (program.isDisposed) this.unload(program);
    }
  }

  private mustBeOpen(): void {
    if (this.closed) throw closedError();
  }

  private controlWords({ address }: Region): Int32Array {
    return new Int32Array(this.memory.buffer, address, cellWords);
  }

  private bind(
    program: WasmProgram,
    { address }: Region,
    inputs: Readonly<Record<string, Binding>>,
  ): void {
    const words = new Int32Array(this.memory.buffer);
    program.plan.inputs.forEach(({ name }, i) => {
      const binding = inputs[name];
      if (!binding) throw internal(`input ${name} is not bound`);
      const { pointer, stride } = inputCell(i);
      words[(address + pointer) / 4] = binding.region.address + (binding.offset ?? 0);
      words[(address + stride) / 4] = binding.stride ?? 0;
    });
  }

  private async runOnWorkers(
    workers: Threads,
    program: WasmProgram,
    control: Region,
    steps: number,
    { progress, signal }: RunOptions,
  ): Promise<void> {
    this.keepVariables(program);
    const words = this.controlWords(control);
    const limit = (this.options.watchdog ?? 30) * 1000;
    let seen = '';
    let since = performance.now();
    const timer = setInterval(() => {
      const done = Atomics.load(words, cells.stepsDone / 4);
      const kernel = Atomics.load(words, cells.kernel / 4);
      const now = performance.now();
      const place = `${done} ${kernel}`;
      // A machine that slept shows as one late tick, not as many silent ones.
      if (place !== seen || now - since > limit + lateTick) since = now;
      seen = place;
      if (signal?.aborted) stop();
      if (now - since > limit) workers.fail(silence(program.plan, kernel, limit));
      else progress?.(done);
    }, tick);
    const stop = () => Atomics.store(words, cells.stopRequest / 4, 1);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      await workers.run(
        {
          program: program.id,
          arena: this.arena!.address,
          control: control.address,
          steps,
          memoryBytes: this.memory.buffer.byteLength,
        },
        // Frees threads that wait for one that will not come.
        () => {
          Atomics.store(words, cells.abort / 4, 1);
          Atomics.notify(words, cells.generation / 4);
        },
      );
    } catch (error) {
      this.restoreVariables(program);
      // No thread runs any more, and a step counts as done when all its kernels have ended on all threads.
      progress?.(Atomics.load(words, cells.stepsDone / 4));
      throw error;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  /** The threads, if there are any; others in their place where one has died, or none where those do not come. */
  private async livingWorkers(): Promise<Threads | undefined> {
    if (!this.workers || this.workers.alive) return this.workers;
    await this.workers.terminate();
    const workers = await startThreads(this.threads, this.options);
    this.workers = workers;
    if (this.closed) {
      await workers?.terminate();
      throw closedError();
    }
    this.threads = workers?.count ?? 1;
    if (workers)
      for (const { id, module } of this.programs.values())
        workers.load(id, module, this.memory.memory);
    return workers;
  }

  /** A copy of what the run will change: a step that a dying thread leaves half done must not be seen. */
  private keepVariables({ changed }: WasmProgram): void {
    const bytes = changed.reduce((sum, region) => sum + roundUp(region.bytes), 0);
    if (bytes > 0) this.kept = this.enlarge(this.kept, bytes);
    this.eachKept(changed, (memory, address, kept, size) =>
      memory.copyWithin(kept, address, address + size),
    );
  }

  private restoreVariables({ changed }: WasmProgram): void {
    this.eachKept(changed, (memory, address, kept, size) =>
      memory.copyWithin(address, kept, kept + size),
    );
  }

  private eachKept(
    changed: readonly Region[],
    visit: (memory: Uint8Array, address: number, kept: number, bytes: number) => void,
  ): void {
    const memory = new Uint8Array(this.memory.buffer);
    let kept = this.kept?.address ?? 0;
    for (const { address, bytes } of changed) {
      visit(memory, address, kept, bytes);
      kept += roundUp(bytes);
    }
  }

  private async runHere(
    program: WasmProgram,
    control: Region,
    steps: number,
    { progress, signal }: RunOptions,
  ): Promise<void> {
    const env = { memory: this.memory.memory };
    program.run ??= (await WebAssembly.instantiate(program.module, { env })).exports.run as Run;
    let perSlice = 1;
    for (let done = 0; done < steps && !signal?.aborted; ) {
      this.mustBeOpen();
      const now = performance.now();
      const count = Math.min(perSlice, steps - done);
      program.run(0, 1, this.arena!.address, control.address, count);
      const counted = Atomics.load(this.controlWords(control), cells.stepsDone / 4);
      const halted = Atomics.load(this.controlWords(control), cells.stopDecided / 4) !== 0;
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
    if (!(program instanceof WasmProgram) || !place || !value || place.region === 'input')
      throw internal(`no output ${name}`);
    const address =
      place.region === 'arena'
        ? this.arena!.address + place.offset
        : program.variables[place.index]!;
    return viewOf(value.dtype, this.memory.buffer, address, sizeOf(value.shape));
  }

  /** Stops the threads; a run in progress is rejected. */
  dispose(): void {
    this.closed = true;
    this.workers?.fail(closedError());
    void this.workers?.terminate();
  }
}

/** Threads, or none and a warning where their script is missing or blocked. */
async function startThreads(count: number, { warn }: EngineOptions): Promise<Threads | undefined> {
  try {
    return await Threads.start(count);
  } catch (error) {
    if (!(error instanceof TsunoError)) throw error;
    warn?.(`one thread: workers could not be started (${error.found}).`);
    return undefined;
  }
}

async function compileModule(
  bytes: Uint8Array<ArrayBuffer>,
  join: Join,
): Promise<WebAssembly.Module> {
  try {
    return await compileFor(bytes, join);
  } catch (cause) {
    const isPolicy = cause instanceof Error && policyWords.test(cause.message);
    if (cause instanceof WebAssembly.CompileError && !isPolicy)
      throw internal(`the emitted module is not valid: ${cause.message}`, cause);
    throw compileRefused(cause);
  }
}

/** A run that stands still, for the watchdog: names the kernel and its shape. */
function silence({ once, kernels }: Plan, kernel: number, limit: number): TsunoError {
  const planned = [...once, ...kernels][kernel];
  return new TsunoError('WORKER', {
    where: 'engine',
    what: `the kernel "${planned ? printNode(planned.node) : 'none'}"`,
    expected: `must end within ${limit / 1000} s`,
    found: 'no answer',
    repair: 'Raise watchdog if the kernel is that slow.',
  });
}

/** Two runs at a time would share variables and memory. */
export function runInProgress(where: string): TsunoError {
  return new TsunoError('STATE', {
    where,
    what: 'a run',
    expected: 'must wait for the one before it',
    found: 'two at a time',
    repair: 'Await fit, evaluate and predict.',
  });
}

function closedError(): TsunoError {
  return new TsunoError('STATE', {
    where: 'engine',
    what: 'the engine',
    expected: 'must be open',
    found: 'a closed one',
    repair: 'Start another.',
  });
}
