/** @file The rules of `docs/fit.md` on epochs, batches, shuffling, validation and logs. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { Callback, type Logs } from '../../src/callbacks/index.ts';
import { RandomSequence, streams } from '../../src/core/random.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { Model } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { epochPart } from '../../src/train/epochs.ts';
import { SGD } from '../../src/train/optimizers/index.ts';
import { bitsOf, linearModel, smallModel, stripes } from '../support/small_models.ts';

/** Notes the loss after each batch. */
class Watcher extends Callback {
  readonly losses: number[][] = [];
  override onEpochBegin(): void {
    this.losses.push([]);
  }
  override onTrainBatchEnd(_batch: number, logs: Logs): void {
    this.losses.at(-1)!.push(logs.loss!);
  }
}

const line = (count: number): [Tensor, Tensor] => [
  new Tensor(
    'float32',
    [count, 2],
    Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(i)),
  ),
  new Tensor(
    'float32',
    [count, 1],
    Float32Array.from({ length: count }, (_, i) => Math.cos(i)),
  ),
];

describe('fit 1: data', () => {
  test('a data set, positional labels and labels in the options are the same call', async () => {
    const data = stripes(40);
    const bits: string[][] = [];
    for (const way of [0, 1, 2]) {
      const model = smallModel();
      const options = { epochs: 2, seed: 5, verbose: 0 } as const;
      if (way === 0) await model.fit(data, options);
      if (way === 1) await model.fit(data.images, data.labels, options);
      if (way === 2) await model.fit(data.images, { y: data.labels, ...options });
      bits.push(bitsOf(model));
      model.close();
    }
    assert.deepEqual(bits[1], bits[0]);
    assert.deepEqual(bits[2], bits[0]);
  });

  test('inputs and outputs by name are those in order', async () => {
    const both = () => {
      setRandomSeed(1);
      const a = Input({ shape: [2], name: 'a' });
      const b = Input({ shape: [3], name: 'b' });
      const x = layers.concatenate()([a, b]);
      const outputs = [
        layers.dense(1, { name: 'p' })(x),
        layers.dense(2, { activation: 'softmax', name: 'q' })(x),
      ];
      const model = new Model({ inputs: [a, b], outputs });
      model.compile({
        loss: { p: 'mse', q: 'sparse_categorical_crossentropy' },
        metrics: { q: 'accuracy' },
        threads: 1,
      });
      return model;
    };
    const a = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const b = tensor([
      [1, 0, 1],
      [0, 1, 0],
      [1, 1, 0],
    ]);
    const p = tensor([[1], [2], [3]]);
    const q = tensor(new Int32Array([0, 1, 1]));
    const [listed, named] = [both(), both()];
    const options = { epochs: 3, seed: 4, verbose: 0 } as const;
    const first = await listed.fit([a, b], [p, q], options);
    const second = await named.fit({ b, a }, { y: { q, p }, ...options });
    assert.deepEqual(second.history, first.history);
    assert.deepEqual(Object.keys(first.history), ['loss', 'p_loss', 'q_accuracy', 'q_loss']);
    assert.deepEqual(bitsOf(named), bitsOf(listed));
    await assert.rejects(named.fit({ a, c: b }, { y: { q, p } }), { code: 'ARGUMENT' });
    listed.close();
    named.close();
  });
});

describe('fit 6, 7: batches and their order', () => {
  test('the last batch is smaller, and each pass has another order', async () => {
    const model = linearModel({ optimizer: new SGD({ learningRate: 0 }) });
    const [x, y] = line(10);
    const watcher = new Watcher();
    await model.fit(x, y, { epochs: 3, batchSize: 4, seed: 9, callbacks: [watcher], verbose: 0 });
    const predicted = await model.predict(x);
    const errors = Array.from(y.data, (value, i) => (value - predicted.data[i]!) ** 2);
    for (const [epoch, losses] of watcher.losses.entries()) {
      const order = new RandomSequence(9, streams.shuffle, epoch).permutation(10);
      const means = [4, 8, 10].map(
        (seen) => order.slice(0, seen).reduce((sum, i) => sum + errors[i]!, 0) / seen,
      );
      assert.equal(losses.length, 3);
      losses.forEach((loss, i) => {
        assert.ok(Math.abs(loss - means[i]!) < 1e-6, `epoch ${epoch}, batch ${i}`);
      });
    }
    assert.notDeepEqual(watcher.losses[0], watcher.losses[1]);
    model.close();
  });

  test('without shuffling the order is that of the data', async () => {
    const model = linearModel({ optimizer: new SGD({ learningRate: 0 }) });
    const watcher = new Watcher();
    const options = { batchSize: 4, shuffle: false, callbacks: [watcher], verbose: 0 } as const;
    await model.fit(...line(10), { epochs: 2, ...options });
    assert.deepEqual(watcher.losses[0], watcher.losses[1]);
    model.close();
  });
});

