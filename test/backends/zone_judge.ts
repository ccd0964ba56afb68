/** @file Judges a case kernel by kernel in memory full of poison, by the float64 reference. */
import assert from 'node:assert/strict';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import type { Arithmetic, Join } from '../../src/backends/wasm/kernel.ts';
import { viewOf } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { assertClose, buildCase, type Case, makeInputs } from './judge.ts';
import type { RandomCase } from './random_cases.ts';
import { poisons, runInZones, type ZoneOptions, type ZoneResult } from './red_zones.ts';

/**
 * Runs the case twice, with other poison, other threads and vectors joined or not, and judges it by float64.
 *
 * @param best the arithmetic of even seeds; the others are portable.
 * @returns the names of the kernels that ran.
 */
export function judgeInZones(
  one: Case & Partial<RandomCase>,
  seed: number,
  best: Arithmetic,
  edit?: ZoneOptions['edit'],
): ReadonlySet<string> {
  const graph = buildCase(one);
  const data = makeInputs(one.inputs, seed);
  const named = (values: readonly Float64Array[]) =>
    Object.fromEntries(values.map((value, i) => [`x${i}`, value]));
  const arithmetic = seed % 2 === 0 ? best : 'portable';
  const run = (threads: number, poison: number, join: Join) =>
    runInZones(graph, named(data), () => [], {
      threads,
      arithmetic,
      join,
      poison,
      ...(edit ? { edit } : {}),
    });
  const first = run(1, poisons.signallingNaN, 1);
  // Code with a bug is the same in both.
  const second = run(2 + (seed % 6), poisons.number, edit ? 1 : 2);
  assertSameBits(first, second);

  const expected = evaluate(graph, named(data), () => []).outputs;
  // Σ|a·b| is the same computation on absolute values.
  const sizes =
    one.terms !== undefined && !one.exact
      ? evaluate(graph, named(data.map((values) => values.map(Math.abs))), () => []).outputs
      : undefined;
  for (const [name, value] of graph.outputs) {
    const bytes = first.outputs.get(name)!;
    const found = viewOf(value.dtype, bytes.buffer, 0, sizeOf(value.shape));
    const reference = expected.get(name)!.data;
    const label = `result ${name}`;
    if (one.exact) assertClose(found, reference, { rtol: 0, atol: 0 }, label);
    else if (sizes && value.dtype === 'float32') {
      const own = sizes.get(name)!.data;
      const largest = own.reduce((top, size) => Math.max(top, size), 0);
      const scale = one.mixes ? own.map(() => largest) : own;
      assertWithin(found, reference, scale, one.terms!, label);
    } else assertClose(found, reference, one.tolerance, label);
  }
  return first.kernels;
}

function assertSameBits(a: ZoneResult, b: ZoneResult): void {
  for (const [name, bytes] of a.outputs) {
    const at = Buffer.compare(bytes, b.outputs.get(name)!);
    assert.equal(
      at,
      0,
      `result ${name} depends on memory, the number of threads, or joined vectors`,
    );
  }
}

/** |error| ≤ 8·√terms·2⁻²⁴·Σ|a·b|. */
function assertWithin(
  found: ArrayLike<number>,
  expected: Float64Array,
  sizes: Float64Array,
  terms: number,
  label: string,
): void {
  expected.forEach((value, i) => {
    const bound = 8 * Math.sqrt(terms) * 2 ** -24 * sizes[i]!;
    assert.ok(
      Math.abs(found[i]! - value) <= bound,
      `${label}: element ${i} is ${found[i]}, expected ${value} ± ${bound}`,
    );
  });
}
