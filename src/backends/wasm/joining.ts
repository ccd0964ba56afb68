/**
 * @file V8 can join pairs of 128-bit vector operations into 256-bit ones (its "revectorizer"), which doubles the arithmetic
 * a core does. It is behind a flag, so here it is used with care:
 *
 * - the flag is set for the moment in which a module of ours is compiled, never for modules of others
 * - a module of all kinds of kernels is first run joined and not joined, and must give the same bytes
 * - a loop of multiply-adds must really be faster, else kernels keep the tiles that suit 128 bits
 *
 * The second takes a tenth of a second, which a start need not wait for where the tests have done far more: with the
 * releases of V8 in {@link checkedVersions}.
 */
import { type Instruction, i32, v128 } from './assembler/instructions.ts';
import { FunctionBuilder, forRange, ModuleBuilder } from './assembler/module.ts';
import { isNode } from './features.ts';
import { type Arithmetic, type Join, KernelBuilder } from './kernel.ts';
import { selfCheck } from './self_check.ts';

/** First version of V8 whose revectorizer joins what kernels do: that of Node 24. */
const firstVersion = 13;
/** Releases of V8, by their first two numbers, for which the tests compare joined and plain code kernel by kernel. */
const checkedVersions: readonly string[] = ['13.6'];
const joinFlag = '--experimental-wasm-revectorize';
/**
 * Optimized code at once, in place of quick code that is replaced when it has run for long. Nothing is inlined, since the
 * quick code would have had to count calls first: V8 14 ends the process where it looks for counts that are not there.
 */
const eagerFlags = ['--no-liftoff', '--no-wasm-lazy-compilation', '--no-wasm-inlining'];
/** How much faster joined multiply-adds must be, the best of so many turns (of about 20 µs) with each. */
const leastGain = 1.4;
const [leastTurns, mostTurns] = [8, 64];

/** `--flag` → `--no-flag` and back. */
const opposite = (flag: string) =>
  flag.startsWith('--no-') ? `--${flag.slice(5)}` : `--no-${flag.slice(2)}`;

/** Compiles so that V8 joins pairs of vectors (2, in Node: optimized code at once), or as always. */
export async function compileFor(
  bytes: Uint8Array<ArrayBuffer>,
  join: Join,
): Promise<WebAssembly.Module> {
  return join === 1
    ? outlasting(WebAssembly.compile(bytes))
    : compileWith([...eagerFlags, joinFlag], bytes);
}

/** Node 26 ends a process that waits for nothing but code that is compiled in the background; a timer makes it stay. */
async function outlasting<Result>(work: Promise<Result>): Promise<Result> {
  const timer = setInterval(() => undefined, 60_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

async function compileWith(
  wanted: readonly string[],
  bytes: Uint8Array<ArrayBuffer>,
): Promise<WebAssembly.Module> {
  const { setFlagsFromString } = await import('node:v8');
  const given = new Set(process.execArgv);
  const flags = wanted.filter((flag) => !given.has(flag));
  for (const flag of flags) setFlagsFromString(flag);
  try {
    // Not the asynchronous call: no other module must be compiled while the flags are set.
    return new WebAssembly.Module(bytes);
  } finally {
    for (const flag of flags) setFlagsFromString(opposite(flag));
  }
}

let known: Promise<Join> | undefined;

/** 2 where joining pairs of vectors is there, faster, and gives the same bits. */
export function bestJoin(): Promise<Join> {
  known ??= detect();
  return known;
}

async function detect(): Promise<Join> {
  if (!isNode || process.arch !== 'x64') return 1;
  if (Number.parseInt(process.versions.v8, 10) < firstVersion) return 1;
  try {
    if (!(await isFaster())) return 1;
    const release = process.versions.v8.split('.', 2).join('.');
    return checkedVersions.includes(release) || (await selfCheck(compileFor)) ? 2 : 1;
  } catch {
    // What is refused here is refused, and explained, where it is needed.
    return 1;
  }
}

/** Whether joined multiply-adds are faster. The two take turns, so that a busy machine slows both. */
async function isFaster(): Promise<boolean> {
  const loops = [await loopFor(eagerFlags), await loopFor([...eagerFlags, joinFlag])];
  const best = loops.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 1; turn <= mostTurns; turn++) {
    loops.forEach((run, i) => {
      const began = performance.now();
      run(2000);
      best[i] = Math.min(best[i]!, performance.now() - began);
    });
    if (turn >= leastTurns && best[0]! / best[1]! >= leastGain) return true;
  }
  return false;
}

/** `run(rounds)`: that many multiply-adds on each of twelve neighbouring sums, compiled with `flags`. */
async function loopFor(flags: readonly string[]): Promise<(rounds: number) => void> {
  // Equal bytes would be taken for the same module.
  const pages = { initial: 1, maximum: flags.length, shared: false };
  const memory = new WebAssembly.Memory(pages);
  const module = await compileWith(flags, multiplyAdds('fused').encode(pages));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports.rounds as (rounds: number) => void;
}

function multiplyAdds(arithmetic: Arithmetic): ModuleBuilder {
  const fn = new KernelBuilder('rounds', 0, 0, arithmetic);
  const module = new ModuleBuilder();
  const loop = new FunctionBuilder('rounds', ['i32']);
  const i = loop.local('i32');
  const sums = loop.localsOf('v128', 12);
  const factor = loop.local('v128');
  const round: Instruction[] = sums.map((sum) =>
    sum.set(fn.madd(factor.get(), factor.get(), sum.get())),
  );
  loop.push(
    ...sums.map((sum, n) => sum.set(v128.load(i32.const(0), n * 16))),
    ...forRange(i, i32.const(0), () => loop.params[0]!.get(), 1, round),
    ...sums.map((sum, n) => v128.store(i32.const(0), sum.get(), n * 16)),
  );
  module.add(loop, 'rounds');
  return module;
}
