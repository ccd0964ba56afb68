/**
 * @file fit 50–52, 55, 56, 58, 59: BackupAndRestore as its user meets it: what goes on, what is refused, and with which
 * words; callbacks, one's own and ModelCheckpoint; signals. That resuming has the right bits is shown in test/crash.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  BackupAndRestore,
  Callback,
  type CallbackState,
  CSVLogger,
  EarlyStopping,
  LambdaCallback,
  ModelCheckpoint,
} from '../../src/callbacks/index.ts';
import { tensor } from '../../src/core/tensor.ts';
import { loadModel } from '../../src/model/loading.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { memoryStore } from '../crash/matrix.ts';
import { printed } from '../support/printed.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';
import { data, fresh, refusal, stopped, usual } from './backup_runs.ts';

describe('fit 50, 51: a run that was stopped goes on', () => {
  test('with its history, and files are removed at the end', async () => {
    const place = fresh();
    const whole = smallModel();
    const expected = await whole.fit(data, usual);
    const first = smallModel();
    const interrupted = await stopped(first, place, 8);
    assert.equal(interrupted.interrupted, true);
    assert.deepEqual(interrupted.epoch, [0]);
    assert.ok(readdirSync(place).some((name) => /^backup-\d{9}\.keras$/.test(name)));
    const second = smallModel({}, 99);
    const history = await second.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] });
    assert.deepEqual(history.toJSON(), expected.toJSON());
    assert.equal(history.timing.length, 3);
    assert.deepEqual(bitsOf(second), bitsOf(whole));
    assert.deepEqual(readdirSync(place), []);
    for (const model of [whole, first, second]) model.close();
  });

  test('in the same process with the same model too, and with a seed of its own', async () => {
    const store = memoryStore();
    const model = smallModel();
    const options = { ...usual, seed: undefined };
    const first = await stopped(model, store, 9, options);
    assert.equal(first.interrupted, true);
    const history = await model.fit(data, { ...options, callbacks: [new BackupAndRestore(store)] });
    assert.deepEqual(history.epoch, [0, 1, 2]);
    assert.equal(model.optimizer.iterations.data[0], 18);
    model.close();
  });

  test('deleteCheckpoint: false keeps them: more epochs go on from the end', async () => {
    const store = memoryStore();
    const backup = () => [new BackupAndRestore(store, { deleteCheckpoint: false })];
    const whole = smallModel();
    await whole.fit(data, { ...usual, epochs: 4 });
    const model = smallModel();
    await model.fit(data, { ...usual, epochs: 2, callbacks: backup() });
    assert.equal(store.files.size, 2);
    await model.fit(data, { ...usual, epochs: 2, callbacks: backup() });
    assert.equal(model.optimizer.iterations.data[0], 12);
    const history = await model.fit(data, { ...usual, epochs: 4, callbacks: backup() });
    assert.deepEqual(history.epoch, [0, 1, 2, 3]);
    assert.deepEqual(bitsOf(model), bitsOf(whole));
    whole.close();
    model.close();
  });

  test('backups are files of Keras as well, for a path that ends in .keras beside it', async () => {
    const place = fresh();
    const model = smallModel();
    await stopped(model, `${place}/digits.keras`, 4);
    const [name] = readdirSync(place);
    assert.equal(name, 'digits-000000001.keras');
    const loaded = await loadModel(`${place}/${name}`);
    assert.deepEqual(bitsOf(loaded), bitsOf(model));
    loaded.close();
    model.close();
  });

  test('callbacks are told; the log file goes on where the backup was', async () => {
    const folder = fresh();
    const log = join(folder, 'log.csv');
    const whole = smallModel();
    await whole.fit(data, { ...usual, callbacks: [new CSVLogger(log)] });
    const expected = readFileSync(log, 'utf8');
    const store = memoryStore();
    const model = smallModel();
    await stopped(model, store, 10, { callbacks: [new CSVLogger(log)] });
    // As after a crash behind the backup.
    writeFileSync(log, `${readFileSync(log, 'utf8')}1,0.5,0.`);
    const seen: unknown[] = [];
    class Note extends Callback {
      override onTrainBegin(): void {
        seen.push(this.params.resumedFrom);
      }
    }
    const callbacks = [new CSVLogger(log), new Note(), new BackupAndRestore(store)];
    await model.fit(data, { ...usual, callbacks });
    assert.deepEqual(seen, [{ epoch: 1, batch: 4 }]);
    assert.equal(readFileSync(log, 'utf8'), expected);
    whole.close();
    model.close();
  });
});

describe('fit 52: a run with other settings or data', () => {
  const store = memoryStore();
  const changes: [string, RegExp, FitOptions, Parameters<typeof smallModel>[0]?][] = [
    ['batch size', /batchSize 8 then, 16 now/, { batchSize: 16 }],
    ['seed', /seed 7 then, 8 now/, { seed: 8 }],
    ['order', /shuffle true then, false now/, { shuffle: false }],
    ['validation', /data of validation none then, float32/, { validationSplit: 0.25 }],
    ['optimizer', /optimizer Adam then, SGD now/, {}, { optimizer: 'sgd' }],
    ['metrics', /metrics \["accuracy"\] then, \["mse"\] now/, {}, { metrics: ['mse'] }],
    [
      'callbacks',
      /callbacks History then, EarlyStopping, History now/,
      {
        callbacks: [new EarlyStopping({ monitor: 'loss' })],
      },
    ],
    ['arithmetic', /arithmetic fused then, portable now/, {}, { arithmetic: 'portable' }],
  ];

  test('is refused with the list of what differs, and nothing changes', async () => {
    const first = smallModel();
    await stopped(first, store, 8);
    first.close();
    const { arithmetic } = await first.engine();
    first.close();
    for (const [title, pattern, options, compile] of changes) {
      if (title === 'arithmetic' && arithmetic === 'portable') continue;
      const model = smallModel(compile);
      const before = bitsOf(model);
      const files = new Map(store.files);
      const callbacks = [...(options.callbacks ?? []), new BackupAndRestore(store)];
      const error = await refusal(() => model.fit(data, { ...usual, ...options, callbacks }));
      assert.equal(error.code, 'STATE', title);
      assert.match(error.message, pattern);
      assert.match(error.message, /force: true/);
      assert.deepEqual(bitsOf(model).slice(0, before.length).join(), before.join(), title);
      assert.deepEqual([...store.files], [...files]);
      model.close();
    }
  });

  test('other data too', async () => {
    const model = smallModel();
    const callbacks = [new BackupAndRestore(store)];
    const error = await refusal(() => model.fit(stripes(48, { seed: 9 }), { ...usual, callbacks }));
    assert.match(error.message, /data of training float32 \[48,6,6,1\] \S+, uint8 \[48\]/);
    model.close();
  });

  test('another model: by layer; force does not help where weights do not fit', async () => {
    const other = memoryStore();
    for (const [name, bytes] of store.files) other.files.set(name, bytes);
    const { Input, layers, Model } = await import('../../src/index.ts');
    const inputs = Input({ shape: [6, 6, 1] });
    let x = layers.conv2d(5, 3, { activation: 'relu' })(inputs);
    x = layers.maxPooling2d(2)(x);
    x = layers.flatten()(x);
    x = layers.dropout(0.5)(x);
    const model = new Model({ inputs, outputs: layers.dense(3, { activation: 'softmax' })(x) });
    const loss = 'sparse_categorical_crossentropy';
    model.compile({ optimizer: 'adam', loss, metrics: ['accuracy'], threads: 1 });
    const before = model.getWeights();
    const fit = (force: boolean) =>
      refusal(() =>
        model.fit(data, { ...usual, callbacks: [new BackupAndRestore(other, { force })] }),
      );
    const { message } = await fit(false);
    assert.match(message, /layer 2, Conv2D, filters 4 then, 5 now/);
    assert.match(
      message,
      /layer 2, Conv2D, kernel float32 \[3,3,1,4\] then, float32 \[3,3,1,5\] now/,
    );
    assert.match(message, /layer 5, Dropout, rate 0\.25 then, 0\.5 now/);
    assert.equal((await fit(true)).code, 'WEIGHTS_SHAPE');
    assert.deepEqual(model.getWeights(), before);
    model.close();
  });

  test('force: true goes on, and says that it is not exact', async () => {
    const copy = memoryStore();
    for (const [name, bytes] of store.files) copy.files.set(name, bytes);
    const warnings: string[] = [];
    const model = smallModel({ warn: (text) => warnings.push(text), optimizer: 'sgd' });
    const history = await model.fit(data, {
      ...usual,
      batchSize: 16,
      callbacks: [new BackupAndRestore(copy, { force: true })],
    });
    assert.deepEqual(history.epoch, [0, 1, 2]);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /not exactly: batchSize 8 then, 16 now; .*optimizer Adam then, SGD now/,
    );
    model.close();
  });
});

describe('fit 55: what a callback throws', () => {
  for (const stage of ['onEpochBegin', 'onEpochEnd', 'onTestEnd', 'onTrainBatchEnd'] as const) {
    test(`in ${stage}: the run is kept, the error is the cause, and the run goes on`, async () => {
      const options = { ...usual, validationSplit: 0.25 };
      const early = () =>
        new EarlyStopping({ monitor: 'loss', patience: 9, restoreBestWeights: true });
      const whole = smallModel();
      const expected = await whole.fit(data, { ...options, callbacks: [early()] });
      const store = memoryStore();
      const cause = new Error('mine');
      let calls = 0;
      const thrower = new LambdaCallback({
        [stage]: () => {
          if (++calls === 2) throw cause;
        },
      });
      const first = smallModel();
      const callbacks = [early(), thrower, new BackupAndRestore(store)];
      const error = await refusal(() => first.fit(data, { ...options, callbacks }));
      assert.equal(error.code, 'USER_CODE');
      assert.equal(error.cause, cause);
      const second = smallModel({ threads: 2 });
      const again = [early(), new BackupAndRestore(store)];
      const history = await second.fit(data, { ...options, callbacks: again });
      assert.deepEqual(history.toJSON(), expected.toJSON());
      assert.deepEqual(bitsOf(second), bitsOf(whole));
      for (const model of [whole, first, second]) model.close();
    });
  }
});

describe('fit 56: callbacks of one’s own', () => {
  class Average extends Callback {
    numbers: (number | undefined)[] = [];
    best = tensor([0]);
    override onEpochEnd(_epoch: number, logs: Record<string, number>): void {
      this.numbers.push(logs.loss, Number.NaN, -0);
      this.best = tensor([this.numbers.length]);
    }
    override state(): CallbackState {
      return { numbers: this.numbers, inside: { best: this.best, none: null } };
    }
    override restore(state: CallbackState): void {
      this.numbers = [...(state.numbers as number[])];
      this.best = (state.inside as { best: Average['best'] }).best;
    }
  }

  test('remember numbers of every kind, tensors, and what lies in each other', async () => {
    const store = memoryStore();
    const [whole, first, second] = [smallModel(), smallModel(), smallModel()];
    const expected = new Average();
    await whole.fit(data, { ...usual, callbacks: [expected] });
    await stopped(first, store, 8, { callbacks: [new Average()] });
    const average = new Average();
    await second.fit(data, { ...usual, callbacks: [average, new BackupAndRestore(store)] });
    assert.deepEqual(average.numbers, expected.numbers);
    assert.deepEqual(average.best, expected.best);
    for (const model of [whole, first, second]) model.close();
  });
});

describe('fit 58: steps between backups run in one go', () => {
  test('a number of batches is counted over epochs', async () => {
    const model = smallModel();
    const store = memoryStore();
    const places: string[] = [];
    const write = async (name: string, bytes: Uint8Array) => {
      await store.write(name, bytes);
      const text = new TextDecoder('latin1').decode(bytes);
      places.push(/"epoch": (\d+), "batch": (\d+)/.exec(text)!.slice(1).join(':'));
    };
    const backup = new BackupAndRestore({ ...store, write }, { saveFreq: 4 });
    assert.equal(backup.onTrainBatchEnd, undefined);
    await model.fit(data, { ...usual, callbacks: [backup] });
    assert.deepEqual(places, ['0:4', '1:2', '1:6', '2:4']);
    model.close();
  });

  test('options that cannot be are refused at once', () => {
    const make = (options: object) => () => new BackupAndRestore('a', options);
    for (const options of [{ saveFreq: 0 }, { saveFreq: 'batch' }, { keep: 1 }, { keep: 2.5 }])
      assert.throws(make(options), { code: 'ARGUMENT' });
    assert.throws(() => new BackupAndRestore(''), { code: 'ARGUMENT' });
    assert.throws(() => new BackupAndRestore({} as never), { code: 'ARGUMENT' });
  });
});

describe('ModelCheckpoint', () => {
  test('keep: the newest stay, and the best; over a restart as well', async () => {
    const folder = fresh();
    const values = [0.5, 0.2, 0.6, 0.4, 0.9];
    const said = () =>
      new LambdaCallback({
        onEpochEnd: (epoch, logs) => {
          logs.val_loss = values[epoch]!;
        },
      });
    const checkpoint = () => new ModelCheckpoint(`${folder}/{epoch}.keras`, { keep: 2 });
    const store = memoryStore();
    const model = smallModel();
    const more = { epochs: 5, callbacks: [said(), checkpoint()] };
    await stopped(model, store, 20, more);
    assert.deepEqual(readdirSync(folder).sort(), ['2.keras', '3.keras']);
    const callbacks = [said(), checkpoint(), new BackupAndRestore(store)];
    await model.fit(data, { ...usual, epochs: 5, callbacks });
    assert.deepEqual(readdirSync(folder).sort(), ['2.keras', '4.keras', '5.keras']);
    assert.throws(() => new ModelCheckpoint('a.keras', { keep: 0 }), { code: 'ARGUMENT' });
    model.close();
  });

  test('saveBestOnly knows the best from before', async () => {
    const folder = fresh();
    const values = [0.2, 0.5, 0.1];
    const said = () =>
      new LambdaCallback({
        onEpochEnd: (epoch, logs) => {
          logs.val_loss = values[epoch]!;
        },
      });
    const checkpoint = () =>
      new ModelCheckpoint(`${folder}/{epoch}.keras`, { saveBestOnly: true, verbose: 1 });
    const store = memoryStore();
    const model = smallModel();
    await printed(() => stopped(model, store, 8, { callbacks: [said(), checkpoint()] }));
    const callbacks = [said(), checkpoint(), new BackupAndRestore(store)];
    const { text } = await printed(() => model.fit(data, { ...usual, callbacks }));
    assert.match(text, /Epoch 2: val_loss did not improve from 0\.20000/);
    assert.deepEqual(readdirSync(folder).sort(), ['1.keras', '3.keras']);
    model.close();
  });
});

describe('fit 59: signals', () => {
  const program = fileURLToPath(new URL('../crash/signalled.js', import.meta.url));
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    test(`${signal}: the run is kept in mid-epoch, and ${status} is the exit code`, async () => {
      const place = fresh();
      const child = spawn(process.execPath, [program, place], { stdio: ['ignore', 'pipe', 2] });
      child.stdout!.once('data', () => child.kill(signal));
      const code = await new Promise((ended) => child.on('close', ended));
      assert.equal(code, status);
      assert.match(readdirSync(place).join(), /backup-\d+\.keras/);
      assert.ok(!existsSync(join(place, 'backup-run.lock')));
    });
  }
});
