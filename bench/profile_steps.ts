/**
 * @file Steps on one of the threads, part by part with a clock in between: what the emitted `run` does when nobody looks.
 */

type Part = (thread: number, threads: number, arena: number, control: number) => void;

/** What all threads of a profile are given. */
export interface StepPieces {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  threads: number;
  arena: number;
  control: number;
  /** Whether threads meet before each kernel; those run once come first. */
  once: readonly boolean[];
  kernels: readonly boolean[];
}

/** Milliseconds of one thread, summed over the steps. */
export interface PieceTimes {
  kernels: Float64Array;
  /** Waiting before each kernel, and last, around the end of a step. */
  waits: Float64Array;
  total: number;
}

/** Makes a function that takes `steps` steps on this thread; all threads must call it alike. */
export function pieceRunner(
  { module, memory, threads, arena, control, once, kernels }: StepPieces,
  thread: number,
): (steps: number) => PieceTimes {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const call = (name: string) => {
    const part = exports[name] as Part;
    return () => part(thread, threads, arena, control);
  };
  const [meet, finish] = [call('meet'), call('finish')];
  const onceParts = once.map((barrier, i) => ({ barrier, run: call(`kernel${i}`) }));
  const parts = kernels.map((barrier, i) => ({ barrier, run: call(`kernel${once.length + i}`) }));
  return (steps) => {
    const times = new Float64Array(parts.length);
    const waits = new Float64Array(parts.length + 1);
    for (const { barrier, run } of onceParts) {
      if (barrier) meet();
      run();
    }
    meet();
    const began = performance.now();
    let now = began;
    for (let step = 0; step < steps; step++) {
      parts.forEach(({ barrier, run }, i) => {
        if (barrier) {
          meet();
          const met = performance.now();
          waits[i]! += met - now;
          now = met;
        }
        run();
        const done = performance.now();
        times[i]! += done - now;
        now = done;
      });
      meet();
      finish();
      meet();
      const met = performance.now();
      waits[parts.length]! += met - now;
      now = met;
    }
    return { kernels: times, waits, total: now - began };
  };
}
