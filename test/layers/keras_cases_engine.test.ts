/** @file Every layer case that Keras computed, through the WebAssembly engine on two threads. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { layerCases } from '../support/keras_cases.ts';
import { engineBackend } from './engine_backend.ts';
import { type CaseBackend, runCase } from './run_case.ts';

describe('layers on the engine give what Keras gives', () => {
  let engine: WasmEngine;
  let backend: CaseBackend;
  before(async () => {
    engine = await WasmEngine.start({ threads: 2 });
    backend = engineBackend(engine);
  });
  after(() => engine.dispose());

  test('on two threads', () => assert.equal(engine.threads, 2));

  for (const given of layerCases()) {
    test(`${given.name} ${given.className}`, () => runCase(given, backend));
  }
});
