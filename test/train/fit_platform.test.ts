/**
 * @file `fit` where the platform lacks something: SIMD, leave to compile, shared memory, memory at any moment. It is refused
 * with a typed error and changes nothing, or runs to the same bits; once the platform grants all, `fit` works.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ErrorCode, TsunoError } from '../../src/core/errors.ts';
import { Tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { during } from '../support/during.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const options = { batchSize: 8, epochs: 2, seed: 5, verbose: 0 } as const;
const data = stripes(100);

async function refused(call: () => Promise<unknown>, code: ErrorCode, says: RegExp): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof TsunoError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, says);
    return true;
  });
}

/** The bits of a model that nothing disturbs. */
async function undisturbed(): Promise<string[]> {
  const model = smallModel();
  await model.fit(data, options);
  const bits = bitsOf(model);
  model.close();
  return bits;
}

// Must come first: what the platform can do is found out once.
test('without SIMD: which Node and browsers have it', async () => {
  const model = smallModel();
  await during(
    WebAssembly,
    'validate',
    () => false,
    () => refused(() => model.fit(data, options), 'UNSUPPORTED', /WebAssembly with SIMD \(Node 20/),
  );
  await model.fit(data, options);
  assert.deepEqual(bitsOf(model), await undisturbed());
  model.close();
});

test('without shared memory: one thread, one hint, the same bits', async () => {
  const hints: string[] = [];
  const model = smallModel({ threads: 4, warn: (text) => hints.push(text) });
  await during(globalThis, 'SharedArrayBuffer', undefined, () => model.fit(data, options));
  assert.equal((await model.engine()).threads, 1);
  assert.equal(hints.length, 1);
  assert.match(hints[0]!, /^one thread: .*COOP and COEP/);
  assert.deepEqual(bitsOf(model), await undisturbed());
  model.close();
});

test('where a policy forbids WebAssembly: the missing word, and nothing has changed', async () => {
  // As in a browser, the only place with policies.
  const model = smallModel({ revectorize: false });
  const policy = new WebAssembly.CompileError(
    "WebAssembly.compile(): violates the following Content Security policy directive: 'wasm-unsafe-eval'",
  );
  const before = bitsOf(model);
  await during(
    WebAssembly,
    'compile',
    () => Promise.reject(policy),
    () =>
      refused(() => model.fit(data, options), 'COMPILE', /Add 'wasm-unsafe-eval' to script-src/),
  );
  assert.deepEqual(bitsOf(model).slice(0, before.length), before);
  await model.fit(data, options);
  assert.deepEqual(bitsOf(model), await undisturbed());
  model.close();
});

describe('memory', () => {
  test('a dense layer of 100,000 × 100,000: what it needs and what is allowed, nothing allocated', async () => {
    const says = /weight "kernel" of shape \[100000, 100000\] must be at most 2\.0 GB, .* 40\.0 GB/;
    const before = process.memoryUsage().arrayBuffers;
    const functional = async () => {
      const inputs = Input({ shape: [100_000] });
      return new Model({ inputs, outputs: layers.dense(100_000)(inputs) });
    };
    await refused(functional, 'MEMORY', says);
    // A stack without an input layer is built by its first data.
    const stack = new Sequential([layers.dense(100_000)]);
    stack.compile({ loss: 'mse', optimizer: 'sgd', threads: 1 });
    const x = new Tensor('float32', [2, 100_000]);
    const given = x.data.byteLength * 2;
    await refused(() => stack.fit(x, x, { verbose: 0 }), 'MEMORY', says);
    assert.ok(process.memoryUsage().arrayBuffers - before < given + 4e6);
    stack.close();
  });

  test('that is refused at any growth: a typed error, the state of before, a fit that works after', async () => {
    const expected = await undisturbed();
    const { grow } = WebAssembly.Memory.prototype;
    // Enough that data, variables and the arena each need more pages.
    const wide = stripes(12_000);
    let refusals = 0;
    for (let allowed = 0; ; allowed++) {
      const model = smallModel({ threads: 2 });
      const before = bitsOf(model);
      let grown = 0;
      function limited(this: WebAssembly.Memory, pages: number): number {
        if (grown++ >= allowed) throw new RangeError('WebAssembly.Memory.grow(): Unable to grow');
        return grow.call(this, pages);
      }
      const isRefused = await during(WebAssembly.Memory.prototype, 'grow', limited, () =>
        model.fit(wide, { ...options, batchSize: 5000, epochs: 1 }).then(
          () => false,
          (error: unknown) => {
            assert.ok(error instanceof TsunoError, String(error));
            assert.equal(error.code, 'MEMORY');
            assert.match(error.message, /must grow to \d+ MB, received a refusal by the platform/);
            return true;
          },
        ),
      );
      if (!isRefused) {
        model.close();
        break;
      }
      refusals++;
      assert.deepEqual(bitsOf(model).slice(0, before.length), before, `growth ${allowed + 1}`);
      await model.fit(data, options);
      assert.deepEqual(bitsOf(model), expected, `after a refusal at growth ${allowed + 1}`);
      model.close();
    }
    assert.ok(refusals >= 3, `${refusals} refusals`);
  });

  test('that many fits of many sizes took is used again', async () => {
    const model = smallModel({ threads: 2 });
    const sizes: number[] = [];
    const { grow } = WebAssembly.Memory.prototype;
    let pagesTaken = 0;
    function counted(this: WebAssembly.Memory, pages: number): number {
      pagesTaken += pages;
      return grow.call(this, pages);
    }
    await during(WebAssembly.Memory.prototype, 'grow', counted, async () => {
      for (let round = 0; round < 12; round++) {
        await model.fit(stripes(9000), { ...options, batchSize: 2000, epochs: 1 });
        await model.predict(stripes(9000).images, { batchSize: 4000, verbose: 0 });
        sizes.push(pagesTaken);
      }
    });
    assert.ok(pagesTaken > 0);
    assert.equal(sizes.at(-1), sizes[1], `pages after each round: ${sizes}`);
    model.close();
  });
});
