/** @file ModelCheckpoint: which files, with what in them, what is said, and what a full disk does. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LambdaCallback, ModelCheckpoint } from '../../src/callbacks/index.ts';
import { formatPath } from '../../src/callbacks/path_format.ts';
import { loadModel } from '../../src/model/loading.ts';
import { printed } from '../support/printed.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-checkpoints-'));
after(() => rmSync(folder, { recursive: true }));
const data = stripes(24);

describe('paths', () => {
  test('have values as Python formats them', () => {
    const values = { epoch: 3, val_loss: 0.125, loss: 1e-5 };
    assert.equal(formatPath('{epoch:02d}-{val_loss:.2f}.keras', values), '03-0.12.keras');
    assert.equal(formatPath('{epoch}/{loss}/{loss:.1e}', values), '3/1e-05/1.0e-05');
    assert.equal(formatPath('{epoch:4d}{val_loss:08.3f}', values), '   30000.125');
    assert.throws(() => formatPath('{accuracy}', values), { code: 'ARGUMENT' });
    assert.throws(() => formatPath('{loss:d}', values), { code: 'ARGUMENT' });
    assert.throws(() => formatPath('{loss:x}', values), { code: 'ARGUMENT' });
  });

  test('that cannot be are refused at once', () => {
    assert.throws(() => new ModelCheckpoint('model.h6'), { code: 'ARGUMENT' });
    assert.throws(() => new ModelCheckpoint('a.keras', { saveWeightsOnly: true }), {
      code: 'ARGUMENT',
    });
    assert.throws(() => new ModelCheckpoint('a.keras', { saveFreq: 0 }), { code: 'ARGUMENT' });
  });
});

describe('files', () => {
  test('one an epoch; training goes on from any of them to the bit', async () => {
    const model = smallModel();
    const path = `${folder}/each/{epoch:02d}.keras`;
    const options = { epochs: 3, batchSize: 8, seed: 2, verbose: 0 } as const;
    const checkpoint = new ModelCheckpoint(path, { verbose: 1 });
    const { text } = await printed(() => model.fit(data, { ...options, callbacks: [checkpoint] }));
    assert.deepEqual(readdirSync(`${folder}/each`), ['01.keras', '02.keras', '03.keras']);
    assert.match(
      text,
      /^\nEpoch 1: saving model to \S+01\.keras\n\nEpoch 1: finished saving model/,
    );
    const resumed = await loadModel(`${folder}/each/02.keras`);
    await resumed.fit(data, { ...options, initialEpoch: 2 });
    assert.deepEqual(bitsOf(resumed), bitsOf(model));
    model.close();
    resumed.close();
  });

  test('only the best, by the metric’s own direction', async () => {
    const model = smallModel();
    const values = [0.5, 0.7, 0.6, 0.8];
    const said = new LambdaCallback({
      onEpochEnd: (epoch, logs) => {
        logs.accuracy = values[epoch]!;
      },
    });
    const checkpoint = new ModelCheckpoint(`${folder}/best/{epoch}.weights.h5`, {
      monitor: 'accuracy',
      saveBestOnly: true,
      saveWeightsOnly: true,
      initialValueThreshold: 0.55,
      verbose: 1,
    });
    const { text } = await printed(() =>
      model.fit(data, { epochs: 4, callbacks: [said, checkpoint], verbose: 0 }),
    );
    assert.deepEqual(readdirSync(`${folder}/best`), ['2.weights.h5', '4.weights.h5']);
    assert.match(text, /Epoch 1: accuracy did not improve from 0\.55000\n/);
    assert.match(text, /Epoch 2: accuracy improved from 0\.55000 to 0\.70000, saving model to /);
    assert.match(text, /Epoch 3: accuracy did not improve from 0\.70000\n/);
    model.close();
  });

  test('after a number of batches, counted over epochs', async () => {
    const model = smallModel();
    const path = `${folder}/batches/{epoch}-{batch}.keras`;
    await model.fit(data, {
      epochs: 2,
      batchSize: 8,
      callbacks: [new ModelCheckpoint(path, { saveFreq: 2 })],
      verbose: 0,
    });
    assert.deepEqual(readdirSync(`${folder}/batches`), ['1-2.keras', '2-1.keras', '2-3.keras']);
    model.close();
  });
});

describe('a disk that fails', () => {
  test('is a warning, or the end where that is wished; a folder that cannot be, before training', async () => {
    const model = smallModel();
    const path = `${folder}/taken/model.keras`;
    const spoil = new LambdaCallback({
      onEpochBegin: () => {
        rmSync(`${folder}/taken`, { recursive: true, force: true });
        writeFileSync(`${folder}/taken`, 'a file in the way');
      },
    });
    const options = { epochs: 2, verbose: 0 } as const;
    const callbacks = [new ModelCheckpoint(path), spoil];
    const { result, warnings } = await printed(() => model.fit(data, { ...options, callbacks }));
    assert.equal(result.epoch.length, 2);
    assert.equal(warnings.length, 2);
    rmSync(`${folder}/taken`);
    const strict = [new ModelCheckpoint(path, { stopOnFailure: true }), spoil];
    await assert.rejects(model.fit(data, { ...options, callbacks: strict }), { code: 'FILE' });
    const steps = model.optimizer.iterations.data[0];
    await assert.rejects(model.fit(data, { ...options, callbacks }), { code: 'FILE' });
    assert.equal(model.optimizer.iterations.data[0], steps);
    assert.ok(existsSync(`${folder}/taken`));
    model.close();
  });
});
