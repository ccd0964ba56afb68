/** @file fit 36 to 45: sets that are not in memory, and batches out of generators. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BackupAndRestore,
  Callback,
  LambdaCallback,
  type Logs,
} from '../../src/callbacks/index.ts';
import { type ErrorCode, TsunoError } from '../../src/core/errors.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import type { SampleSource } from '../../src/data/source.ts';
import type { StreamingDataset } from '../../src/data/streaming_dataset.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import type { Data } from '../../src/train/batches.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { memoryStore } from '../crash/matrix.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const data = stripes(100);

interface Watch {
  /** Samples of each read. */
  counts: number[];
  /** Called before each read. */
  onRead?: (rows: Uint32Array) => void | Promise<void>;
}

/** The samples of a set in memory, read as if they were not. */
function streamed<X extends 'float32', Y extends 'uint8'>(
  { images, labels }: Dataset<X, Y>,
  watch: Watch = { counts: [] },
): StreamingDataset<X, Y> {
  const source: SampleSource<X, Y> = {
    length: images.length,
    image: { dtype: images.dtype, shape: images.shape.slice(1) },
    label: { dtype: labels.dtype, shape: [] },
    async read(rows) {
      await watch.onRead?.(rows);
      watch.counts.push(rows.length);
      return { images: images.rows(rows), labels: labels.rows(rows) };
    },
  };
  return Dataset.fromSource(source);
}

const seeded: FitOptions = { epochs: 3, seed: 5, verbose: 0, batchSize: 8 };

interface Outcome {
  bits: string[];
  history: Record<string, readonly number[]>;
}

async function trained(
  set: Dataset | StreamingDataset,
  options: FitOptions = {},
  threads = 1,
): Promise<Outcome> {
  const model = smallModel({ threads, warn: () => undefined });
  const { history } = await model.fit(set, { ...seeded, ...options });
  model.close();
  return { bits: bitsOf(model), history: { ...history } };
}

describe('fit 36: a streamed set gives the bits of the same set in memory', () => {
  const options: Record<string, FitOptions> = {
    'in three epochs': {},
    unshuffled: { shuffle: false },
    'with a part apart for validation': { validationSplit: 0.3 },
    'with steps that divide no pass': { stepsPerEpoch: 5, epochs: 7 },
    'from the second epoch on': { initialEpoch: 1 },
    'with classes and samples weighted': {
      classWeight: { 0: 2, 2: 0.5 },
      sampleWeight: Float32Array.from({ length: 100 }, (_, i) => 1 + (i % 3)),
    },
  };
  for (const [name, given] of Object.entries(options)) {
    test(name, async () => {
      assert.deepEqual(await trained(streamed(data), given), await trained(data, given));
    });
  }

  test('with 1 to 3 threads', async () => {
    const expected = await trained(data);
    for (const threads of [1, 2, 3])
      assert.deepEqual(await trained(streamed(data), {}, threads), expected, `${threads} threads`);
  });

  test('batch by batch for a callback', async () => {
    class Batches extends Callback {
      override onTrainBatchEnd(): void {}
      override onTestBatchEnd(): void {}
    }
    const expected = await trained(data, { validationSplit: 0.3 });
    const callbacks = [new Batches()];
    const found = await trained(streamed(data), { validationSplit: 0.3, callbacks });
    assert.deepEqual(found, expected);
  });

  test('through views, maps and caches', async () => {
    const set = streamed(data).map(({ image }) => ({ image }));
    const views = set.skip(20).concatenate(set.take(20)).shuffle(3).cache();
    const memory = data.skip(20).concatenate(data.take(20)).shuffle(3);
    assert.deepEqual(await trained(views), await trained(memory));
  });

  test('in evaluate and predict', async () => {
    const model = smallModel();
    assert.deepEqual(
      await model.evaluate(streamed(data), { batchSize: 7, verbose: 0 }),
      await model.evaluate(data, { batchSize: 7, verbose: 0 }),
    );
    assert.deepEqual(
      await model.predict(streamed(data), { batchSize: 7, steps: 3 }),
      await model.predict(data, { batchSize: 7, steps: 3 }),
    );
    model.close();
  });
});

