/**
 * @file One target of the fuzzing for a while: file after file is made from a seed, read, and held to what always holds:
 * only typed errors, soon, with little memory, and nothing changed that all objects share.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { costOf } from '../support/cost.ts';
import type { Target } from './fuzz_targets.ts';
import { Dice } from './mutations.ts';

const freeMemory = 64 * 2 ** 20; // bytes, and four times the file
const freeTime = 1000; // ms of the processor, and a second a MB
const ownKeys = () => Reflect.ownKeys(Object.prototype);
const pristine = ownKeys();

/** Bytes of buffers; `process.memoryUsage()` has them too, but takes ten times as long as most files. */
const bytesOfBuffers = () => getHeapStatistics().external_memory;

/** What is wrong with how bytes were read, and whether they were accepted. */
export async function verdictOn(
  target: Target,
  bytes: Uint8Array,
): Promise<{ problem?: string; accepted: boolean }> {
  const before = bytesOfBuffers();
  const began = performance.now();
  const error = await errorOf(target, bytes);
  const isSlow = performance.now() - began > freeTime + bytes.length / 1000;
  const grown = bytesOfBuffers() - before;
  const accepted = error === undefined;
  if (!accepted && (error as Error).name !== 'TsunoError')
    return { accepted, problem: error instanceof Error ? `${error.stack}` : String(error) };
  if (isSlow) {
    // The machine may have been busy with something else: once more, by the time of the processor.
    const { cpu } = await costOf(() => errorOf(target, bytes));
    if (cpu > freeTime + bytes.length / 1000) return { accepted, problem: `took ${cpu} ms` };
  }
  if (grown > freeMemory + 4 * bytes.length) return { accepted, problem: `took ${grown} bytes` };
  const keys = ownKeys();
  if (keys.length !== pristine.length || keys.some((key, i) => key !== pristine[i]))
    return { accepted, problem: 'changed Object.prototype' };
  return { accepted };
}

async function errorOf({ read }: Target, bytes: Uint8Array): Promise<unknown> {
  try {
    await read(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

export interface FuzzResult {
  /** Files that were read or refused. */
  runs: number;
  /** Those that were read. */
  accepted: number;
}

/**
 * Attacks one target.
 *
 * @param seed of the first file; the next has the next.
 * @throws Error naming the seed of a finding; its file is written to `runs/fuzz`.
 */
export async function fuzz(
  name: string,
  target: Target,
  seconds: number,
  seed = 1,
): Promise<FuzzResult> {
  const end = performance.now() + seconds * 1000;
  let [runs, accepted] = [0, 0];
  for (; performance.now() < end; runs++) {
    const bytes = target.make(new Dice(seed + runs));
    const verdict = await verdictOn(target, bytes);
    if (verdict.accepted) accepted++;
    if (verdict.problem === undefined) continue;
    mkdirSync('runs/fuzz', { recursive: true });
    writeFileSync(`runs/fuzz/${name}_${seed + runs}`, bytes);
    throw new Error(`${name}, seed ${seed + runs}: ${verdict.problem}`);
  }
  return { runs, accepted };
}
