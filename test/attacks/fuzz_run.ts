/**
 * @file One target of the fuzzing for a while: file after file is made from a seed, read, and held to what always holds:
 * only typed errors, soon, with little memory, and nothing changed that all objects share.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Target } from './fuzz_targets.ts';
import { Dice } from './mutations.ts';

const freeMemory = 64 * 2 ** 20; // bytes, and four times the file
const freeTime = 1000; // ms, and a second a MB: machines under tests are busy
const pristine = String(Reflect.ownKeys(Object.prototype).map(String));

/** What is wrong with how bytes were read, and whether they were accepted. */
export async function verdictOn(
  { read }: Target,
  bytes: Uint8Array,
): Promise<{ problem?: string; accepted: boolean }> {
  const { arrayBuffers: before } = process.memoryUsage();
  const began = performance.now();
  let error: unknown;
  try {
    await read(bytes);
  } catch (caught) {
    error = caught;
  }
  const took = performance.now() - began;
  const grown = process.memoryUsage().arrayBuffers - before;
  const accepted = error === undefined;
  if (!accepted && (error as Error).name !== 'TsunoError')
    return { accepted, problem: error instanceof Error ? `${error.stack}` : String(error) };
  if (took > freeTime + bytes.length / 1000) return { accepted, problem: `took ${took} ms` };
  if (grown > freeMemory + 4 * bytes.length) return { accepted, problem: `took ${grown} bytes` };
  if (String(Reflect.ownKeys(Object.prototype).map(String)) !== pristine)
    return { accepted, problem: 'changed Object.prototype' };
  return { accepted };
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
