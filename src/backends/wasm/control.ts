/**
 * @file The control block: a few shared words through which threads meet and the host watches and stops a run. Byte
 * offsets from the block's address.
 */
import { control, i32, i64, memory } from './assembler/instructions.ts';
import { FunctionBuilder, type Local } from './assembler/module.ts';

export const cells = {
  /** Threads that have arrived at the meeting point. */
  arrived: 0,
  /** How many meetings have been. */
  generation: 4,
  /** The host asks to stop after the step. */
  stopRequest: 8,
  /** Thread 0's answer to it, the same for all threads of a step. */
  stopDecided: 12,
  stepsDone: 16,
  /** A thread has died: the others must not wait for it. */
  abort: 20,
  /** The kernel that thread 0 is at, on a cache line that no thread watches. */
  kernel: 64,
} as const;

/** Bytes of the cells, before the inputs' addresses. */
const firstInput = 128;
/** The cells as 32-bit words. */
export const cellWords = firstInput / 4;

/** Where an input lies now, and by how many bytes it moves a step. */
export function inputCell(index: number): { pointer: number; stride: number } {
  return { pointer: firstInput + index * 8, stride: firstInput + index * 8 + 4 };
}

export function controlBytes(inputs: number): number {
  return firstInput + inputs * 8;
}

/**
 * How often a thread looks at the generation before it sleeps: about a quarter of a millisecond where each thread has a
 * processor, and 5 µs where threads take turns. To wake up costs 50 µs, by which the thread is late at the next meeting,
 * where the others would then sleep: with a short look, one pause makes all meetings after it slow.
 */
export function spinsFor(threads: number, processors: number): number {
  return threads <= processors ? 50_000 : 1000;
}

/** Nanoseconds asleep before looking whether a thread has died. */
const nap = 100_000_000;

/**
 * `barrier(threads, control)`: returns when all threads have called it. The last to arrive opens the next generation;
 * the others watch it a short while, then sleep. No wait is without bound: at an abort all threads trap.
 */
export function barrierFunction(spins: number): FunctionBuilder {
  const fn = new FunctionBuilder('barrier', ['i32', 'i32']);
  const [threads, block] = fn.params as [Local, Local];
  const generation = fn.local('i32');
  const spin = fn.local('i32');
  const changed = i32.ne(i32.atomic.load(block.get(), cells.generation), generation.get());
  fn.push(
    control.if(i32.eq(threads.get(), i32.const(1)), [control.return()]),
    generation.set(i32.atomic.load(block.get(), cells.generation)),
    control.if(
      i32.eq(
        i32.add(i32.atomic.add(block.get(), i32.const(1), cells.arrived), i32.const(1)),
        threads.get(),
      ),
      [
        i32.atomic.store(block.get(), i32.const(0), cells.arrived),
        control.drop(i32.atomic.add(block.get(), i32.const(1), cells.generation)),
        control.drop(memory.notify(block.get(), threads.get(), cells.generation)),
        control.return(),
      ],
    ),
    spin.set(i32.const(spins)),
    control.loop(
      control.if(changed, [control.return()]),
      spin.add(-1),
      control.br_if(0, spin.get()),
    ),
    control.loop(
      control.drop(memory.wait32(block.get(), generation.get(), i64.const(nap), cells.generation)),
      control.if(changed, [control.return()]),
      control.if(i32.atomic.load(block.get(), cells.abort), [control.unreachable()]),
      control.br(0),
    ),
  );
  return fn;
}
