/** @file fit 60: backups of runs whose data are streamed or come in batches. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BackupAndRestore, LambdaCallback } from '../../src/callbacks/index.ts';
import { Dataset } from '../../src/data/dataset.ts';
import type { Data } from '../../src/train/batches.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { memoryStore } from '../crash/matrix.ts';
import { bitsOf, smallModel } from '../support/small_models.ts';
import { data, refusal, stopped, usual } from './backup_runs.ts';

describe('fit 60: sets that are not in memory, and batches', () => {
  const { images, labels } = data;
  const source = {
    length: images.length,
    image: { dtype: images.dtype, shape: [6, 6, 1] },
    label: { dtype: labels.dtype, shape: [] },
    read: async (rows: Uint32Array) => ({ images: images.rows(rows), labels: labels.rows(rows) }),
  };
  const batches = function* (): Generator<{ images: typeof images; labels: typeof labels }> {
    for (let at = 0; at < images.length; at += 8)
      yield { images: images.slice(at, at + 8), labels: labels.slice(at, at + 8) };
  };
  const kinds: [string, () => Data, FitOptions][] = [
    ['a streamed set', () => Dataset.fromSource(source), { validationSplit: 0.25 }],
    [
      'a streamed set, epochs that end in mid-pass',
      () => Dataset.fromSource(source),
      { stepsPerEpoch: 4 },
    ],
    ['a function that gives batches', () => batches, {}],
    ['the same, epochs of some batches', () => batches, { stepsPerEpoch: 5 }],
    ['columns, epochs that end in mid-pass', () => data, { stepsPerEpoch: 4 }],
  ];

  for (const [title, set, options] of kinds) {
    test(title, async () => {
      const more = { ...usual, ...options };
      const whole = smallModel({ warn: () => undefined });
      const expected = await whole.fit(set(), more);
      for (const after of [3, 5, 8]) {
        const store = memoryStore();
        const controller = new AbortController();
        let done = 0;
        const stop = new LambdaCallback({
          onTrainBatchEnd: () => {
            if (++done === after) controller.abort();
          },
        });
        const first = smallModel({ warn: () => undefined });
        const callbacks = [stop, new BackupAndRestore(store)];
        await first.fit(set(), { ...more, callbacks, signal: controller.signal });
        const second = smallModel({ warn: () => undefined });
        const again = [new BackupAndRestore(store)];
        const history = await second.fit(set(), { ...more, callbacks: again });
        assert.deepEqual(history.toJSON(), expected.toJSON(), `after ${after}`);
        assert.deepEqual(bitsOf(second), bitsOf(whole), `after ${after}`);
        first.close();
        second.close();
      }
      whole.close();
    });
  }

  test('what gives the batches throws: the run is kept at the last whole step', async () => {
    const whole = smallModel({ warn: () => undefined });
    const expected = await whole.fit(batches, usual);
    const cause = new Error('of the generator');
    const breaking = function* (pass: number): ReturnType<typeof batches> {
      let number = 0;
      for (const batch of batches()) {
        if (pass === 1 && ++number === 4) throw cause;
        yield batch;
      }
    };
    const store = memoryStore();
    const first = smallModel({ warn: () => undefined });
    const backup = () => [new BackupAndRestore(store)];
    const error = await refusal(() => first.fit(breaking, { ...usual, callbacks: backup() }));
    assert.equal(error.code, 'USER_CODE');
    assert.equal(error.cause, cause);
    assert.equal(first.optimizer.iterations.data[0], 9);
    const second = smallModel({ warn: () => undefined });
    const history = await second.fit(batches, { ...usual, callbacks: backup() });
    assert.deepEqual(history.toJSON(), expected.toJSON());
    assert.equal(second.optimizer.iterations.data[0], 18);
    assert.deepEqual(bitsOf(second), bitsOf(whole));
    for (const model of [whole, first, second]) model.close();
  });

  test('a set of other length or other samples is refused', async () => {
    const store = memoryStore();
    const model = smallModel();
    await stopped(model, store, 4);
    const backup = [new BackupAndRestore(store)];
    const fit = () =>
      model.fit(Dataset.fromSource({ ...source, length: 40 }), { ...usual, callbacks: backup });
    assert.match((await refusal(fit)).message, /samples 48 then, 40 now/);
    model.close();
  });
});
