/**
 * @file No kernel writes outside its outputs, and no result depends on what lay in memory before or on the number of
 * threads: every case of the table and random ones, in memory full of poison.
 *
 * TSUNO_RANDOM_CASES sets how many random cases a family has (default 200), TSUNO_RANDOM_SEED where they begin.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { bestArithmetic } from '../../src/backends/wasm/features.ts';
import type { Arithmetic } from '../../src/backends/wasm/kernel.ts';
import { kernels } from '../../src/backends/wasm/kernels/index.ts';
import { viewOf } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { cases } from './cases.ts';
import { assertClose, buildCase, type Case, makeInputs } from './judge.ts';
import { Draw, families, type RandomCase } from './random_cases.ts';
import { poisons, runInZones, type ZoneResult } from './red_zones.ts';
import { sampleCases } from './sample_cases.ts';

const count = Number(process.env.TSUNO_RANDOM_CASES ?? 200);
const firstSeed = Number(process.env.TSUNO_RANDOM_SEED ?? 1);
const touched = new Set<string>();
let best: Arithmetic = 'portable';

before(async () => {
  best = await bestArithmetic();
});

/** Runs the case twice, with other poison and other threads, and judges it by float64. */
function judgeInZones(one: Case & Partial<RandomCase>, seed: number): void {
  const graph = buildCase(one);
  const data = makeInputs(one.inputs, seed);
  const named = (values: readonly Float64Array[]) =>
    Object.fromEntries(values.map((value, i) => [`x${i}`, value]));
  const arithmetic = seed % 2 === 0 ? best : 'portable';
  const run = (threads: number, poison: number) =>
    runInZones(graph, named(data), () => [], { threads, arithmetic, poison });
  const first = run(1, poisons.signallingNaN);
  const second = run(2 + (seed % 6), poisons.number);
  assertSameBits(first, second);
  for (const kernel of first.kernels) touched.add(kernel);

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
}

function assertSameBits(a: ZoneResult, b: ZoneResult): void {
  for (const [name, bytes] of a.outputs) {
    const at = Buffer.compare(bytes, b.outputs.get(name)!);
    assert.equal(at, 0, `result ${name} depends on memory or on the number of threads`);
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

test('the table of cases', () => {
  [...cases, ...sampleCases].forEach((one, i) => {
    try {
      judgeInZones(one, i);
    } catch (error) {
      assert.fail(`${one.name}: ${error instanceof Error ? error.message : error}`);
    }
  });
});

describe(`${count} random cases a family, from seed ${firstSeed}`, () => {
  Object.entries(families).forEach(([name, family], number) => {
    test(name, () => {
      for (let seed = firstSeed; seed < firstSeed + count; seed++) {
        const one = family(new Draw(seed, number));
        try {
          judgeInZones(one, seed);
        } catch (error) {
          assert.fail(
            `seed ${seed}, ${one.name}: ${error instanceof Error ? error.message : error}`,
          );
        }
      }
    });
  });
});

test('every kernel has been run', () => {
  const all = Object.entries(kernels).flatMap(([name, kernel]) =>
    typeof kernel === 'function' ? [name] : [],
  );
  assert.deepEqual([...touched].sort(), all.sort());
});
