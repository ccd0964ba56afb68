/**
 * @file Runs stopped after each of their steps and resumed in another model, with another number of threads: the end must
 * be that of the run that nobody stopped.
 */
import { BackupAndRestore, type BackupStore, LambdaCallback } from '../../src/callbacks/index.ts';
import { type Factor, hashOf, modelOf, stepsOfRun, train, uninterrupted } from './specimen.ts';

/** Backups in memory. */
export function memoryStore(): BackupStore & { files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    where: 'memory',
    open: async () => undefined,
    names: async () => [...files.keys()],
    read: async (name) => files.get(name)!,
    write: async (name, bytes) => void files.set(name, bytes.slice()),
    remove: async (name) => void files.delete(name),
    close: async () => undefined,
  };
}

/** How a run is stopped: in a batch stage, in the engine's own stretch, or by what a callback throws. */
export type Way = 'batch' | 'stretch' | 'throw';

export interface Stop {
  factor: Factor;
  /** Steps that are done when it stops. */
  after: number;
  threads: number;
  /** Of the run that goes on. */
  threadsAfter: number;
  way: Way;
}

class Thrown extends Error {}

/** Stops and resumes. @returns the hash of the end. */
export async function stoppedAndResumed(stop: Stop): Promise<string> {
  const { factor, threads, threadsAfter } = stop;
  const store = memoryStore();
  const first = modelOf({ factor, threads });
  await train(first, { factor, threads }, ...stopping(stop, store)).catch((error: Error) => {
    if (!(error.cause instanceof Thrown)) throw error;
  });
  first.close();
  const second = modelOf({ factor, threads: threadsAfter });
  const again = { factor, threads: threadsAfter };
  const history = await train(second, again, [new BackupAndRestore(store)]);
  const hash = hashOf(second, history);
  second.close();
  return hash;
}

function stopping(
  { after, way }: Stop,
  store: BackupStore,
): [(LambdaCallback | BackupAndRestore)[], AbortSignal] {
  const { signal, abort } = aborting();
  let steps = 0;
  const end = () => {
    if (++steps !== after) return;
    if (way === 'throw') throw new Thrown('a callback of the test');
    abort();
  };
  if (way !== 'stretch')
    return [[new LambdaCallback({ onTrainBatchEnd: end }), new BackupAndRestore(store)], signal];
  const saves = {
    ...store,
    write: async (name: string, bytes: Uint8Array) => {
      await store.write(name, bytes);
      abort();
    },
  };
  return [[new BackupAndRestore(saves, { saveFreq: after })], signal];
}

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/**
 * Runs the matrix.
 *
 * @returns how many runs were resumed, and those that ended otherwise.
 */
export async function runMatrix(
  stops: readonly Stop[],
  report: (done: number) => void = () => undefined,
): Promise<{ runs: number; wrong: Stop[] }> {
  const expected = new Map<Factor, string>();
  const wrong: Stop[] = [];
  for (const [i, stop] of stops.entries()) {
    const { factor } = stop;
    if (!expected.has(factor)) expected.set(factor, await uninterrupted({ factor, threads: 1 }));
    if ((await stoppedAndResumed(stop)) !== expected.get(factor)) wrong.push(stop);
    report(i + 1);
  }
  return { runs: stops.length, wrong };
}

/** Each factor after each step, for each number of threads. */
export function fullMatrix(factors: readonly Factor[]): Stop[] {
  const counts = [1, 2, 4];
  const ways: readonly Way[] = ['batch', 'stretch', 'throw'];
  return factors.flatMap((factor) =>
    counts.flatMap((threads, i) =>
      Array.from({ length: stepsOfRun }, (_, step) => ({
        factor,
        after: step + 1,
        threads,
        threadsAfter: counts[(i + step) % 3]!,
        way: ways[step % 3]!,
      })),
    ),
  );
}
