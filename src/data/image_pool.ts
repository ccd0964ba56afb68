/**
 * @file A few threads that work on image files, started when first needed and shared by all who read images. Where a
 * thread cannot be had (a page whose workers find no packages) the caller's own does the work.
 */
import { TsunoError } from '../core/errors.ts';
import { inNode } from './files.ts';
import { errorOf, type Fault, perform, type Results, type Task } from './image_tasks.ts';

export interface ToImageWorker {
  id: number;
  task: Task;
}

export type FromImageWorker =
  | { kind: 'ready' }
  | { kind: 'unable'; reason: string }
  | { kind: 'done'; id: number; result: Results[Task['kind']] }
  | { kind: 'refused'; id: number; fault: Fault }
  | { kind: 'failed'; id: number; reason: string };

/** What both kinds of worker can do. */
interface Thread {
  send(message: ToImageWorker): void;
  /** Keeps the process alive while it works. */
  hold(busy: boolean): void;
  terminate(): void;
}

/** A task with those who wait for it. */
interface Job {
  task: Task;
  signal: AbortSignal | undefined;
  resolve(result: Results[Task['kind']]): void;
  reject(error: unknown): void;
}

/** Longest a thread may take to come up, in milliseconds. */
const startLimit = 10_000;
/** Longest it may be silent over one task. */
const workLimit = 120_000;
/** More do not help where the engine's threads work too. */
const mostThreads = 4;

class ImagePool {
  private threads: Promise<number> | undefined;
  private open = 0;
  private readonly idle: Member[] = [];
  private readonly queue: Job[] = [];

  /** Number of threads; 0 where the caller's own does the work. */
  count(): Promise<number> {
    this.threads ??= threadCount().then(async (count) => {
      const first = await Member.open(this).catch(() => undefined);
      if (!first) return 0;
      this.open = 1;
      this.idle.push(first);
      return count;
    });
    return this.threads;
  }

  async run<T extends Task>(task: T, signal?: AbortSignal): Promise<Results[T['kind']]> {
    const count = await this.count();
    signal?.throwIfAborted();
    if (count === 0) return perform(task);
    return new Promise((resolve, reject) => {
      this.queue.push({
        task,
        signal,
        resolve: (result) => resolve(result as Results[T['kind']]),
        reject,
      });
      if (this.idle.length === 0 && this.open < count) this.grow();
      this.next();
    });
  }

  /** One more thread, or in place of one that died. */
  private grow(): void {
    this.open++;
    Member.open(this).then(
      (member) => this.free(member),
      (error: unknown) => {
        this.open--;
        if (this.open === 0) for (const job of this.queue.splice(0)) job.reject(error);
      },
    );
  }

  free(member: Member): void {
    this.idle.push(member);
    this.next();
  }

  lost(member: Member): void {
    this.open--;
    const at = this.idle.indexOf(member);
    if (at !== -1) this.idle.splice(at, 1);
    if (this.queue.length > 0) this.grow();
  }

  private next(): void {
    while (this.queue.length > 0 && this.idle.length > 0) {
      const job = this.queue.shift()!;
      if (job.signal?.aborted) job.reject(job.signal.reason);
      else this.idle.pop()!.start(job);
    }
  }
}

/** One thread of the pool. */
class Member {
  private job: Job | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private serial = 0;
  private isLost = false;
  private readonly pool: ImagePool;
  private thread!: Thread;
  /** Until the thread is up. */
  private started: ((reason?: string) => void) | undefined;

  private constructor(pool: ImagePool) {
    this.pool = pool;
  }

  static async open(pool: ImagePool): Promise<Member> {
    const member = new Member(pool);
    const up = new Promise<void>((resolve, reject) => {
      member.started = (reason) => (reason === undefined ? resolve() : reject(silent(reason)));
    });
    up.catch(() => undefined);
    const timer = setTimeout(
      () => member.started?.(`no answer in ${startLimit / 1000} s`),
      startLimit,
    );
    try {
      member.thread = await openThread(
        (message) => member.message(message),
        (reason) => member.fail(reason),
      );
      await up;
    } catch (error) {
      member.isLost = true;
      member.thread?.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      member.started = undefined;
    }
    member.thread.hold(false);
    return member;
  }

  start(job: Job): void {
    this.job = job;
    this.thread.hold(true);
    this.timer = setTimeout(() => this.fail(`no answer in ${workLimit / 1000} s`), workLimit);
    this.thread.send({ id: ++this.serial, task: job.task });
  }

  private message(message: FromImageWorker): void {
    if (message.kind === 'ready' || message.kind === 'unable') {
      this.started?.(message.kind === 'unable' ? message.reason : undefined);
      return;
    }
    const job = this.end();
    if (!job || message.id !== this.serial) return;
    if (message.kind === 'done') job.resolve(message.result);
    else if (message.kind === 'refused') job.reject(errorOf(message.fault));
    else job.reject(silent(message.reason));
    this.pool.free(this);
  }

  private fail(reason: string): void {
    this.started?.(reason);
    if (this.started || this.isLost) return;
    this.isLost = true;
    this.end()?.reject(silent(reason));
    this.thread.terminate();
    this.pool.lost(this);
  }

  /** The job at hand, which is over. */
  private end(): Job | undefined {
    const { job } = this;
    this.job = undefined;
    clearTimeout(this.timer);
    this.thread.hold(false);
    return job;
  }
}

function silent(reason: string): TsunoError {
  return new TsunoError('WORKER', {
    where: 'images',
    what: 'a thread that decodes',
    expected: 'must finish its share',
    found: reason,
    repair: 'Read again: another thread takes its place.',
  });
}

async function openThread(
  message: (message: FromImageWorker) => void,
  failure: (reason: string) => void,
): Promise<Thread> {
  if (inNode()) {
    const { Worker: NodeWorker } = await import('node:worker_threads');
    const worker = new NodeWorker(new URL('./image_worker.js', import.meta.url));
    worker.on('message', message);
    worker.on('error', (error: unknown) =>
      failure(error instanceof Error ? error.message : String(error)),
    );
    worker.on('exit', (code) => failure(`exit with code ${code}`));
    return {
      send: (task) => worker.postMessage(task),
      hold: (busy) => (busy ? worker.ref() : worker.unref()),
      terminate: () => void worker.terminate(),
    };
  }
  const worker = new Worker(new URL('./image_worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<FromImageWorker>) => message(data);
  worker.onerror = (event) => failure(event.message || 'its script could not be loaded');
  return {
    send: (task) => worker.postMessage(task),
    hold: () => undefined,
    terminate: () => worker.terminate(),
  };
}

async function threadCount(): Promise<number> {
  const processors = inNode()
    ? (await import('node:os')).availableParallelism()
    : (globalThis.navigator?.hardwareConcurrency ?? 1);
  return Math.max(1, Math.min(mostThreads, processors));
}

/** The one pool of this program or page. */
export const imagePool = new ImagePool();
