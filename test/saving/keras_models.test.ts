/** @file Files of Keras are loaded and predict what Keras predicts; saved and loaded again, nothing has changed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { datasets } from '../../src/data/index.ts';
import { Model } from '../../src/model/model.ts';
import { deserializeModel, serializeModel } from '../../src/saving/keras_file.ts';
import { modelConfig } from '../../src/saving/model_config.ts';
import { modelCases, trainedMnist } from '../support/keras_cases.ts';
import { arraysOf, configOf } from './archives.ts';

describe('models of Keras', () => {
  for (const { name, file, x, predict } of modelCases()) {
    test(name, async () => {
      const bytes = readFileSync(file);
      const model = await deserializeModel(bytes, {}, name);
      assert.ok(model instanceof Model);
      const found = await model.predict(x);
      model.close();
      let largest = 0;
      predict.data.forEach((value, i) => {
        largest = Math.max(largest, Math.abs(value - found.data[i]!));
      });
      assert.ok(largest <= 1e-5, `predictions differ by ${largest}`);

      const saved = await serializeModel(model);
      assert.deepEqual(comparable(await configOf(saved)), comparable(await configOf(bytes)));
      const again = await deserializeModel(saved, {}, name);
      assert.deepEqual(modelConfig(again), modelConfig(model));
      assert.deepEqual(values(again), values(model));
      assert.deepEqual(await arraysOf(saved), await arraysOf(bytes));
      assert.equal(model.optimizer.iterations.data[0], 5);
    });
  }
});

test("Keras's trained network has Keras's loss and accuracy on the test images", async () => {
  const { file, loss, accuracy, predict } = trainedMnist();
  const model = await deserializeModel(readFileSync(file));
  assert.ok(model instanceof Model);
  const { test: images } = await datasets.mnist.load();
  const found = await model.evaluate(images, { verbose: 0 });
  const probabilities = await model.predict(images.images.slice(0, 256));
  model.close();
  assert.ok(Math.abs(found.loss! - loss) < 1e-6, `loss ${found.loss}, Keras has ${loss}`);
  assert.ok(
    Math.abs(found.accuracy! - accuracy) < 1e-6,
    `accuracy ${found.accuracy}, Keras has ${accuracy}`,
  );
  predict.data.forEach((p, i) => {
    assert.ok(Math.abs(p - probabilities.data[i]!) <= 1e-5);
  });
});

/** Weights and the state of the optimizer. */
function values(model: Pick<Model, 'weights' | 'compiled'>): unknown[] {
  return [...model.weights, ...model.compiled!.optimizer.variables].map(({ path, data }) => [
    path,
    data,
  ]);
}

/** Without the marks of objects that Keras shares. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'shared_object_id')
      .map(([key, item]) => [key, comparable(item)]),
  );
}
