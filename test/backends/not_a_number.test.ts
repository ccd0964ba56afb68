/**
 * @file NaN is never lost: where the float64 reference says NaN, so does the engine, in every family of random cases that
 * takes numbers in, with NaN at a random place. Kernels that mix neighbours may say it at more places.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { buildCase, engineOf, makeInputs, runOnEngine, stopEngines } from './judge.ts';
import { Draw, families } from './random_cases.ts';

const count = 40;
/** The results to look at, where not all: sparse gradients leave out what is multiplied by zero. */
const only: Readonly<Record<string, readonly string[]>> = { convPool: ['0'] };

after(stopEngines);

describe('NaN in one input element', () => {
  Object.entries(families).forEach(([name, family], number) => {
    test(name, async () => {
      const engine = await engineOf({ threads: 1 });
      let met = 0;
      for (let seed = 1; seed <= count; seed++) {
        const draw = new Draw(seed, number);
        const one = family(draw);
        const data = makeInputs(one.inputs, seed);
        const floats = data.filter((_, i) => (one.inputs[i]!.dtype ?? 'float32') === 'float32');
        const chosen = floats[seed % floats.length];
        if (!chosen?.length) continue;
        chosen[draw.int(0, chosen.length - 1)] = Number.NaN;
        const graph = buildCase(one);
        const given = Object.fromEntries(data.map((values, i) => [`x${i}`, values]));
        const expected = evaluate(graph, given, () => []).outputs;
        const found = await runOnEngine(engine, graph, given);
        for (const [result, value] of graph.outputs) {
          if (value.dtype !== 'float32' || only[name]?.includes(result) === false) continue;
          expected.get(result)!.data.forEach((reference, i) => {
            if (!Number.isNaN(reference)) return;
            met++;
            assert.ok(
              Number.isNaN(found.get(result)![i]),
              `seed ${seed}, ${one.name}: result ${result} has ${found.get(result)![i]} at ${i}`,
            );
          });
        }
      }
      assert.ok(met > 0, 'no result was NaN');
    });
  });
});