test('fit 36: each sample is read once a pass, and few are held', async () => {
  const watch: Watch = { counts: [] };
  // 24 KiB a sample: 5 batches of 32 are a window.
  const wide = Dataset.fromSource({
    length: 640,
    image: { dtype: 'float32', shape: [6, 1024, 1] },
    label: { dtype: 'uint8', shape: [] },
    async read(rows) {
      watch.counts.push(rows.length);
      const images = new Tensor('float32', [rows.length, 6, 1024, 1]);
      return { images, labels: new Tensor('uint8', [rows.length]) };
    },
  });
  const model = new Sequential([
    Input({ shape: [6, 1024, 1] }),
    layers.averagePooling2d([6, 256]),
    layers.flatten(),
    layers.dense(3, { activation: 'softmax' }),
  ]);
  model.compile({ loss: 'sparse_categorical_crossentropy', threads: 1 });
  await model.fit(wide, { epochs: 2, verbose: 0 });
  model.close();
  // A first look comes before.
  const passes = watch.counts.slice(1);
  assert.equal(
    passes.reduce((sum, count) => sum + count, 0),
    2 * 640,
  );
  assert.ok(Math.max(...watch.counts) <= 160, `${Math.max(...watch.counts)} samples at once`);
});

/** Batches of the stripes, as a generator gives them. */
async function* batches(count: number, size = 10) {
  for (let i = 0; i < count; i++) {
    const part = data.slice((i * size) % 100, ((i * size) % 100) + size);
    yield [part.images, part.labels];
  }
}

const unshuffled: FitOptions = { ...seeded, batchSize: 10, shuffle: false };

