/**
 * @file What a backend offers to the sessions above it: memory, programs made from graphs, and runs of many steps. The
 * WebAssembly engine implements it; the reference evaluator is simpler and stands apart.
 */
import type { DType, TypedArrays } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import type { Graph, VariableRef } from '../ir/graph.ts';
import type { Plan } from '../plan/plan.ts';

/** A place in the engine's memory. */
export interface Region {
  readonly address: number;
  readonly bytes: number;
}

/** Where a program's input lies and how far it moves from step to step. */
export interface Binding {
  region: Region;
  /** Byte offset of the first step's input. */
  offset?: number;
  /** Bytes from one step's input to the next; default 0: the same for all steps. */
  stride?: number;
}

export interface Program {
  readonly plan: Plan;
  /** Frees what the program holds. Whoever still has it may run it, which loads it each time anew. */
  dispose(): void;
}

export interface CompileOptions {
  /** Results that each step writes to the place bound as an input of the same name. */
  streamed?: readonly string[];
  /** The result, an `int32` scalar, that ends a run where it is not 0. */
  halt?: string;
}

export interface RunOptions {
  inputs: Readonly<Record<string, Binding>>;
  /** How many steps; default 1. */
  steps?: number;
  /** Called about ten times a second with the steps done so far, and where a thread fails with how many were done. */
  progress?: (stepsDone: number) => void;
  /** Aborting finishes the step and ends the run. */
  signal?: AbortSignal | undefined;
}

export interface Backend {
  /** A region of zeros. @throws TsunoError `MEMORY`. */
  allocate(bytes: number): Region;
  free(region: Region): void;
  /** The bytes of a region as numbers; valid until the next allocation. */
  view<D extends DType>(region: Region, dtype: D, shape: Shape, offset?: number): TypedArrays[D];
  /** Compiles `graph`, whose variables lie where `place` says. */
  compile(
    graph: Graph,
    place: (variable: VariableRef) => Region,
    options?: CompileOptions,
  ): Promise<Program>;
  /** Runs steps; resolves with how many were done. */
  run(program: Program, options: RunOptions): Promise<number>;
  /** The result `name` of the last step, until another program is compiled or run. */
  output(program: Program, name: string): ArrayLike<number> & { slice(): ArrayLike<number> };
  dispose(): void;
}
