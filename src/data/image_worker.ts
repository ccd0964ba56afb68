/**
 * @file A thread that works on image files: tasks come in, results go out. The same file serves Node's worker threads
 * and the browser's workers.
 */
import { inNode } from './files.ts';
import type { FromImageWorker, ToImageWorker } from './image_pool.ts';
import { faultOf, perform, type Results, type Task } from './image_tasks.ts';

async function handle(
  { id, task }: ToImageWorker,
  reply: (message: FromImageWorker, moved: ArrayBuffer[]) => void,
): Promise<void> {
  try {
    const result = await perform(task);
    reply({ kind: 'done', id, result }, buffersOf(result));
  } catch (error) {
    try {
      reply({ kind: 'refused', id, fault: faultOf(error) }, []);
    } catch {
      reply({ kind: 'failed', id, reason: String(error) }, []);
    }
  }
}

/** What need not be copied. */
function buffersOf(result: Results[Task['kind']]): ArrayBuffer[] {
  if (ArrayBuffer.isView(result)) return [result.buffer];
  return Array.isArray(result) ? [] : [result.data.buffer];
}

/** Listens to the pool. No await at the top: bundlers make classic scripts of workers. */
async function listen(): Promise<void> {
  if (inNode()) {
    const { parentPort } = await import('node:worker_threads');
    parentPort?.on('message', (message: ToImageWorker) =>
      handle(message, (answer, moved) => parentPort.postMessage(answer, moved)),
    );
    parentPort?.postMessage({ kind: 'ready' } satisfies FromImageWorker);
    return;
  }
  const scope = globalThis as unknown as {
    onmessage: (event: { data: ToImageWorker }) => void;
    postMessage(message: FromImageWorker, moved?: ArrayBuffer[]): void;
  };
  scope.onmessage = ({ data }) => handle(data, (answer, moved) => scope.postMessage(answer, moved));
  try {
    // Import maps of a page do not reach its workers: without a bundler, packages are not found here.
    await import('fflate');
    scope.postMessage({ kind: 'ready' });
  } catch (error) {
    scope.postMessage({ kind: 'unable', reason: String(error) });
  }
}

void listen();
