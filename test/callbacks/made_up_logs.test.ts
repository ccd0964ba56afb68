/** @file Callbacks that watch values, on made-up logs: what they do and print is what Keras does and prints. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Callback,
  CSVLogger,
  EarlyStopping,
  LearningRateScheduler,
  type Logs,
  ReduceLROnPlateau,
} from '../../src/callbacks/index.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { optionsOf } from '../../src/layers/serialized.ts';
import type { Model } from '../../src/model/model.ts';
import { printed } from '../support/printed.ts';
import { linearModel } from '../support/small_models.ts';

interface Case {
  kind: 'EarlyStopping' | 'ReduceLROnPlateau' | 'LearningRateScheduler';
  options: Record<string, unknown> & { schedule: number[]; verbose: 0 | 1 };
  logs: Logs[];
  found: { epochs?: number; rates?: number[]; weights?: number; printed: string };
}

const file = new URL('../../../test/fixtures/keras/parts/callbacks.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

const params = { epochs: 12, steps: 1, verbose: 0 } as const;

/** A model whose metrics have been met, so that their directions are known. */
async function metModel(): Promise<Model> {
  const model = linearModel({ metrics: ['accuracy'] });
  const [x, y] = [new Tensor('float32', [2, 2]), new Tensor('float32', [2, 1])];
  await model.evaluate(x, y, { verbose: 0 });
  model.close();
  return model;
}

function made({ kind, options: { schedule, verbose, ...options } }: Case): Callback {
  if (kind === 'LearningRateScheduler')
    return new LearningRateScheduler((epoch) => schedule[epoch]!, { verbose });
  const given = Object.fromEntries(
    Object.entries(optionsOf({ ...options, verbose })).map(([key, value]) => [
      key,
      value ?? undefined,
    ]),
  );
  return kind === 'EarlyStopping' ? new EarlyStopping(given) : new ReduceLROnPlateau(given);
}

for (const [i, given] of cases.entries()) {
  test(`${given.kind} ${i}`, async () => {
    const model = await metModel();
    const callback = made(given);
    const rates: number[] = [];
    const { text } = await printed(async () => {
      model.optimizer.learningRate = 0.01;
      callback.attach(model, params);
      await callback.onTrainBegin({});
      for (const [epoch, logs] of given.logs.entries()) {
        // The weights tell from which epoch they are.
        model.weights[0]!.assign([epoch, epoch]);
        await callback.onEpochBegin(epoch, {});
        await callback.onEpochEnd(epoch, { ...logs });
        rates.push(model.optimizer.learningRate);
        if (model.stopTraining) break;
      }
      await callback.onTrainEnd({});
    });
    const { found } = given;
    assert.equal(text, found.printed);
    if (found.rates) assert.deepEqual(rates, found.rates);
    if (found.weights !== undefined) assert.equal(model.weights[0]!.data[0], found.weights);
  });
}

test('the cases cover both ends: stopped and not, rates that fell and did not', () => {
  const stops = cases.filter(({ kind }) => kind === 'EarlyStopping');
  assert.ok(stops.some(({ found }) => found.epochs === 12));
  assert.ok(stops.some(({ found }) => found.epochs! < 12));
  const falls = cases.filter(({ kind }) => kind === 'ReduceLROnPlateau');
  assert.ok(falls.some(({ found }) => found.rates!.at(-1) === found.rates![0]));
});

test('CSVLogger writes Keras’s bytes, also when it goes on with a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsuno-csv-'));
  const path = join(folder, 'inside', 'log.csv');
  const write = async (append: boolean, rows: Logs[]) => {
    const callback = new CSVLogger(path, { separator: ';', append });
    callback.attach(linearModel(), params);
    await callback.onTrainBegin();
    for (const [epoch, logs] of rows.entries()) await callback.onEpochEnd(epoch, logs);
  };
  await write(false, [{ loss: 9 }]);
  await write(false, [
    { loss: 0.5, accuracy: 1 },
    { loss: 1e-5, accuracy: 0.25, val_loss: 2.5 },
  ]);
  await write(true, [{ loss: 123456789.125, accuracy: 0.1 }]);
  const golden = new URL('../../../test/fixtures/keras/text/csv_logger.csv', import.meta.url);
  assert.deepEqual(readFileSync(path), readFileSync(golden));
  rmSync(folder, { recursive: true });
});
