/**
 * @file A thread: instantiates the modules it is sent on the shared memory and runs them when told. The same file serves
 * Node's worker threads and the browser's workers.
 */
import { isNode } from './features.ts';
import type { FromWorker, ToWorker } from './threads.ts';

type Run = (thread: number, threads: number, arena: number, control: number, steps: number) => void;

interface Loaded {
  run: Run;
  memory: WebAssembly.Memory;
}

const programs = new Map<number, Loaded>();

function handle(message: ToWorker, reply: (message: FromWorker) => void): void {
  if (message.kind === 'forget') {
    programs.delete(message.program);
    return;
  }
  try {
    if (message.kind === 'load') {
      const { program, module, memory } = message;
      const instance = new WebAssembly.Instance(module, { env: { memory } });
      programs.set(program, { memory, run: instance.exports.run as Run });
      return;
    }
    const { program, thread, threads, arena, control, steps, memoryBytes } = message;
    const { run, memory } = programs.get(program)!;
    // V8 does not tell a thread of a growth that comes while it receives the memory; to grow by nothing looks again.
    if (memory.buffer.byteLength < memoryBytes) memory.grow(0);
    run(thread, threads, arena, control, steps);
    reply({ kind: 'done', error: undefined });
  } catch (error) {
    // A module that cannot be loaded tells why when it is to run.
    if (message.kind === 'load')
      programs.set(message.program, { memory: message.memory, run: () => fail(error) });
    else reply({ kind: 'done', error: String(error instanceof Error ? error.message : error) });
  }
}

function fail(error: unknown): never {
  throw error;
}

/** Listens to the engine. No await at the top: bundlers make classic scripts of workers. */
async function listen(): Promise<void> {
  if (isNode) {
    const { parentPort } = await import('node:worker_threads');
    parentPort?.on('message', (message: ToWorker) =>
      handle(message, (answer) => parentPort.postMessage(answer)),
    );
    parentPort?.postMessage({ kind: 'ready' } satisfies FromWorker);
    return;
  }
  const scope = globalThis as unknown as {
    onmessage: (event: { data: ToWorker }) => void;
    postMessage(message: FromWorker): void;
  };
  scope.onmessage = ({ data }) => handle(data, (answer) => scope.postMessage(answer));
  scope.postMessage({ kind: 'ready' });
}

void listen();
