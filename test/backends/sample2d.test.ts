/** @file Images read at places between pixels: the kernels against float64, and the adjoint identity ⟨Sx, g⟩ = ⟨x, Sᵀg⟩. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { buildCase, engineOf, judge, makeInputs, stopEngines } from './judge.ts';
import { sampleCases } from './sample_cases.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);

describe('images read between pixels', () => {
  for (const options of [{ threads: 1 }, { threads: 3, arithmetic: 'portable' as const }]) {
    for (const one of sampleCases) {
      test(`${one.name}, ${options.threads} threads`, async () =>
        judge(await engineOf(options), one));
    }
  }

  for (const one of sampleCases) {
    test(`${one.name}: the gradient is the adjoint`, () => {
      const data = makeInputs(one.inputs, 3);
      const given = Object.fromEntries(data.map((values, i) => [`x${i}`, values]));
      const { outputs } = evaluate(buildCase(one), given, () => []);
      const zeros = { ...given, x0: new Float64Array(data[0]!.length) };
      const filled = evaluate(buildCase(one), zeros, () => []).outputs.get('0')!.data;
      // Without the fill value, which does not depend on the image.
      const sampled = outputs.get('0')!.data.map((value, i) => value - filled[i]!);
      const [left, right] = [dot(sampled, data[3]!), dot(data[0]!, outputs.get('1')!.data)];
      assert.ok(Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(left)), `${left} ${right}`);
    });
  }
});

after(stopEngines);
