/**
 * @file A thread of the engine that fails on purpose: worker `culprit` does so once it has done `steps` steps, in one run or in
 * several, in the way that `fault` names, or between runs.
 */
import { workerData } from 'node:worker_threads';

export interface Fault {
  /** Which worker, counted from the first that was started. */
  culprit: number;
  fault: 'throw' | 'exit' | 'memory' | 'hang' | 'idle' | 'load';
  steps: number;
}

type Run = (thread: number, threads: number, arena: number, control: number, steps: number) => void;

const { number, culprit, fault, steps } = workerData as Fault & { number: number };
let left = steps;

function failingRun(run: Run): Run {
  return (thread, threads, arena, control, steps) => {
    run(thread, threads, arena, control, Math.min(steps, left));
    left -= steps;
    if (fault === 'idle') setTimeout(() => process.exit(4), 10);
    if (left >= 0) return;
    if (fault === 'throw') throw new Error('thrown on purpose');
    if (fault === 'exit') process.exit(3);
    if (fault === 'memory')
      for (const hoard: number[][] = []; ; ) hoard.push(new Array(1000).fill(1));
    for (;;);
  };
}

if (number === culprit) {
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct(Instance, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]) {
      if (fault === 'load') throw new RangeError('no instance on purpose');
      const { exports } = new Instance(module, imports);
      return { exports: { run: failingRun(exports.run as Run) } };
    },
  });
}

await import('../../src/backends/wasm/worker.js');