describe('fit 8, 9: parts of passes', () => {
  test('stepsPerEpoch goes on through the data', () => {
    const parts = (epochs: number, batches: number, steps?: number) =>
      Array.from({ length: epochs }, (_, epoch) => {
        const part = epochPart(epoch, batches, steps);
        return [part.pass, part.from, part.steps, part.stepsBefore];
      });
    assert.deepEqual(parts(4, 5, 2), [
      [0, 0, 2, 0],
      [0, 2, 2, 2],
      [0, 4, 1, 4],
      [1, 0, 2, 5],
    ]);
    assert.deepEqual(parts(2, 4, 2), [
      [0, 0, 2, 0],
      [0, 2, 2, 2],
    ]);
    assert.deepEqual(parts(2, 3, 7), [
      [0, 0, 3, 0],
      [1, 0, 3, 3],
    ]);
    assert.deepEqual(parts(2, 3), [
      [0, 0, 3, 0],
      [1, 0, 3, 3],
    ]);
  });

  test('a resumed run continues to the bit', async () => {
    const warned = mock.method(console, 'warn', () => undefined);
    for (const stepsPerEpoch of [undefined, 2]) {
      const options = { epochs: 5, batchSize: 16, seed: 6, stepsPerEpoch, verbose: 0 } as const;
      const [whole, parts] = [smallModel(), smallModel()];
      await whole.fit(stripes(70), options);
      await parts.fit(stripes(70), { ...options, epochs: 2 });
      await parts.fit(stripes(70), { ...options, initialEpoch: 2 });
      assert.deepEqual(bitsOf(parts), bitsOf(whole));
      whole.close();
      parts.close();
    }
    // Of the passes of 5 batches, each in epochs of 2, the third epoch has one left.
    assert.equal(warned.mock.callCount(), 2);
    warned.mock.restore();
  });
});

describe('fit 11: training and inference', () => {
  test('dropout acts in training alone', async () => {
    const inputs = Input({ shape: [50] });
    const model = new Model({ inputs, outputs: layers.dropout(0.5)(inputs) });
    const ones = new Tensor('float32', [4, 50], new Float32Array(200).fill(1));
    model.compile({ loss: 'mse', threads: 1 });
    assert.deepEqual((await model.predict(ones)).data, ones.data);
    assert.equal((await model.evaluate(ones, ones, { verbose: 0 })).loss, 0);
    const trained = new Model({ inputs, outputs: layers.dense(1)(model(inputs)) });
    trained.compile({ loss: 'mse', optimizer: new SGD({ learningRate: 0 }), threads: 1 });
    const y = new Tensor('float32', [4, 1]);
    const first = await trained.trainOnBatch(ones, y);
    assert.notEqual(first.loss, (await trained.evaluate(ones, y, { verbose: 0 })).loss);
    assert.notEqual(first.loss, (await trained.trainOnBatch(ones, y)).loss);
    model.close();
    trained.close();
  });

  test('batch normalization: batch statistics in training, moving ones otherwise', async () => {
    const inputs = Input({ shape: [1] });
    const norm = layers.batchNormalization({ momentum: 0.5, epsilon: 0 });
    const model = new Model({ inputs, outputs: norm(inputs) });
    model.compile({ loss: 'mse', optimizer: new SGD({ learningRate: 0 }), threads: 1 });
    const x = tensor([[1], [3]]);
    const { loss } = await model.trainOnBatch(x, x);
    assert.ok(Math.abs(loss! - ((1 + 1) ** 2 + (3 - 1) ** 2) / 2) < 1e-5);
    const [, , mean, variance] = model.weights;
    assert.deepEqual([mean!.data[0], variance!.data[0]], [1, 1]);
    assert.deepEqual([...(await model.predict(x)).data], [0, 2]);
    const before = bitsOf(model);
    await model.evaluate(x, x, { verbose: 0 });
    assert.deepEqual(bitsOf(model), before);
    model.close();
  });
});

