/** @file The doors of the model: single batches, several outputs, compiling again, closing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LambdaCallback } from '../../src/callbacks/index.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { SGD } from '../../src/train/optimizers/index.ts';
import { bitsOf, linearModel, smallModel, stripes } from '../support/small_models.ts';

const x = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
]);
const y = tensor([[1], [2], [3]]);

describe('single batches', () => {
  test('trainOnBatch is a step of fit, testOnBatch and predictOnBatch change nothing', async () => {
    const [single, fitted] = [0, 1].map(() => linearModel({ metrics: ['mae'] })) as [Model, Model];
    const before = bitsOf(single);
    const tested = await single.testOnBatch(x, y);
    assert.deepEqual(Object.keys(tested), ['loss', 'mae']);
    const predicted = await single.predictOnBatch(x);
    const errors = Array.from(y.data, (value, i) => value - predicted.data[i]!);
    const mae = errors.reduce((sum, error) => sum + Math.abs(error), 0) / 3;
    assert.ok(Math.abs(tested.mae! - mae) < 1e-6);
    assert.deepEqual(bitsOf(single), before);
    // The logs of a step are of the weights before it, and of this batch alone.
    assert.deepEqual(await single.trainOnBatch(x, y), tested);
    const second = await single.trainOnBatch(x, y);
    assert.ok(second.loss! < tested.loss!);
    await fitted.fit(x, y, { epochs: 2, shuffle: false, verbose: 0 });
    assert.deepEqual(bitsOf(single), bitsOf(fitted));
    single.close();
    fitted.close();
  });

  test('weights of samples and classes', async () => {
    const { images, labels } = stripes(6);
    const classWeight = { 0: 2, 1: 0, 2: 1 };
    const numbers: Record<number, number> = classWeight;
    const sampleWeight = Array.from(labels.data, (label) => numbers[label]!);
    // Each model right after its seed, which its first step takes a number from.
    const weighted = smallModel();
    const first = await weighted.trainOnBatch(images, labels, { classWeight });
    const plain = smallModel();
    assert.deepEqual(await plain.trainOnBatch(images, labels, { sampleWeight }), first);
    assert.deepEqual(bitsOf(weighted), bitsOf(plain));
    await assert.rejects(weighted.trainOnBatch(images), { code: 'ARGUMENT' });
    await assert.rejects(weighted.trainOnBatch(images, labels.slice(1)), { code: 'DATA_MISMATCH' });
    weighted.close();
    plain.close();
  });

  test('predictOnBatch takes several inputs, in a list, by name or as a data set', async () => {
    const [a, b] = [Input({ shape: [2], name: 'a' }), Input({ shape: [2], name: 'b' })];
    const model = new Model({ inputs: [a, b], outputs: layers.subtract()([a, b]) });
    const doubled = new Tensor(
      'float32',
      [3, 2],
      Float32Array.from(x.data, (value) => 2 * value),
    );
    const expected = Array.from(x.data);
    assert.deepEqual([...(await model.predictOnBatch([doubled, x])).data], expected);
    assert.deepEqual([...(await model.predictOnBatch({ b: x, a: doubled })).data], expected);
    await assert.rejects(model.predictOnBatch([]), TsunoError);
    model.close();
    const single = linearModel();
    const fromSet = await single.predictOnBatch(Dataset.from({ images: x, labels: y }));
    assert.deepEqual(fromSet.data, (await single.predictOnBatch(x)).data);
    single.close();
  });

  test('resetMetrics', async () => {
    const model = linearModel();
    assert.throws(() => new Model({ inputs: [], outputs: [] }).resetMetrics());
    await model.testOnBatch(x, y);
    assert.ok(model.compiled!.logs().loss! > 0);
    model.resetMetrics();
    assert.equal(model.compiled!.logs().loss, 0);
    model.close();
  });
});

describe('weights', () => {
  test('getWeights copies, setWeights takes all or none, also in mid-life of an engine', async () => {
    const model = linearModel();
    await model.fit(x, y, { verbose: 0 });
    const kept = model.getWeights();
    const there = await model.predict(x);
    await model.fit(x, y, { epochs: 3, verbose: 0 });
    assert.notDeepEqual(model.getWeights(), kept);
    model.setWeights(kept);
    assert.deepEqual(await model.predict(x), there);
    assert.throws(() => model.setWeights(kept.slice(1)), { code: 'SHAPE' });
    assert.deepEqual(await model.predict(x), there);
    model.close();
    assert.deepEqual(model.getWeights(), kept);
    assert.deepEqual(await model.predict(x), there);
    model.close();
  });
});

describe('several outputs', () => {
  class Twins extends Model {
    private readonly shared = layers.dense(4, { activation: 'tanh' });
    private readonly left = layers.dense(1);
    private readonly right = layers.dense(3, { activation: 'softmax' });
    // A list of outputs, known only once the model was called.
    override call(input: Value): Value[] {
      const middle = this.shared(input);
      return [this.left(middle), this.right(middle)];
    }
  }

  test('of a class are known once it is called', async () => {
    setRandomSeed(1);
    const model = new Twins();
    model.compile({
      loss: ['mse', 'sparse_categorical_crossentropy'],
      metrics: [['mae'], ['accuracy']],
      threads: 1,
    });
    const classes = tensor(new Int32Array([0, 1, 2]));
    const { history } = await model.fit(x, [y, classes], { epochs: 2, verbose: 0 });
    assert.deepEqual(Object.keys(history), [
      'loss',
      'output_0_loss',
      'output_0_mae',
      'output_1_accuracy',
      'output_1_loss',
    ]);
    await assert.rejects(model.predict(x), { code: 'UNSUPPORTED' });
    const shapes = (await model.predictAll(x)).map(({ shape }) => [...shape]);
    assert.deepEqual(shapes, [
      [3, 1],
      [3, 3],
    ]);
    model.close();
  });

  test('lists that do not match them are refused', () => {
    const inputs = Input({ shape: [2] });
    const outputs = [layers.dense(1)(inputs), layers.dense(1)(inputs)];
    const model = new Model({ inputs, outputs });
    assert.throws(() => model.compile({ loss: ['mse'] }), { code: 'ARGUMENT' });
    assert.throws(() => model.compile({ loss: { other: 'mse' } }), { code: 'ARGUMENT' });
    assert.throws(() => model.compile({ loss: 'mse', lossWeights: [1, NaN] }), {
      code: 'ARGUMENT',
    });
    assert.throws(() => model.compile({ loss: 'no_such_loss' }), { code: 'ARGUMENT' });
    assert.throws(() => model.compile({ metrics: [['no_such_metric'], []] }), { code: 'ARGUMENT' });
  });
});

describe('compiling and closing', () => {
  test('compile again begins with a new optimizer, the weights stay', async () => {
    const model = linearModel();
    await model.fit(x, y, { verbose: 0 });
    const kept = model.getWeights();
    model.compile({ optimizer: new SGD({ learningRate: 0 }), loss: 'mae', threads: 2 });
    assert.equal(model.optimizer.iterations.data[0], 0);
    await model.fit(x, y, { epochs: 3, verbose: 0 });
    assert.deepEqual(model.getWeights(), kept);
    assert.equal((await model.engine()).threads, 2);
    model.close();
  });

  test('after close the next use starts another engine, with everything it had', async () => {
    const [closed, open] = [smallModel(), smallModel()];
    for (const model of [closed, open]) await model.fit(stripes(20), { seed: 1, verbose: 0 });
    closed.close();
    for (const model of [closed, open]) await model.fit(stripes(20), { seed: 2, verbose: 0 });
    assert.deepEqual(bitsOf(closed), bitsOf(open));
    closed.close();
    open.close();
  });

  test('closing in mid-training ends fit with an error, the weights those of a whole step', async () => {
    const model = smallModel();
    const running = model.fit(stripes(20_000), { epochs: 50, batchSize: 4, verbose: 0 });
    setTimeout(() => model.close(), 300);
    await assert.rejects(running, { code: 'STATE' });
    const values = [...model.weights, ...model.optimizer.variables].map(({ data }) => [...data]);
    assert.ok(values.flat().every(Number.isFinite));
    await model.fit(stripes(20), { verbose: 0 });
    model.close();
  });

  const closings: Record<string, (model: Model) => object> = {
    'after a batch': (model) => ({ onTrainBatchEnd: () => model.close() }),
    'between two epochs': (model) => ({
      onEpochEnd: (epoch: number) => epoch === 0 && model.close(),
    }),
    'in validation': (model) => ({ onTestBegin: () => model.close() }),
    'after the last epoch': (model) => ({
      onEpochEnd: (epoch: number) => epoch === 2 && model.close(),
    }),
  };
  for (const [when, stages] of Object.entries(closings)) {
    test(`closing ${when} never lets fit go on in another engine, or end as if all was well`, async () => {
      const model = smallModel();
      const { images, labels } = stripes(12);
      const told: string[] = [];
      const watching = new LambdaCallback({ onTrainEnd: () => void told.push('end') });
      const closing = new LambdaCallback(stages(model));
      const options = { epochs: 3, batchSize: 4, validationSplit: 0.5, verbose: 0 } as const;
      const fitting = model.fit(images, labels, { ...options, callbacks: [watching, closing] });
      await assert.rejects(fitting, { code: 'STATE' });
      assert.deepEqual(told, []);
      assert.ok(model.weights.every(({ data }) => [...data].every(Number.isFinite)));
      await model.fit(images, labels, { ...options, callbacks: [watching] });
      assert.deepEqual(told, ['end']);
      model.close();
    });
  }

  test('closing in onTrainEnd is no failure', async () => {
    const model = smallModel();
    const closing = new LambdaCallback({ onTrainEnd: () => model.close() });
    const { history } = await model.fit(stripes(12), { verbose: 0, callbacks: [closing] });
    assert.equal(history.loss?.length, 1);
  });

  test('a layer added after compile is in the next step', async () => {
    setRandomSeed(1);
    const model = new Sequential([Input({ shape: [2] }), layers.dense(1)]);
    model.compile({ loss: 'mse', threads: 1 });
    const first = await model.predict(x);
    model.add(layers.rescaling(2));
    const second = await model.predict(x);
    assert.deepEqual(
      [...second.data],
      Array.from(first.data, (value) => 2 * value),
    );
    model.close();
  });

  test('a model without layers of its own inputs learns them from the first data', async () => {
    setRandomSeed(1);
    const model = new Sequential([layers.dense(3, { activation: 'relu' }), layers.dense(1)]);
    model.compile({ loss: 'mse', threads: 1 });
    await model.fit(x, y, { verbose: 0 });
    assert.equal(model.countParams(), 2 * 3 + 3 + 3 + 1);
    await assert.rejects(model.fit(new Tensor('float32', [3, 5]), y), { code: 'SHAPE' });
    model.close();
  });
});
