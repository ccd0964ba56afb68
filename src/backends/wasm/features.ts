/**
 * @file What this platform can do: fused multiply-add (relaxed SIMD), shared memory, threads. Node 20 has relaxed SIMD
 * behind a flag of its engine, which is set here before the first module is compiled.
 */
import { TsunoError } from '../../core/errors.ts';
import { f32x4, i32, v128 } from './assembler/instructions.ts';
import { FunctionBuilder, ModuleBuilder } from './assembler/module.ts';
import type { Arithmetic } from './kernel.ts';

/** Whether this is Node (or a runtime that keeps its promises). */
export const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

function probe(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const fn = new FunctionBuilder('probe', []);
  // (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ if rounded once, 0 if twice.
  const x = f32x4.const(1 + 2 ** -12);
  const y = f32x4.const(-(1 + 2 ** -11));
  fn.push(
    v128.store(i32.const(0), relaxed ? f32x4.relaxed_madd(x, x, y) : f32x4.add(f32x4.mul(x, x), y)),
  );
  module.add(fn, 'probe');
  return module.encode({ initial: 1, maximum: 1, shared: false });
}

function compiles(bytes: Uint8Array<ArrayBuffer>): boolean {
  return WebAssembly.validate(bytes);
}

async function fusesOnce(): Promise<boolean> {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { instance } = await WebAssembly.instantiate(probe(true), { env: { memory } });
  (instance.exports.probe as () => void)();
  return new Float32Array(memory.buffer)[0] !== 0;
}

/** Turns on what Node's engine has but hides. */
async function unlockRelaxedSimd(): Promise<void> {
  if (!isNode || compiles(probe(true))) return;
  const v8 = await import('node:v8');
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
}

let known: Promise<Arithmetic> | undefined;

/**
 * The best arithmetic here: `fused` where relaxed multiply-add really rounds once, else `portable`.
 *
 * @throws TsunoError `UNSUPPORTED` without WebAssembly SIMD, `COMPILE` where a content security policy forbids WebAssembly.
 */
export function bestArithmetic(): Promise<Arithmetic> {
  // A refusal is not kept: the platform may allow it the next time.
  known ??= detect().catch((error) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function detect(): Promise<Arithmetic> {
  if (typeof WebAssembly === 'undefined' || !compiles(probe(false))) {
    throw new TsunoError('UNSUPPORTED', {
      where: 'engine',
      what: 'the platform',
      expected:
        'must run WebAssembly with SIMD (Node 20, Chrome 91, Firefox 89, Safari 16.4 or newer)',
      found: 'none',
    });
  }
  await unlockRelaxedSimd();
  if (!compiles(probe(true))) return 'portable';
  try {
    return (await fusesOnce()) ? 'fused' : 'portable';
  } catch (cause) {
    throw compileRefused(cause);
  }
}

/** A content security policy, most likely. */
export function compileRefused(cause: unknown): TsunoError {
  return new TsunoError('COMPILE', {
    where: 'engine',
    what: 'WebAssembly compilation',
    expected: 'allowed',
    found: String(cause instanceof Error ? cause.message : cause),
    repair: "Add 'wasm-unsafe-eval' to script-src of the page's Content-Security-Policy.",
    cause,
  });
}

/** Whether memory can be shared with workers here: pages need to be cross-origin isolated. */
export function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer === 'undefined') return false;
  return isNode || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
}

/** Processors that may run threads. */
export async function processors(): Promise<number> {
  if (isNode) return (await import('node:os')).availableParallelism();
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}
