/** @file The same seed gives the same bits for any number of threads, under load, and in whatever portions steps are run. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { EngineOptions } from '../../src/backends/wasm/engine.ts';
import { bestArithmetic } from '../../src/backends/wasm/features.ts';
import { Session } from '../../src/runtime/session.ts';
import { assertGolden } from '../support/golden.ts';
import { SmallTraining } from './small_training.ts';

const steps = 24;

async function train(
  options: EngineOptions,
  portions: readonly number[] = [steps],
): Promise<string> {
  const training = new SmallTraining();
  const session = await Session.open(options);
  assert.equal(session.engine.threads, options.threads);
  const { run } = await training.prepare(session);
  for (const portion of portions) assert.equal(await run(portion), portion);
  session.close();
  assert.ok(
    training.loss.data[0]! > 0 && training.loss.data[0]! < 2.5 * steps,
    'it does not train',
  );
  return training.state();
}

for (const arithmetic of ['fused', 'portable'] as const) {
  describe(arithmetic, () => {
    let expected: Promise<string> | undefined;
    const onOne = () => {
      expected ??= train({ threads: 1, arithmetic });
      return expected;
    };
    for (const threads of [2, 3, 4, 7]) {
      test(`${threads} threads`, async () => {
        assert.equal(await train({ threads, arithmetic }), await onOne());
      });
    }
    test('step by step and in uneven portions', async () => {
      assert.equal(await train({ threads: 2, arithmetic }, [1, 1, 2, 7, 13]), await onOne());
    });
    test('five times with other programs on the processors', async () => {
      const spin = 'for (let x = 0; ; x++) Math.sqrt(x);';
      const load = [1, 2, 3].map(() => new Worker(spin, { eval: true }));
      try {
        for (let i = 0; i < 5; i++)
          assert.equal(await train({ threads: 3, arithmetic }), await onOne());
      } finally {
        for (const worker of load) await worker.terminate();
      }
    });
  });
}

test('the portable arithmetic has these bits on every machine', async () => {
  assertGolden('portable_training.txt', await train({ threads: 2, arithmetic: 'portable' }));
});

test('the two arithmetics differ where multiply-add is fused', async (t) => {
  if ((await bestArithmetic()) === 'portable') {
    t.skip('no fused multiply-add here');
    return;
  }
  const [fused, portable] = await Promise.all([
    train({ threads: 1, arithmetic: 'fused' }),
    train({ threads: 1, arithmetic: 'portable' }),
  ]);
  assert.notEqual(fused, portable);
});
