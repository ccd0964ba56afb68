/**
 * @file A session: an engine, the variables it holds, the programs it has compiled, the data it was lent. The one place
 * where host and engine exchange numbers.
 */
import type {
  Backend,
  Binding,
  CompileOptions,
  Program,
  Region,
  RunOptions,
} from '../backends/backend.ts';
import { type EngineOptions, runInProgress, WasmEngine } from '../backends/wasm/engine.ts';
import { bytesOf } from '../core/dtype.ts';
import { sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Graph, VariableRef } from '../ir/graph.ts';
import type { Variable, VariableHolder } from '../layers/variable.ts';

interface Held {
  region: Region;
  /** Version of the host's value that the engine has taken in; -1: none yet. */
  version: number;
  /** The engine may have a newer value than the host. */
  newer: boolean;
}

export class Session implements VariableHolder {
  readonly engine: Backend & {
    readonly threads: number;
    readonly arithmetic: string;
    readonly revectorized: boolean;
  };
  private readonly held = new Map<Variable, Held>();
  private readonly lent = new Set<Region>();
  private active: Program | undefined;

  private constructor(engine: WasmEngine) {
    this.engine = engine;
  }

  static async open(options: EngineOptions = {}): Promise<Session> {
    return new Session(await WasmEngine.start(options));
  }

  /** Compiles a graph over variables. */
  compile(graph: Graph, options?: CompileOptions): Promise<Program> {
    return this.engine.compile(graph, (variable) => this.hold(variable).region, options);
  }

  private hold(ref: VariableRef): Held {
    const variable = ref as Variable;
    const known = this.held.get(variable);
    if (known) return known;
    const region = this.engine.allocate(sizeOf(variable.shape) * bytesOf(variable.dtype));
    const held = { region, version: -1, newer: false };
    // A value in another session's hands comes home first.
    variable.holdBy(this);
    this.held.set(variable, held);
    return held;
  }

  /** Copies a tensor into the engine; free it with {@link release}. */
  lend(tensor: Tensor): Region {
    const region = this.engine.allocate(tensor.size * bytesOf(tensor.dtype));
    this.lent.add(region);
    this.engine.view(region, tensor.dtype, tensor.shape).set(tensor.data);
    return region;
  }

  /** A region of `bytes` zeros, to be freed with {@link release}. */
  reserve(bytes: number): Region {
    const region = this.engine.allocate(bytes);
    this.lent.add(region);
    return region;
  }

  release(...regions: readonly Region[]): void {
    for (const region of regions) if (this.lent.delete(region)) this.engine.free(region);
  }

  /** Runs steps with the newest values of all variables. */
  async run(program: Program, options: RunOptions): Promise<number> {
    // Pushing in mid-run would tear a step.
    if (this.active) throw runInProgress('session');
    this.active = program;
    try {
      for (const variable of program.plan.variables) this.push(variable as Variable);
      return await this.engine.run(program, options);
    } finally {
      this.active = undefined;
      for (const variable of program.plan.graph.updates.keys()) this.hold(variable).newer = true;
    }
  }

  private push(variable: Variable): void {
    const held = this.hold(variable);
    variable.holdBy(this);
    if (held.version === variable.version) return;
    this.engine.view(held.region, variable.dtype, variable.shape).set(variable.hostData);
    held.version = variable.version;
    held.newer = false;
  }

  /** Fetches what the engine has, also in mid-run, unless the host has assigned since. */
  pull(variable: Variable): void {
    const held = this.held.get(variable);
    if (!held || held.version !== variable.version) return;
    const inFlight = this.active?.plan.graph.updates.has(variable) ?? false;
    if (!held.newer && !inFlight) return;
    variable.hostData.set(this.engine.view(held.region, variable.dtype, variable.shape));
    held.newer = false;
  }

  /** Brings all values home and stops the engine. */
  close(): void {
    for (const variable of this.held.keys()) {
      this.pull(variable);
      variable.holdBy(undefined);
    }
    this.held.clear();
    this.engine.dispose();
  }
}

export type { Binding, Program, Region };
