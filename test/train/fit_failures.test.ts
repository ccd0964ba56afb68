/** @file fit 24–28, 30: numbers that fail, code that throws, two things at a time. Threads that die: `fit_threads.test.ts`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Callback, TerminateOnNaN } from '../../src/callbacks/index.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { Model } from '../../src/model/model.ts';
import { log, sqrt } from '../../src/ops/index.ts';
import { Input } from '../../src/topology/input.ts';
import { SGD } from '../../src/train/optimizers/index.ts';
import { Lambda } from '../support/lambda_layer.ts';
import { printed } from '../support/printed.ts';
import { bitsOf, linearModel, smallModel, stripes } from '../support/small_models.ts';

const failure = async (call: Promise<unknown>): Promise<TsunoError> => {
  const error = await call.then(
    () => assert.fail('it did not throw'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TsunoError, String(error));
  return error;
};

/** Its loss is -∞ for a sample of zeros. */
function logModel(): Model {
  setRandomSeed(1);
  const inputs = Input({ shape: [2] });
  const sums = layers.dense(1, { useBias: false, kernelInitializer: 'ones', name: 'sums' })(inputs);
  const model = new Model({ inputs, outputs: new Lambda((x) => log(x))(sums) });
  model.compile({
    loss: 'mae',
    optimizer: new SGD({ learningRate: 1e-3, momentum: 0.9 }),
    threads: 1,
  });
  return model;
}

/** `count` samples of ones, that of `at` zeros. */
function ones(count: number, at: number): [Tensor, Tensor] {
  const x = new Tensor('float32', [count, 2], new Float32Array(2 * count).fill(1));
  if (at >= 0) x.data.fill(0, 2 * at, 2 * at + 2);
  return [x, new Tensor('float32', [count, 1])];
}

