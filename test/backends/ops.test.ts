/** @file Every operation on the engine against the float64 reference, on plain and on awkward shapes, for 1 and 3 threads. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cases } from './cases.ts';
import { engineOf, judge, stopEngines } from './judge.ts';

for (const options of [{ threads: 1 }, { threads: 3, arithmetic: 'portable' as const }]) {
  test(`operations on the engine, ${JSON.stringify(options)}`, async (t) => {
    const engine = await engineOf(options);
    assert.equal(engine.threads, options.threads);
    for (const one of cases) await t.test(one.name, () => judge(engine, one));
  });
}

after(stopEngines);
