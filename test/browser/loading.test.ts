/**
 * @file No module waits for something when it is loaded. Bundlers that make classic scripts of workers refuse an `await`
 * at the top of a module; so does `require`, which is how it is found here.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test('tsuno loads without waiting', () => {
  const tsuno = require(at('src/index.js')) as { Model: unknown };
  assert.equal(typeof tsuno.Model, 'function');
});

test('the script of its threads does too', () => {
  assert.doesNotThrow(() => require(at('src/backends/wasm/worker.js')));
});
