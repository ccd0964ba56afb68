/** @file Training on a folder of images, decoded as batches want them, is training on the same images in memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  callbacks,
  Dataset,
  Input,
  imageDatasetFromDirectory,
  layers,
  Sequential,
  setRandomSeed,
} from '../../src/index.ts';
import { imageFixtures } from './image_fixtures.ts';
import { refuses } from './refusals.ts';

test('a folder trains to the bits of its images in memory', async () => {
  const set = await imageDatasetFromDirectory(`${imageFixtures}folder`, {
    imageSize: [12, 10],
    seed: 2,
    verbose: false,
  });
  const weights = [];
  for (const data of [set, Dataset.from(await set.load())]) {
    setRandomSeed(5);
    const model = new Sequential([
      Input({ shape: set.sampleShape }),
      layers.rescaling(1 / 255),
      layers.conv2d(3, 3, { activation: 'relu' }),
      layers.flatten(),
      layers.dense(2, { activation: 'softmax' }),
    ]);
    model.compile({ loss: 'sparse_categorical_crossentropy', threads: 1 });
    await model.fit(data, { epochs: 3, batchSize: 2, verbose: 0 });
    weights.push(model.getWeights());
    await model.close();
  }
  assert.ok(weights[0]!.length > 0);
  assert.deepEqual(weights[0], weights[1]);
});

describe('batchSize of a folder', () => {
  const folder = `${imageFixtures}folder`;
  const options = { imageSize: 8, shuffle: false, verbose: false } as const;
  const classifier = () => {
    const model = new Sequential([
      Input({ shape: [8, 8, 3] }),
      layers.flatten(),
      layers.dense(2, { activation: 'softmax' }),
    ]);
    model.compile({ loss: 'sparse_categorical_crossentropy', threads: 1 });
    return model;
  };
  /** Counts steps of each kind. */
  class Counter extends callbacks.Callback {
    readonly counts = { train: 0, test: 0 };
    override onTrainBatchEnd(): void {
      this.counts.train++;
    }
    override onTestBatchEnd(): void {
      this.counts.test++;
    }
  }

  test('is that of fit and its validation, unless they are told another', async () => {
    const set = await imageDatasetFromDirectory(folder, { ...options, batchSize: 2 });
    const held = await imageDatasetFromDirectory(folder, { ...options, batchSize: 3 });
    assert.equal(set.length, 5);
    const cases = [
      [{}, { train: 3, test: 2 }],
      [{ batchSize: 5 }, { train: 1, test: 2 }],
      [{ validationBatchSize: 1 }, { train: 3, test: 5 }],
    ] as const;
    for (const [more, expected] of cases) {
      const counter = new Counter();
      const model = classifier();
      await model.fit(set, {
        validationData: held,
        callbacks: [counter],
        verbose: 0,
        ...more,
      });
      assert.deepEqual(counter.counts, expected);
      await model.close();
    }
  });

  test('is that of evaluate and predict, and stays through what is made of the set', async () => {
    const set = await imageDatasetFromDirectory(folder, { ...options, batchSize: 2 });
    const model = classifier();
    const counter = new Counter();
    const all = set
      .map(({ image }) => ({ image }))
      .cache()
      .prefetch(1)
      .shuffle(3);
    await model.evaluate(all, { callbacks: [counter], verbose: 0 });
    assert.deepEqual(counter.counts, { train: 0, test: 3 });
    assert.deepEqual((await model.predict(all, { steps: 1, verbose: 0 })).shape, [2, 2]);
    for (const one of [all, set.skip(1), set.take(4), ...set.split(0.4)])
      assert.equal(one.batch().batchSize, 2);
    assert.equal(set.batch(4).length, 2);
    await model.close();
  });

  test('is 32 by default, and null leaves it to fit', async () => {
    assert.equal((await imageDatasetFromDirectory(folder, options)).batchSize, 32);
    const free = await imageDatasetFromDirectory(folder, { ...options, batchSize: null });
    assert.equal(free.batchSize, undefined);
    assert.equal(free.batch().batchSize, 32);
  });

  for (const batchSize of [0, -1, 2.5, Number.NaN]) {
    test(`${batchSize} is refused`, async () => {
      await refuses(
        () => imageDatasetFromDirectory(folder, { ...options, batchSize }),
        'ARGUMENT',
        'batchSize',
        'a positive integer',
        String(batchSize),
      );
    });
  }

  test('channels do not come first', async () => {
    await refuses(
      () =>
        imageDatasetFromDirectory(folder, { ...options, dataFormat: 'channels_first' as never }),
      'ARGUMENT',
      'dataFormat',
      'channels_last',
    );
  });
});
