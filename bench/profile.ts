/**
 * @file Where a training step's time goes: each kernel's time on real data, in its place among the others, how much of that
 * is useful arithmetic, and how long threads wait for each other.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { controlBytes, inputCell } from '../src/backends/wasm/control.ts';
import { emitModule } from '../src/backends/wasm/emit.ts';
import { type EngineOptions, WasmEngine } from '../src/backends/wasm/engine.ts';
import { compileFor } from '../src/backends/wasm/joining.ts';
import type { Arithmetic, Join } from '../src/backends/wasm/kernel.ts';
import { bytesOf, type DType } from '../src/core/dtype.ts';
import { type Shape, sizeOf } from '../src/core/shape.ts';
import type { Graph, Node } from '../src/ir/graph.ts';
import type { Variable } from '../src/layers/variable.ts';
import type { Plan } from '../src/plan/plan.ts';
import { haltName } from '../src/train/health.ts';
import { multiplyAddsOf } from './multiply_adds.ts';
import { measurePeak } from './peak.ts';
import { type PieceTimes, pieceRunner, type StepPieces } from './profile_steps.ts';

/** Kernels of one kind and shape. */
export interface ProfileRow {
  kernel: string;
  count: number;
  /** Milliseconds a step, of the slowest thread. */
  ms: number;
  /** Useful multiply-adds a step. */
  multiplyAdds: number;
  /** Milliseconds a step that threads wait before them, the mean over threads. */
  waitMs: number;
}

export interface Profile {
  node: string;
  arithmetic: Arithmetic;
  /** Neighbouring vectors of four that are joined. */
  join: Join;
  threads: number;
  /** Milliseconds a step, with the clock. */
  stepMs: number;
  /** Part of the threads' time spent waiting. */
  idle: number;
  /** Useful multiply-adds a step. */
  multiplyAdds: number;
  /** Multiply-adds a second of one core, in 10⁹. */
  peak: number;
  rows: ProfileRow[];
}

/** Elements of the graph's inputs, by name: a batch's worth. */
export type ProfileInputs = Readonly<
  Record<string, { dtype: DType; shape: Shape; data: ArrayLike<number> }>
>;

export async function profileStep(
  graph: Graph,
  inputs: ProfileInputs,
  options: EngineOptions,
  milliseconds: number,
): Promise<Profile> {
  const engine = await WasmEngine.start(options);
  engine.dispose();
  const { threads, arithmetic, join } = engine;
  const plan = engine.plan(graph, { halt: haltName });
  const pieces = await piecesOf(engine, plan, inputs);
  const workers = await Promise.all(
    Array.from({ length: threads - 1 }, async (_, i) => {
      const worker = new Worker(new URL('./profile_worker.js', import.meta.url), {
        workerData: { pieces, thread: i + 1 },
      });
      await once(worker, 'message');
      return worker;
    }),
  );
  const mine = pieceRunner(pieces, 0);
  const run = async (steps: number): Promise<PieceTimes[]> => {
    const answers = workers.map((worker) => once(worker, 'message') as Promise<[PieceTimes]>);
    for (const worker of workers) worker.postMessage(steps);
    const first = mine(steps);
    return [first, ...(await Promise.all(answers)).map(([times]) => times)];
  };
  try {
    let steps = 1;
    let best = await run(steps);
    for (const part of [0.1, 0.2, 0.2, 0.2, 0.2, 0.2]) {
      const each = best[0]!.total / steps;
      const count = Math.max(1, Math.ceil((milliseconds * part) / each));
      const times = await run(count);
      // What is slower was disturbed; the first rounds are slower while the fast code is being compiled.
      if (times[0]!.total / count < each) [best, steps] = [times, count];
    }
    const peak = await measurePeak(arithmetic, join, Math.min(40, milliseconds));
    return summarize(plan, best, steps, { arithmetic, join, threads, peak });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Everything in memory, and the module of parts. */
async function piecesOf(
  engine: WasmEngine,
  plan: Plan,
  inputs: ProfileInputs,
): Promise<StepPieces> {
  const put = (dtype: DType, shape: Shape, data: ArrayLike<number>) => {
    const region = engine.allocate(sizeOf(shape) * bytesOf(dtype));
    engine.view(region, dtype, shape).set(data);
    return region.address;
  };
  const variables = plan.variables.map((ref) => {
    const { dtype, shape, data } = ref as Variable;
    return put(dtype, shape, data);
  });
  const pointers = plan.inputs.map(({ name }) => {
    const { dtype, shape, data } = inputs[name]!;
    return put(dtype, shape, data);
  });
  const control = engine.allocate(controlBytes(plan.inputs.length));
  const arena = engine.allocate(Math.max(64, plan.arenaBytes));
  const { arithmetic, join, spins } = engine;
  const emitted = emitModule(plan, { arithmetic, join, spins, variables, pieces: true });
  const module = await compileFor(emitted.encode(engine.memory.import), join);
  const words = new Int32Array(engine.memory.buffer);
  pointers.forEach((address, i) => {
    words[(control.address + inputCell(i).pointer) / 4] = address;
  });
  return {
    module,
    memory: engine.memory.memory,
    threads: engine.threads,
    arena: arena.address,
    control: control.address,
    once: plan.once.map(({ barrier }) => barrier),
    kernels: plan.kernels.map(({ barrier }) => barrier),
  };
}

function summarize(
  plan: Plan,
  times: readonly PieceTimes[],
  steps: number,
  known: Pick<Profile, 'arithmetic' | 'join' | 'threads' | 'peak'>,
): Profile {
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const rows = new Map<string, ProfileRow>();
  let multiplyAdds = 0;
  plan.kernels.forEach(({ node }, i) => {
    const kernel = labelOf(node);
    const row = rows.get(kernel) ?? { kernel, count: 0, ms: 0, multiplyAdds: 0, waitMs: 0 };
    row.count++;
    row.ms += Math.max(...times.map(({ kernels }) => kernels[i]!)) / steps;
    row.waitMs += mean(times.map(({ waits }) => waits[i]!)) / steps;
    row.multiplyAdds += multiplyAddsOf(node);
    multiplyAdds += multiplyAddsOf(node);
    rows.set(kernel, row);
  });
  const waited = times.map(({ waits }) => waits.reduce((sum, wait) => sum + wait, 0));
  return {
    node: process.versions.node,
    ...known,
    stepMs: times[0]!.total / steps,
    idle: mean(waited) / times[0]!.total,
    multiplyAdds,
    rows: [...rows.values()].sort((a, b) => b.ms - a.ms),
  };
}

/** Operation and shapes, without which node it is. */
function labelOf({ op, inputs, outputs }: Node): string {
  const shape = (value: { shape: Shape }) => value.shape.join('×') || '1';
  const most = 3;
  const given = inputs.slice(0, most).map(shape).join(', ');
  return `${op.name} ${given}${inputs.length > most ? ', …' : ''} → ${outputs.map(shape).join(', ')}`;
}