describe('fit 26–28: numbers that are not finite', () => {
  const options = { batchSize: 2, shuffle: false, seed: 4, verbose: 0 } as const;

  for (const batches of [false, true]) {
    test(`the very step is named and not taken${batches ? ', with batch stages too' : ''}`, async () => {
      const [model, whole] = [logModel(), logModel()];
      class Batches extends Callback {
        override onTrainBatchEnd(): void {}
      }
      const callbacks = batches ? [new Batches()] : [];
      const [x, y] = ones(60, 43);
      await whole.fit(x.slice(0, 42), y.slice(0, 42), options);
      const error = await failure(model.fit(x, y, { ...options, epochs: 3, callbacks }));
      assert.equal(error.code, 'NONFINITE_LOSS');
      assert.match(error.message, /epoch 1, step 22 of 30\] the loss must be finite/);
      assert.match(error.message, /gradient that is not finite is that of sums\/kernel/);
      assert.deepEqual(bitsOf(model), bitsOf(whole));
      assert.equal(model.optimizer.iterations.data[0], 21);
      assert.deepEqual(model.compiled!.logs(), whole.compiled!.logs());
      // It can go on with other data.
      await model.fit(...ones(8, -1), { ...options });
      assert.equal(model.optimizer.iterations.data[0], 25);
      model.close();
      whole.close();
    });
  }

  test('a gradient that is not finite under a finite loss', async () => {
    setRandomSeed(1);
    const inputs = Input({ shape: [1] });
    const x = layers.dense(1, { useBias: false, kernelInitializer: 'ones', name: 'root' })(inputs);
    // The square root of 0 is 0, its slope infinite.
    const model = new Model({ inputs, outputs: new Lambda(sqrt)(x) });
    model.compile({ loss: 'mse', optimizer: new SGD({ learningRate: 0.01 }), threads: 1 });
    const zeros = new Tensor('float32', [4, 1], Float32Array.of(1, 1, 0, 1));
    const y = new Tensor('float32', [4, 1]);
    const error = await failure(model.fit(zeros, y, { ...options, batchSize: 1 }));
    assert.match(error.message, /step 3 of 4\] the gradient of root\/kernel must be finite/);
    assert.equal(model.optimizer.iterations.data[0], 2);
    model.close();
  });

  test('a weight that overflows although its gradient is finite', async () => {
    const optimizer = () => new SGD({ learningRate: 2 });
    const models = [0, 1].map(() => linearModel({ optimizer: optimizer(), loss: 'mae' }));
    const [model, whole] = models as [Model, Model];
    const x = new Tensor('float32', [20, 2], new Float32Array(40).fill(1e-3));
    // Sample 13 moves a weight by 2 · 3e38, more than single precision has.
    x.data.set([3e38, 0], 26);
    const y = new Tensor('float32', [20, 1], new Float32Array(20).fill(-1));
    const small = { batchSize: 1, shuffle: false, seed: 1, verbose: 0 } as const;
    for (const one of models)
      one.setWeights([new Tensor('float32', [2, 1]), new Tensor('float32', [1])]);
    const error = await failure(model.fit(x, y, small));
    assert.equal(error.code, 'NONFINITE_LOSS');
    assert.match(error.message, /step 14 of 20\] dense\w*\/kernel after the step must be finite/);
    await whole.fit(x.slice(0, 13), y.slice(0, 13), small);
    assert.deepEqual(bitsOf(model), bitsOf(whole));
    assert.deepEqual(model.compiled!.logs(), whole.compiled!.logs());
    model.close();
    whole.close();
  });

  test('a learning rate of 1e30 and one of 1e38', async () => {
    for (const learningRate of [1e30, 1e38]) {
      const model = smallModel({ optimizer: new SGD({ learningRate }) });
      const error = await failure(model.fit(stripes(64), { epochs: 3, batchSize: 8, verbose: 0 }));
      assert.equal(error.code, 'NONFINITE_LOSS');
      assert.match(error.message, /epoch 1, step \d of 8/);
      for (const { data } of model.weights)
        assert.ok((data as Float32Array).every(Number.isFinite));
      model.close();
    }
  });

  /** A convolution with ReLU and pooling, by the direct or Winograd's kernel, behind a logarithm. */
  function poolingModel(channels: number): Model {
    setRandomSeed(1);
    const inputs = Input({ shape: [6, 6, channels] });
    let x = new Lambda((values) => log(values))(inputs);
    x = layers.conv2d(channels, 3, { activation: 'relu', name: 'conv' })(x);
    x = layers.maxPooling2d(2)(x);
    const outputs = layers.dense(1)(layers.flatten()(x));
    const model = new Model({ inputs, outputs });
    model.compile({ loss: 'mse', optimizer: 'sgd', threads: 1 });
    return model;
  }

  for (const channels of [1, 8]) {
    test(`NaN made inside the network reaches the loss, ${channels} channels`, async () => {
      const model = poolingModel(channels);
      const x = new Tensor('float32', [8, 6, 6, channels]);
      x.data.fill(1);
      // The logarithm of a negative number, at the last place of a window.
      x.data[5 * 36 * channels + (3 * 6 + 3) * channels] = -1;
      const error = await failure(model.fit(x, new Tensor('float32', [8, 1]), options));
      assert.equal(error.code, 'NONFINITE_LOSS');
      assert.match(error.message, /step 3 of 4\] the loss must be finite, received NaN/);
      assert.equal(model.optimizer.iterations.data[0], 2);
      const predicted = await model.predict(x, { verbose: 0 });
      assert.deepEqual(
        [...predicted.data].map(Number.isNaN),
        Array.from({ length: 8 }, (_, row) => row === 5),
      );
      model.close();
    });

    test(`NaN in a weight reaches the predictions, ${channels} channels`, async () => {
      const model = poolingModel(channels);
      const x = new Tensor('float32', [3, 6, 6, channels]);
      x.data.fill(2);
      for (const weight of model.getLayer({ name: 'conv' }).weights) {
        const { data } = weight;
        const good = data.slice();
        for (let at = 0; at < good.length; at++) {
          weight.assign(good.map((value, i) => (i === at ? Number.NaN : value)));
          const predicted = await model.predict(x, { verbose: 0 });
          assert.ok(predicted.data.every(Number.isNaN), `${weight.path}[${at}]`);
        }
        weight.assign(good);
      }
      model.close();
    });
  }

  test('TerminateOnNaN ends in good order', async () => {
    const model = logModel();
    const [x, y] = ones(60, 43);
    const ends: number[] = [];
    class Ends extends Callback {
      override onEpochEnd(epoch: number): void {
        ends.push(epoch);
      }
      override onTrainEnd(): void {
        ends.push(-1);
      }
    }
    const callbacks = [new TerminateOnNaN(), new Ends()];
    const { result: history, text } = await printed(() =>
      model.fit(x, y, { ...options, epochs: 3, callbacks }),
    );
    assert.equal(text, 'Batch 21: Invalid loss, terminating training\n');
    assert.deepEqual(ends, [0, -1]);
    assert.ok(Number.isFinite(history.history.loss![0]));
    const strict = model.fit(x, y, {
      ...options,
      callbacks: [new TerminateOnNaN({ raiseError: true })],
    });
    assert.equal((await failure(strict)).code, 'NONFINITE_LOSS');
    model.close();
  });
});

