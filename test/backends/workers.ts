/**
 * @file Node's worker threads under the test's hand: every worker that the engine starts is known, and other scripts can be put
 * in the place of its own.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Worker, WorkerOptions } from 'node:worker_threads';

const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
const Original = threads.Worker;

/** Workers in the order in which they were started. */
export const started: Worker[] = [];
let script: URL | undefined;
let data: unknown;
let limits: WorkerOptions = {};

class WatchedWorker extends Original {
  constructor(filename: string | URL, options: WorkerOptions = {}) {
    const workerData = { number: started.length, ...(data as object) };
    super(script ?? filename, { ...options, ...limits, workerData });
    started.push(this);
  }
}

/** From now on workers run `url` (default: the engine's script) and are given `workerData`, and `options`. */
export function useScript(url?: URL, workerData?: object, options: WorkerOptions = {}): void {
  script = url;
  data = workerData;
  limits = options;
  started.length = 0;
}

/** Puts the watched class in the place of Node's. */
export function watchWorkers(): void {
  threads.Worker = WatchedWorker;
  syncBuiltinESMExports();
}
