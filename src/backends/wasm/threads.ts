/**
 * @file The threads of an engine: workers that share its memory. A run is sent to all; it has ended when all have
 * answered. A worker that dies or falls silent ends the run with a typed error, never with a hang.
 */
import { TsunoError } from '../../core/errors.ts';
import { isNode } from './features.ts';

export type ToWorker =
  | { kind: 'load'; program: number; module: WebAssembly.Module; memory: WebAssembly.Memory }
  | { kind: 'forget'; program: number }
  | {
      kind: 'run';
      program: number;
      thread: number;
      threads: number;
      arena: number;
      control: number;
      steps: number;
    };

export type FromWorker = { kind: 'ready' } | { kind: 'done'; error: string | undefined };

/** What both kinds of worker can do. */
interface Thread {
  send(message: ToWorker): void;
  /** Keeps the process alive while it works. */
  hold(busy: boolean): void;
  terminate(): void;
}

interface Listener {
  message(message: FromWorker): void;
  /** The worker is gone. */
  failure(reason: string): void;
}

/** Longest a worker may take to come up. */
const startLimit = 10_000;

export interface RunRequest {
  program: number;
  arena: number;
  control: number;
  steps: number;
}

export class Threads {
  private readonly workers: Thread[];
  private readonly listeners: Listener[];

  private constructor(workers: Thread[], listeners: Listener[]) {
    this.workers = workers;
    this.listeners = listeners;
  }

  /**
   * Starts `count` workers.
   *
   * @throws TsunoError `WORKER` where the script is missing or blocked.
   */
  static async start(count: number): Promise<Threads> {
    const listeners: Listener[] = [];
    const started = Array.from({ length: count }, (_, i) => {
      return new Promise<Thread>((resolve, reject) => {
        const refuse = (reason: string) => reject(workerError(`thread ${i} of ${count}`, reason));
        const timer = setTimeout(() => refuse(`no answer in ${startLimit / 1000} s`), startLimit);
        const listener: Listener = { message: () => undefined, failure: refuse };
        listeners[i] = listener;
        openWorker({
          message: (message) => listener.message(message),
          failure: (reason) => listener.failure(reason),
        }).then(
          (worker) => {
            listener.message = () => {
              clearTimeout(timer);
              worker.hold(false);
              resolve(worker);
            };
          },
          (error) => refuse(String(error)),
        );
      });
    });
    return new Threads(await Promise.all(started), listeners);
  }

  get count(): number {
    return this.workers.length;
  }

  load(program: number, module: WebAssembly.Module, memory: WebAssembly.Memory): void {
    for (const worker of this.workers) worker.send({ kind: 'load', program, module, memory });
  }

  forget(program: number): void {
    for (const worker of this.workers) worker.send({ kind: 'forget', program });
  }

  /** @throws TsunoError `WORKER` at the first thread that fails; `onFailure` is called before, to free the others. */
  async run(request: RunRequest, onFailure: () => void): Promise<void> {
    const threads = this.workers.length;
    const answers = this.workers.map(
      (worker, thread) =>
        new Promise<void>((resolve, reject) => {
          const listener = this.listeners[thread]!;
          const fail = (reason: string) => {
            onFailure();
            reject(workerError(`thread ${thread} of ${threads}`, reason));
          };
          listener.failure = fail;
          listener.message = (message) => {
            if (message.kind !== 'done') return;
            if (message.error === undefined) resolve();
            else fail(message.error);
          };
          worker.hold(true);
          worker.send({ kind: 'run', thread, threads, ...request });
        }),
    );
    try {
      await Promise.all(answers);
    } finally {
      for (const worker of this.workers) worker.hold(false);
    }
  }

  terminate(): void {
    for (const listener of this.listeners) listener.failure = () => undefined;
    for (const worker of this.workers) worker.terminate();
  }
}

function workerError(where: string, reason: string): TsunoError {
  return new TsunoError('WORKER', {
    where,
    what: 'a worker',
    expected: 'must finish its share',
    found: reason,
    repair: 'Weights are those of the last whole step; call fit again, or set threads to 1.',
  });
}

async function openWorker(listener: Listener): Promise<Thread> {
  if (isNode) {
    const { Worker: NodeWorker } = await import('node:worker_threads');
    const worker = new NodeWorker(new URL('./worker.js', import.meta.url));
    worker.on('message', (message: FromWorker) => listener.message(message));
    worker.on('error', (error: Error) => listener.failure(error.message));
    worker.on('exit', (code) => listener.failure(`exit with code ${code}`));
    return {
      send: (message) => worker.postMessage(message),
      hold: (busy) => (busy ? worker.ref() : worker.unref()),
      terminate: () => void worker.terminate(),
    };
  }
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => listener.message(data);
  worker.onerror = (event) => listener.failure(event.message || 'its script could not be loaded');
  return {
    send: (message) => worker.postMessage(message),
    hold: () => undefined,
    terminate: () => worker.terminate(),
  };
}