describe('fit 12: frozen layers', () => {
  test('a layer frozen after compile no longer trains, its batch normalization infers', async () => {
    setRandomSeed(2);
    const inputs = Input({ shape: [3] });
    const norm = layers.batchNormalization();
    const head = layers.dense(1);
    const model = new Model({ inputs, outputs: head(norm(layers.dense(4)(inputs))) });
    model.compile({ loss: 'mse', threads: 1 });
    const x = new Tensor(
      'float32',
      [6, 3],
      Float32Array.from({ length: 18 }, (_, i) => i % 5),
    );
    const y = new Tensor('float32', [6, 1]);
    const values = () => model.weights.map(({ data }) => [...data].join());
    const changed = async () => {
      const before = values();
      await model.fit(x, y, { epochs: 1, verbose: 0 });
      return values().map((now, i) => now !== before[i]);
    };
    // Keras: the trainable weights of a layer before those that are not.
    assert.deepEqual(await changed(), [true, true, true, true, true, true, true, true]);
    norm.trainable = false;
    assert.deepEqual(await changed(), [true, true, false, false, false, false, true, true]);
    norm.trainable = true;
    assert.deepEqual(await changed(), [true, true, true, true, true, true, true, true]);
    model.close();
  });

  test('a weight thawed after the optimizer was built is refused before the step', async () => {
    const model = linearModel();
    const extra = layers.dense(1);
    const inputs = Input({ shape: [2] });
    const deep = new Model({ inputs, outputs: extra(layers.dense(2)(inputs)) });
    extra.trainable = false;
    deep.compile({ loss: 'mse', threads: 1 });
    await deep.fit(...line(4), { verbose: 0 });
    extra.trainable = true;
    const before = bitsOf(deep);
    await assert.rejects(deep.fit(...line(4), { verbose: 0 }), { code: 'STATE' });
    assert.deepEqual(bitsOf(deep), before);
    model.close();
    deep.close();
  });
});

test('fit 13: a learning rate set between epochs and between batches takes effect', async () => {
  const model = linearModel({ optimizer: new SGD({ learningRate: 0 }) });
  const values: number[] = [];
  class Rates extends Callback {
    override onEpochBegin(epoch: number): void {
      this.model.optimizer.learningRate = epoch === 1 ? 0.1 : 0;
    }
    override onTrainBatchBegin(batch: number): void {
      if (batch === 2) this.model.optimizer.learningRate = 0.1;
    }
    override onTrainBatchEnd(): void {
      values.push(this.model.weights[0]!.data[0]!);
    }
  }
  await model.fit(...line(8), { epochs: 2, batchSize: 2, callbacks: [new Rates()], verbose: 0 });
  const changes = values.map((value, i) => i > 0 && value !== values[i - 1]);
  assert.deepEqual(changes, [false, false, true, true, true, true, true, true]);
  model.close();
});

describe('fit 14–18: logs', () => {
  test('the loss of an epoch is the mean over its samples, penalties among it', async () => {
    const inputs = Input({ shape: [1] });
    const dense = layers.dense(1, { kernelInitializer: 'ones', kernelRegularizer: 'l2' });
    const model = new Model({ inputs, outputs: dense(inputs) });
    model.compile({ loss: 'mse', optimizer: new SGD({ learningRate: 0 }), threads: 1 });
    const x = tensor([[1], [2], [4]]);
    const y = tensor([[0], [0], [0]]);
    const { history } = await model.fit(x, y, { batchSize: 2, verbose: 0 });
    assert.ok(Math.abs(history.loss![0]! - ((1 + 4 + 16) / 3 + 0.01)) < 1e-5);
    model.close();
  });

  test('learning_rate is in the history where a callback puts it, with the names sorted', async () => {
    const model = smallModel();
    class Rate extends Callback {
      override onEpochEnd(_epoch: number, logs: Logs): void {
        logs.learning_rate = this.model.optimizer.learningRate;
      }
    }
    const history = await model.fit(stripes(30), {
      epochs: 2,
      validationSplit: 0.2,
      callbacks: [new Rate()],
      verbose: 0,
    });
    const names = ['accuracy', 'loss', 'val_accuracy', 'val_loss', 'learning_rate'];
    assert.deepEqual(Object.keys(history.history), names);
    assert.equal(history.timing.length, 2);
    assert.equal(history.timing[0]!.steps, 1);
    assert.ok(history.msPerStep > 0);
    assert.equal(model.history, history);
    assert.deepEqual(Object.keys(await model.evaluate(stripes(9), { verbose: 0 })), [
      'accuracy',
      'loss',
    ]);
    model.close();
  });

  test('validation begins at the first sample each time', async () => {
    const model = smallModel({ optimizer: new SGD({ learningRate: 0 }) });
    const held = stripes(40, { seed: 8 });
    const { history } = await model.fit(stripes(20), {
      epochs: 3,
      validationData: held,
      validationBatchSize: 8,
      validationSteps: 2,
      verbose: 0,
    });
    const { loss } = await model.evaluate(held.take(16), { verbose: 0 });
    for (const found of history.val_loss!) assert.ok(Math.abs(found - loss!) < 1e-6);
    model.close();
  });
});

test('epochs 0 and an initialEpoch behind the end train nothing and give an empty history', async () => {
  const model = smallModel();
  const before = bitsOf(model);
  for (const options of [{ epochs: 0 }, { epochs: 2, initialEpoch: 2 }]) {
    const history = await model.fit(stripes(20), { ...options, verbose: 0 });
    assert.deepEqual(history.history, {});
  }
  assert.deepEqual(bitsOf(model).slice(0, 4), before.slice(0, 4));
  model.close();
});
