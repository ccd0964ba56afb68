/**
 * @file Files changed at random, with knowledge of their format: whatever comes out, readers either read it or refuse it
 * with a typed error, soon, with little memory, and without touching anything else. About 3 seconds a reader here; for
 * longer there is `npm run fuzz`. What was found once lies in test/attacks/seeds as TARGET__WHAT, and is read each time.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fuzz, verdictOn } from './fuzz_run.ts';
import { targets } from './fuzz_targets.ts';

const seconds = Number(process.env.TSUNO_FUZZ_SECONDS ?? 3);
const seeds = fileURLToPath(new URL('../../../test/attacks/seeds/', import.meta.url));

describe('fuzzing', () => {
  for (const [name, open] of Object.entries(targets)) {
    test(name, async (t) => {
      const { runs, accepted } = await fuzz(name, await open(), seconds);
      t.diagnostic(`${name}: ${runs} files, ${accepted} of them read`);
      assert.ok(runs > 0);
    });
  }
});

describe('what was found once', () => {
  for (const file of readdirSync(seeds).filter((name) => name.includes('__'))) {
    test(file, async () => {
      const open = targets[file.split('__')[0]!];
      assert.ok(open, 'named by its target');
      const { problem } = await verdictOn(await open(), new Uint8Array(readFileSync(seeds + file)));
      assert.equal(problem, undefined);
    });
  }
});
