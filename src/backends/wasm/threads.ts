/**
 * @file The threads of an engine: workers that share its memory. A run is sent to all; it has ended when all have
 * answered. A worker that dies or falls silent ends the run with a typed error, never with a hang; these threads are then
 * stopped for good, and the engine starts others.
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
      memoryBytes: number;
    };

export type FromWorker = { kind: 'ready' } | { kind: 'done'; error: string | undefined };

/** What both kinds of worker can do. */
interface Thread {
  send(message: ToWorker): void;
  /** Keeps the process alive while it works. */
  hold(busy: boolean): void;
  /** Resolves when the thread runs no more. */
  terminate(): Promise<void>;
}

interface Listener {
  message(message: FromWorker): void;
  /** The worker is gone. */
  failure(reason: string): void;
}

/** Longest a worker may take to come up, in milliseconds. */
const startLimit = 10_000;
/** How long the others may take to leave a run that has failed, before they are stopped. */
const grace = 500;

export interface RunRequest {
  program: number;
  arena: number;
  control: number;
  steps: number;
  /** How large the memory is now. */
  memoryBytes: number;
}

/** A run in progress. */
interface Current {
  answered(thread: number, error?: string): void;
  fail(error: TsunoError): void;
}

export class Threads {
  private workers: Thread[] = [];
  private readonly dead = new Set<number>();
  private current: Current | undefined;
  readonly count: number;

  private constructor(count: number) {
    this.count = count;
  }

  /**
   * Starts `count` workers.
   *
   * @throws TsunoError `WORKER` where the script is missing or blocked.
   */
  static async start(count: number): Promise<Threads> {
    const threads = new Threads(count);
    const starts = await Promise.allSettled(
      Array.from({ length: count }, (_, thread) => threads.open(thread)),
    );
    threads.workers = starts.flatMap((start) =>
      start.status === 'fulfilled' ? [start.value] : [],
    );
    const refused = starts.find((start) => start.status === 'rejected');
    if (refused) {
      await threads.terminate();
      throw refused.reason;
    }
    return threads;
  }

  /** Opens one worker; resolves when it is ready. */
  private async open(thread: number): Promise<Thread> {
    const ready: Partial<Listener> = {};
    const listener: Listener = {
      message: (message) => {
        if (message.kind === 'ready') ready.message?.(message);
        else this.current?.answered(thread, message.error);
      },
      failure: (reason) => {
        this.dead.add(thread);
        ready.failure?.(reason);
        this.current?.answered(thread, reason);
      },
    };
    const up = new Promise<void>((resolve, reject) => {
      ready.message = () => resolve();
      ready.failure = (reason) => reject(this.error(thread, reason));
    });
    const timer = setTimeout(
      () => ready.failure!(`no answer in ${startLimit / 1000} s`),
      startLimit,
    );
    let worker: Thread | undefined;
    try {
      worker = await openWorker(listener).catch((error) => {
        throw this.error(thread, String(error instanceof Error ? error.message : error));
      });
      await up;
      worker.hold(false);
      return worker;
    } catch (error) {
      up.catch(() => undefined);
      await worker?.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether all threads live. */
  get alive(): boolean {
    return this.dead.size === 0;
  }

  load(program: number, module: WebAssembly.Module, memory: WebAssembly.Memory): void {
    for (const worker of this.workers) worker.send({ kind: 'load', program, module, memory });
  }

  forget(program: number): void {
    for (const worker of this.workers) worker.send({ kind: 'forget', program });
  }

  /**
   * Runs a program on all threads. If one fails, `release` is called, to free the others from waiting; the promise is
   * rejected when none of them runs any more.
   *
   * @throws TsunoError `WORKER` at the first thread that fails, or what {@link fail} was given.
   */
  run(request: RunRequest, release: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = new Set(this.workers.keys());
      let failure: TsunoError | undefined;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const end = () => {
        clearTimeout(timer);
        this.current = undefined;
        if (!failure) {
          for (const worker of this.workers) worker.hold(false);
          resolve();
          return;
        }
        void this.terminate().then(() => reject(failure));
      };
      const fail = (error: TsunoError) => {
        if (failure) return;
        failure = error;
        release();
        timer = setTimeout(end, grace);
      };
      const answered = (thread: number, error?: string) => {
        if (error !== undefined) fail(this.error(thread, error));
        if (waiting.delete(thread) && waiting.size === 0) end();
      };
      this.current = { answered, fail };
      this.workers.forEach((worker, thread) => {
        worker.hold(true);
        worker.send({ kind: 'run', thread, threads: this.count, ...request });
      });
      for (const thread of this.dead) answered(thread, 'an end before the run');
    });
  }

  /** Ends the run in progress with `error`. */
  fail(error: TsunoError): void {
    this.current?.fail(error);
  }

  /** Stops all threads for good; resolves when none runs any more. */
  async terminate(): Promise<void> {
    for (const thread of this.workers.keys()) this.dead.add(thread);
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private error(thread: number, reason: string): TsunoError {
    return new TsunoError('WORKER', {
      where: `thread ${thread} of ${this.count}`,
      what: 'a worker',
      expected: 'must finish its share',
      found: reason,
      repair: 'Run again, or set threads to 1.',
    });
  }
}

async function openWorker(listener: Listener): Promise<Thread> {
  if (isNode) {
    const { Worker: NodeWorker } = await import('node:worker_threads');
    // It makes no objects while it works: what V8 would set aside for young ones is memory for nothing.
    const resourceLimits = { maxYoungGenerationSizeMb: 2 };
    const worker = new NodeWorker(new URL('./worker.js', import.meta.url), { resourceLimits });
    worker.on('message', (message: FromWorker) => listener.message(message));
    worker.on('error', (error: unknown) =>
      listener.failure(error instanceof Error ? error.message : String(error)),
    );
    worker.on('exit', (code) => listener.failure(`exit with code ${code}`));
    return {
      send: (message) => worker.postMessage(message),
      hold: (busy) => (busy ? worker.ref() : worker.unref()),
      terminate: async () => void (await worker.terminate()),
    };
  }
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => listener.message(data);
  worker.onerror = (event) => listener.failure(event.message || 'its script could not be loaded');
  return {
    send: (message) => worker.postMessage(message),
    hold: () => undefined,
    terminate: async () => worker.terminate(),
  };
}
