/** @file Training on a folder of images, decoded as batches want them, is training on the same images in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Dataset,
  Input,
  imageDatasetFromDirectory,
  layers,
  Sequential,
  setRandomSeed,
} from '../../src/index.ts';
import { imageFixtures } from './image_fixtures.ts';

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
