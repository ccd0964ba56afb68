/**
 * @file The most that one core does here: multiply-adds on four lanes that touch registers only, in as many independent sums
 * as hide how long one takes; with pairs of vectors joined where kernels are.
 */
import { f32x4, type Instruction, i32, v128 } from '../src/backends/wasm/assembler/instructions.ts';
import { FunctionBuilder, forRange, ModuleBuilder } from '../src/backends/wasm/assembler/module.ts';
import { compileFor } from '../src/backends/wasm/joining.ts';
import type { Arithmetic, Join } from '../src/backends/wasm/kernel.ts';

const sums = 12;
/** Rounds of multiply-adds between two looks at the counter. */
const unrolled = 8;

/** Multiply-adds a second, in 10⁹, of the best of several runs of `milliseconds`. */
export async function measurePeak(
  arithmetic: Arithmetic,
  join: Join,
  milliseconds = 40,
): Promise<number> {
  const module = new ModuleBuilder();
  const fn = new FunctionBuilder('peak', ['i32']);
  const i = fn.local('i32');
  const acc = fn.localsOf('v128', sums * join);
  const factor = fn.local('v128');
  const madd = (a: Instruction, b: Instruction, c: Instruction) =>
    arithmetic === 'fused' ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
  const round = acc.map((sum) => sum.set(madd(factor.get(), factor.get(), sum.get())));
  fn.push(
    factor.set(f32x4.const(0.5)),
    ...forRange(
      i,
      i32.const(0),
      () => fn.params[0]!.get(),
      1,
      Array.from({ length: unrolled }, () => round).flat(),
    ),
    ...acc.map((sum, n) => v128.store(i32.const(0), sum.get(), n * 16)),
  );
  module.add(fn, 'peak');
  const pages = { initial: 1, maximum: 1, shared: false };
  const memory = new WebAssembly.Memory(pages);
  const { exports } = await WebAssembly.instantiate(await compileFor(module.encode(pages), join), {
    env: { memory },
  });
  const run = exports.peak as (rounds: number) => void;
  const time = (rounds: number) => {
    const began = performance.now();
    run(rounds);
    return performance.now() - began;
  };
  let rounds = 10_000;
  while (time(rounds) < milliseconds) rounds *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 7; n++) best = Math.min(best, time(rounds));
  return (rounds * unrolled * sums * join * 4) / best / 1e6;
}
