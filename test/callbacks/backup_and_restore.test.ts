/**
 * @file fit 50–60: BackupAndRestore as its user meets it: what is refused, with which words; damaged backups; two runs in
 * one place; callbacks of one's own; disks that fail; signals. That resuming has the right bits is shown in test/crash.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  BackupAndRestore,
  Callback,
  type CallbackState,
  CSVLogger,
  EarlyStopping,
  type History,
  LambdaCallback,
  ModelCheckpoint,
} from '../../src/callbacks/index.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import { loadModel } from '../../src/model/loading.ts';
import type { Model } from '../../src/model/model.ts';
import { nodeFileSystem } from '../../src/saving/file_system.ts';
import type { Data } from '../../src/train/batches.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { memoryStore } from '../crash/matrix.ts';
import { printed } from '../support/printed.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const home = mkdtempSync(join(tmpdir(), 'tsuno-backups-'));
after(() => rmSync(home, { recursive: true }));
let places = 0;
const fresh = () => join(home, `run${places++}`);

const data = stripes(48);
const usual = { epochs: 3, batchSize: 8, seed: 7, verbose: 0 } as const;

/** Trains until `steps` steps are done, then stops in order. */
async function stopped(
  model: Model,
  place: ConstructorParameters<typeof BackupAndRestore>[0],
  steps: number,
  options: FitOptions = {},
): Promise<History> {
  const controller = new AbortController();
  let done = 0;
  const stop = new LambdaCallback({
    onTrainBatchEnd: () => {
      if (++done === steps) controller.abort();
    },
  });
  const callbacks = [...(options.callbacks ?? []), stop, new BackupAndRestore(place)];
  return model.fit(data, { ...usual, ...options, callbacks, signal: controller.signal });
}

/** The error of `body`. */
async function refusal(body: () => Promise<unknown>): Promise<TsunoError> {
  const error = await body().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof TsunoError, String(error));
  return error;
}

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

describe('fit 53: damaged backups', () => {
  test('the one before is used, and the message names both', async () => {
    const place = fresh();
    const whole = smallModel();
    const expected = await whole.fit(data, usual);
    const first = smallModel();
    await stopped(first, place, 14);
    const names = readdirSync(place).sort();
    assert.equal(names.length, 2);
    truncateSync(join(place, names[1]!), 20_000);
    const warnings: string[] = [];
    const second = smallModel({ warn: (text) => warnings.push(text) });
    const history = await second.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] });
    assert.equal(warnings.length, 1);
    for (const name of names) assert.ok(warnings[0]!.includes(name.slice('backup-'.length)));
    assert.deepEqual(history.toJSON(), expected.toJSON());
    assert.deepEqual(bitsOf(second), bitsOf(whole));
    for (const model of [whole, first, second]) model.close();
  });

  test('all of them: refused, never silently anew', async () => {
    const store = memoryStore();
    const first = smallModel();
    await stopped(first, store, 14);
    for (const bytes of store.files.values()) bytes[999]! ^= 1;
    const backup = (force: boolean) => [new BackupAndRestore(store, { force })];
    const warnings: string[] = [];
    const model = smallModel({ warn: (text) => warnings.push(text) });
    const error = await refusal(() => model.fit(data, { ...usual, callbacks: backup(false) }));
    assert.equal(error.code, 'CHECKSUM');
    for (const name of store.files.keys()) assert.ok(error.message.includes(name));
    const history = await model.fit(data, { ...usual, callbacks: backup(true) });
    assert.deepEqual(history.epoch, [0, 1, 2]);
    assert.match(warnings.join(), /begins anew/);
    first.close();
    model.close();
  });
});

describe('fit 54: one place, one run', () => {
  test('a second run is refused while the first is under way', async () => {
    const place = fresh();
    const [first, second] = [smallModel(), smallModel()];
    let error: TsunoError | undefined;
    const intrude = new LambdaCallback({
      onEpochEnd: async () => {
        error ??= await refusal(() =>
          second.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] }),
        );
      },
    });
    await first.fit(data, { ...usual, callbacks: [intrude, new BackupAndRestore(place)] });
    assert.equal(error?.code, 'STATE');
    assert.match(error!.message, new RegExp(`a lock of process ${process.pid}`));
    assert.deepEqual(readdirSync(place), []);
    first.close();
    second.close();
  });

  test('a lock whose process does not live is taken over, one of another machine is not', async () => {
    const place = fresh();
    await (await nodeFileSystem()).makeFolder(place);
    const lock = join(place, 'backup-run.lock');
    const { hostname } = await import('node:os');
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((ended) => dead.on('close', ended));
    const owner = { pid: dead.pid, host: hostname(), began: '1', id: 'x' };
    const model = smallModel();
    const fit = () => model.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] });
    // A number that another process has now, a file that was cut off, and one of this process that nobody holds.
    for (const pid of [dead.pid, process.ppid, process.pid]) {
      writeFileSync(lock, JSON.stringify({ ...owner, pid }));
      if (pid === process.ppid && process.platform !== 'linux') continue;
      await fit();
    }
    writeFileSync(lock, '{"pid": 1');
    await fit();
    assert.ok(!existsSync(lock));
    writeFileSync(lock, JSON.stringify({ ...owner, host: 'elsewhere' }));
    assert.match((await refusal(fit)).message, /on "elsewhere"/);
    assert.ok(existsSync(lock));
    model.close();
  });

  test('two in one fit', async () => {
    const model = smallModel();
    const callbacks = [new BackupAndRestore(memoryStore()), new BackupAndRestore(memoryStore())];
    assert.equal((await refusal(() => model.fit(data, { callbacks }))).code, 'ARGUMENT');
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

describe('fit 57: a disk that fails', () => {
  test('is a warning, or the end where that is wished; what was there before stays', async () => {
    const place = fresh();
    const disk = await nodeFileSystem();
    let isFull = false;
    const fileSystem = {
      ...disk,
      create: (path: string, mode: number) => {
        if (isFull) return Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
        return disk.create(path, mode);
      },
    };
    const fill = new LambdaCallback({
      onEpochBegin: (epoch) => {
        isFull = epoch === 1;
      },
    });
    const warnings: string[] = [];
    const model = smallModel({ warn: (text) => warnings.push(text) });
    const options = { deleteCheckpoint: false, fileSystem };
    await model.fit(data, { ...usual, callbacks: [fill, new BackupAndRestore(place, options)] });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /ENOSPC.*The disk is full.*Training goes on/);
    assert.deepEqual(readdirSync(place), ['backup-000000001.keras', 'backup-000000002.keras']);
    const strict = new BackupAndRestore(fresh(), { ...options, stopOnFailure: true });
    const error = await refusal(() => model.fit(data, { ...usual, callbacks: [fill, strict] }));
    assert.equal(error.code, 'SAVE');
    model.close();
  });

  test('a folder that is deleted is made again', async () => {
    const place = fresh();
    const spoil = new LambdaCallback({ onEpochBegin: () => rmSync(place, { recursive: true }) });
    const model = smallModel();
    const backup = new BackupAndRestore(place, { deleteCheckpoint: false });
    await model.fit(data, { ...usual, callbacks: [spoil, backup] });
    assert.deepEqual(readdirSync(place), ['backup-000000003.keras']);
    model.close();
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