describe('fit 25: callbacks that throw', () => {
  const boom = new RangeError('boom');
  class Throws extends Callback {
    constructor(stage: 'onEpochEnd' | 'onTrainBatchEnd' | 'onProgress' | 'onTestEnd') {
      super();
      this[stage] = () => {
        throw boom;
      };
    }
  }

  for (const stage of ['onEpochEnd', 'onTrainBatchEnd', 'onProgress', 'onTestEnd'] as const) {
    test(stage, async () => {
      const model = smallModel();
      const data = stripes(4000);
      const error = await failure(
        model.fit(data, {
          epochs: 2,
          batchSize: 2,
          validationSplit: 0.1,
          callbacks: [new Throws(stage)],
          verbose: 0,
        }),
      );
      assert.equal(error.code, 'USER_CODE');
      assert.equal(error.cause, boom);
      assert.match(error.message, new RegExp(`callback Throws, ${stage}.*RangeError: boom`));
      // The steps taken are kept, and training goes on from there.
      const steps = model.optimizer.iterations.data[0]!;
      assert.ok(steps > 0);
      await model.fit(data.take(40), { batchSize: 4, verbose: 0 });
      assert.equal(model.optimizer.iterations.data[0], steps + 10);
      model.close();
    });
  }

  test('refusals of tsuno pass as they are', async () => {
    const model = smallModel();
    class Asks extends Callback {
      override async onEpochEnd(): Promise<void> {
        await this.model.predict(new Tensor('float32', [1, 2]), {});
      }
    }
    const error = await failure(model.fit(stripes(9), { callbacks: [new Asks()], verbose: 0 }));
    assert.equal(error.code, 'SHAPE');
    model.close();
  });
});

describe('fit 30: one at a time', () => {
  test('a second fit is refused, the first goes on', async () => {
    const [model, alone] = [smallModel(), smallModel()];
    const options = { epochs: 3, seed: 7, verbose: 0 } as const;
    const first = model.fit(stripes(200), options);
    const error = await failure(model.fit(stripes(20), { verbose: 0 }));
    assert.equal(error.code, 'STATE');
    assert.equal((await failure(model.trainOnBatch(stripes(3)))).code, 'STATE');
    await first;
    await alone.fit(stripes(200), options);
    assert.deepEqual(bitsOf(model), bitsOf(alone));
    model.close();
    alone.close();
  });

  test('predictions in mid-training wait their turn and change no bit', async () => {
    const [model, alone] = [smallModel({ threads: 2 }), smallModel({ threads: 1 })];
    const options = { epochs: 2, batchSize: 4, seed: 7, verbose: 0 } as const;
    const data = stripes(4000);
    let isDone = false;
    const first = model.fit(data, options).then(() => {
      isDone = true;
    });
    let predictions = 0;
    while (!isDone) {
      const { shape } = await model.predict(data.images.slice(0, 3), { verbose: 0 });
      assert.deepEqual([...shape], [3, 3]);
      predictions++;
    }
    await first;
    assert.ok(predictions > 1);
    await alone.fit(data, options);
    assert.deepEqual(bitsOf(model), bitsOf(alone));
    model.close();
    alone.close();
  });
});