describe('fit 39: batches out of generators', () => {
  const expected = trained(data, unshuffled);

  async function fitted(given: Data, options: FitOptions = {}) {
    const warnings: string[] = [];
    const model = smallModel({ warn: (message) => warnings.push(message) });
    const { history } = await model.fit(given, { epochs: 3, seed: 5, verbose: 0, ...options });
    model.close();
    return { bits: bitsOf(model), history: { ...history }, warnings };
  }

  test('a function that gives those of each pass', async () => {
    const { warnings, ...found } = await fitted(() => batches(10));
    assert.deepEqual(found, await expected);
    assert.deepEqual(warnings, []);
  });

  test('an endless one, with the steps of an epoch', async () => {
    const { warnings, ...found } = await fitted(batches(Number.POSITIVE_INFINITY), {
      stepsPerEpoch: 10,
    });
    assert.deepEqual(found, await expected);
    assert.deepEqual(warnings, []);
  });

  test('a synchronous one, as records', async () => {
    const { warnings, ...found } = await fitted(function* () {
      for (let i = 0; i < 100; i += 10) yield data.slice(i, i + 10);
    });
    assert.deepEqual(found, await expected);
    assert.deepEqual(warnings, []);
  });

  test('a set in batches', async () => {
    const { warnings, ...found } = await fitted(data.batch(10).prefetch(2));
    assert.deepEqual(found, await expected);
    assert.deepEqual(warnings, []);
    const dropped = await fitted(data.batch(9, { dropRemainder: true }), { epochs: 1 });
    assert.deepEqual(
      dropped.history,
      (await trained(data.take(99), { ...unshuffled, batchSize: 9, epochs: 1 })).history,
    );
  });

  test('with weights of samples', async () => {
    const weight = Float32Array.from({ length: 100 }, (_, i) => i % 4);
    const { bits } = await fitted(function* () {
      for (let i = 0; i < 100; i += 10) {
        const { images, labels } = data.slice(i, i + 10);
        yield [images, labels, weight.subarray(i, i + 10)];
      }
    });
    assert.deepEqual(bits, (await trained(data, { ...unshuffled, sampleWeight: weight })).bits);
  });

  test('of several inputs, by name', async () => {
    const make = () => {
      setRandomSeed(1);
      const left = Input({ shape: [6, 6, 1], name: 'left' });
      const right = Input({ shape: [6, 6, 1], name: 'right' });
      const both = layers.flatten()(layers.subtract()([left, right]));
      const outputs = layers.dense(3, { activation: 'softmax' })(both);
      const model = new Model({ inputs: [left, right], outputs });
      model.compile({ loss: 'sparse_categorical_crossentropy', threads: 1 });
      return model;
    };
    const [first, second] = [make(), make()];
    const { images, labels } = data;
    const other = data.shuffle(2).images;
    await first.fit({ left: images, right: other }, labels, { ...unshuffled, epochs: 1 });
    await second.fit(
      function* () {
        for (let i = 0; i < 100; i += 10) {
          const x = { right: other.slice(i, i + 10), left: images.slice(i, i + 10) };
          yield [x, labels.slice(i, i + 10)];
        }
      },
      { seed: 5, verbose: 0 },
    );
    assert.deepEqual(bitsOf(second), bitsOf(first));
    first.close();
    second.close();
  });

  test('of changing size', async () => {
    const sizes = [10, 10, 3, 3, 10, 1];
    let seen = 0;
    class Steps extends Callback {
      override onTrainBatchEnd(): void {
        seen++;
      }
    }
    const { history } = await fitted(
      async function* () {
        for (const size of sizes) yield data.take(size);
      },
      { epochs: 1, callbacks: [new Steps()] },
    );
    assert.equal(seen, sizes.length);
    assert.equal(history.loss?.length, 1);
  });

  test('for validation, evaluation and prediction', async () => {
    const memory = await trained(data, { ...unshuffled, validationData: data });
    const { history } = await fitted(() => batches(10), { validationData: () => batches(10) });
    assert.deepEqual(history, memory.history);
    const model = smallModel();
    assert.deepEqual(
      await model.evaluate(batches(10), { verbose: 0 }),
      await model.evaluate(data, { batchSize: 10, verbose: 0 }),
    );
    assert.deepEqual(await model.predict(batches(10)), await model.predict(data));
    model.close();
  });

  test('fit 42: that go on from epoch to epoch, and end', async () => {
    const { history, warnings } = await fitted(batches(25), { stepsPerEpoch: 10, epochs: 5 });
    assert.equal(history.loss?.length, 3);
    assert.match(warnings[0] ?? '', /epoch 3 ran out of data after 5 of 10 steps/);
    assert.match(warnings[1] ?? '', /your input ran out of data; interrupting training/);
  });

  test('fit 42: that end with an epoch', async () => {
    const once = await fitted(batches(20), { stepsPerEpoch: 10, epochs: 3 });
    assert.equal(once.history.loss?.length, 2);
    assert.match(once.warnings[0] ?? '', /interrupting training/);
    const again = await fitted(() => batches(10), { stepsPerEpoch: 10 });
    assert.deepEqual(again.bits, (await expected).bits);
    assert.deepEqual(again.warnings, []);
  });

  test('fit 41: the bar learns how long a pass is', async () => {
    const steps: number[] = [];
    class Params extends Callback {
      override onEpochEnd(): void {
        steps.push(this.params.steps);
      }
      override onEpochBegin(): void {
        steps.push(this.params.steps);
      }
    }
    await fitted(() => batches(10), { epochs: 2, callbacks: [new Params()] });
    assert.deepEqual(steps, [Number.POSITIVE_INFINITY, 10, 10, 10]);
  });

  test('the generator is told when no more is wanted', async () => {
    let ended = false;
    async function* endless() {
      try {
        yield* batches(Number.POSITIVE_INFINITY);
      } finally {
        ended = true;
      }
    }
    await fitted(endless(), { epochs: 1, stepsPerEpoch: 3 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(ended);
  });
});

interface Fault {
  name: string;
  given: Data;
  options?: FitOptions;
  code: ErrorCode;
  says: RegExp;
  /** Whole steps before. */
  steps: number;
}

const boom = new RangeError('boom');

/** Four batches, then what `last` gives. */
function fourThen(last: () => unknown): () => AsyncGenerator<Tensor[]> {
  return async function* () {
    yield* batches(4);
    yield last() as Tensor[];
  };
}

const spoiled = (() => {
  const copy = tensor(Uint8Array.from(data.labels.data));
  copy.data[77] = 3;
  return Dataset.from({ images: data.images, labels: copy });
})();

const faults: Fault[] = [
  {
    name: 'an exception in a generator',
    given: fourThen(() => {
      throw boom;
    }),
    code: 'USER_CODE',
    says: /\[fit, batch 5\].*RangeError: boom/,
    steps: 4,
  },
  {
    name: 'another shape',
    given: fourThen(() => [new Tensor('float32', [10, 5, 6, 1]), new Tensor('uint8', [10])]),
    code: 'SHAPE',
    says: /\[fit, batch 5, input "[^"]+"\].*\(10, 5, 6, 1\)/,
    steps: 4,
  },
  {
    name: 'no batch',
    given: fourThen(() => 7),
    code: 'ARGUMENT',
    says: /\[fit, batch 5\] a batch must be \[x, y\].*received 7/,
    steps: 4,
  },
  {
    name: 'a label outside the classes',
    given: fourThen(() => [data.take(2).images, tensor(Uint8Array.of(0, 9))]),
    code: 'LABEL_RANGE',
    says: /\[fit, batch 5\] label of sample 1 .* received 9/,
    steps: 4,
  },
  {
    name: 'NaN in a batch',
    given: fourThen(() => [
      new Tensor('float32', [1, 6, 6, 1], new Float32Array(36).fill(NaN)),
      tensor(Uint8Array.of(0)),
    ]),
    code: 'NONFINITE_INPUT',
    says: /\[fit, batch 5\] x of sample 0/,
    steps: 4,
  },
  {
    name: 'a generator without batches',
    given: () => batches(0),
    code: 'DATA_EMPTY',
    says: /one batch at least/,
    steps: 0,
  },
  {
    name: 'an iterator for several epochs',
    given: batches(10),
    options: { epochs: 2 },
    code: 'ARGUMENT',
    says: /x must be such that it can be gone through again, for 2 epochs.*stepsPerEpoch/,
    steps: 0,
  },
  {
    name: 'a function that returns no iterable',
    given: (() => 5) as unknown as () => AsyncGenerator<Tensor[]>,
    code: 'ARGUMENT',
    says: /what the function returns must be a generator/,
    steps: 0,
  },
  {
    name: 'labels beside batches',
    given: () => batches(3),
    options: { y: data.labels },
    code: 'ARGUMENT',
    says: /y must be left out/,
    steps: 0,
  },
  {
    name: 'weights beside batches',
    given: () => batches(3),
    options: { sampleWeight: [1, 2, 3] },
    code: 'ARGUMENT',
    says: /sampleWeight must be left out/,
    steps: 0,
  },
  {
    name: 'labels beside a streamed set',
    given: streamed(data),
    options: { y: data.labels },
    code: 'ARGUMENT',
    says: /y must be left out: the data set has labels/,
    steps: 0,
  },
  {
    name: 'weights that are not as many as the samples of a streamed set',
    given: streamed(data),
    options: { sampleWeight: [1, 2, 3] },
    code: 'DATA_MISMATCH',
    says: /one number for each of 100 samples/,
    steps: 0,
  },
  {
    name: 'an iterator for several validations',
    given: data,
    options: { epochs: 2, validationData: batches(3) },
    code: 'ARGUMENT',
    says: /validationData must be such that.*2 validations.*validationSteps/,
    steps: 0,
  },
  {
    name: 'a part of batches for validation',
    given: () => batches(3),
    options: { validationSplit: 0.2 },
    code: 'ARGUMENT',
    says: /validationSplit must be left out/,
    steps: 0,
  },
  {
    name: 'a label in a streamed set',
    given: streamed(spoiled),
    options: { shuffle: false, batchSize: 10 },
    code: 'LABEL_RANGE',
    says: /label of sample 77 must be a whole number from 0 to 2, received 3/,
    steps: 0,
  },
];

describe('fit 43: what is wrong stops the run at a whole step', () => {
  for (const { name, given, options, code, says, steps } of faults) {
    test(name, async () => {
      const model = smallModel();
      await assert.rejects(
        model.fit(given, { epochs: 1, seed: 5, verbose: 0, ...options }),
        (error: TsunoError) => {
          assert.ok(error instanceof TsunoError, String(error));
          assert.equal(error.code, code);
          assert.match(error.message, says);
          if (code === 'USER_CODE') assert.equal(error.cause, boom);
          return true;
        },
      );
      const other = smallModel();
      if (steps > 0)
        await other.fit(data.take(10 * steps), {
          seed: 5,
          verbose: 0,
          batchSize: 10,
          shuffle: false,
        });
      const weights = (one: typeof model) => one.weights.map((weight) => [...weight.data]);
      assert.deepEqual(weights(model), weights(other));
      // It can go on.
      await model.fit(data, { epochs: 1, verbose: 0 });
      model.close();
      other.close();
    });
  }

  test('a source that fails in the second pass', async () => {
    let reads = 0;
    const watch: Watch = {
      counts: [],
      onRead: () => {
        if (++reads > 8) throw boom;
      },
    };
    const logs: Logs[] = [];
    class Ends extends Callback {
      override onEpochEnd(_epoch: number, now: Logs): void {
        logs.push(now);
      }
    }
    const model = smallModel();
    await assert.rejects(
      model.fit(streamed(data, watch), { ...seeded, callbacks: [new Ends()], epochs: 9 }),
      (error: TsunoError) => {
        assert.equal(error.code, 'USER_CODE');
        assert.match(error.message, /\[fit, batch(es)? \d+/);
        assert.equal(error.cause, boom);
        return true;
      },
    );
    assert.ok(logs.length >= 1);
    model.close();
  });
});

test('fit 44: Ctrl-C ends a run that waits for a batch', async () => {
  const controller = new AbortController();
  async function* slow() {
    yield* batches(3);
    controller.abort();
    await new Promise<never>(() => undefined);
    yield [];
  }
  const model = smallModel();
  const history = await model.fit(slow(), { verbose: 0, signal: controller.signal });
  assert.equal(history.interrupted, true);
  model.close();
});

describe('fit 36, 50: a run that was stopped in mid-pass goes on', () => {
  const ways: Record<string, () => Data> = {
    'of a streamed set': () => streamed(data),
    'of batches': () => () => batches(13, 8),
  };
  for (const [name, given] of Object.entries(ways)) {
    test(name, async () => {
      const whole = smallModel();
      const expected = await whole.fit(given(), seeded);
      const store = memoryStore();
      const stop = new AbortController();
      let done = 0;
      const counter = new LambdaCallback({
        onTrainBatchEnd: () => {
          if (++done === 20) stop.abort();
        },
      });
      const first = smallModel();
      const callbacks = () => [new BackupAndRestore(store)];
      const { signal } = stop;
      await first.fit(given(), { ...seeded, signal, callbacks: [counter, ...callbacks()] });
      const second = smallModel({}, 99);
      const history = await second.fit(given(), { ...seeded, callbacks: callbacks() });
      assert.deepEqual(bitsOf(second), bitsOf(whole));
      assert.deepEqual(history.history, expected.history);
      for (const model of [whole, first, second]) model.close();
    });
  }
});
