/**
 * @file No kernel writes outside its outputs, and no result depends on what lay in memory before or on the number of
 * threads: every case of the table and random ones, in memory full of poison.
 *
 * TSUNO_RANDOM_CASES sets how many random cases a family has (default 200), TSUNO_RANDOM_SEED where they begin.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { bestArithmetic } from '../../src/backends/wasm/features.ts';
import type { Arithmetic } from '../../src/backends/wasm/kernel.ts';
import { kernels } from '../../src/backends/wasm/kernels/index.ts';
import { cases } from './cases.ts';
import type { Case } from './judge.ts';
import { Draw, families, type RandomCase } from './random_cases.ts';
import { sampleCases } from './sample_cases.ts';
import { judgeInZones } from './zone_judge.ts';

const count = Number(process.env.TSUNO_RANDOM_CASES ?? 200);
const firstSeed = Number(process.env.TSUNO_RANDOM_SEED ?? 1);
const touched = new Set<string>();
let best: Arithmetic = 'portable';

before(async () => {
  best = await bestArithmetic();
});

function judge(one: Case & Partial<RandomCase>, seed: number): void {
  for (const kernel of judgeInZones(one, seed, best)) touched.add(kernel);
}

test('the table of cases', () => {
  [...cases, ...sampleCases].forEach((one, i) => {
    try {
      judge(one, i);
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
          judge(one, seed);
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
