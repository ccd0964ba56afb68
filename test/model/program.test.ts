/** @file The program a user writes, on few images: it compiles in strict mode without a cast, and runs. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  callbacks,
  type Dataset,
  datasets,
  type History,
  Input,
  layers,
  loadModel,
  Model,
  plots,
  type Tensor,
} from '../../src/index.ts';
import { printed } from '../support/printed.ts';

test('the article’s job', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsuno-program-'));
  const at = (name: string) => join(folder, name);

  const { train, test } = await datasets.mnist.load();
  const validation: Dataset = train.take(100);
  const training = train.skip(100).take(400);

  const inputs = Input({ shape: [28, 28, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  x = layers.conv2d(32, 3, { activation: 'relu' })(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.conv2d(64, 3, { activation: 'relu' })(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.conv2d(128, 3, { activation: 'relu' })(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.flatten()(x);
  x = layers.dropout(0.5)(x);
  const outputs = layers.dense(10, { activation: 'softmax' })(x);

  const model = new Model({ inputs, outputs });
  const { text } = await printed(async () => model.summary());
  assert.match(text, /Total params: 93,962/);
  await plots.model(model, at('model.svg'), { showShapes: true });
  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
  });
  const stop = new callbacks.EarlyStopping({ patience: 3, restoreBestWeights: true });
  const history: History = await model.fit(training, {
    epochs: 2,
    batchSize: 32,
    validationData: validation,
    callbacks: [stop],
    verbose: 0,
  });
  await plots.history(history, at('curves.svg'));
  const result = await model.evaluate(test.take(200), { verbose: 0 });
  const accuracy: number = result.accuracy;
  assert.ok(accuracy > 0.3, `accuracy ${accuracy}`);
  const probabilities: Tensor<'float32'> = await model.predict(test.images.slice(0, 1));
  assert.deepEqual([...probabilities.shape], [1, 10]);
  await model.save(at('mnist.keras'));
  assert.deepEqual(readdirSync(folder).sort(), ['curves.svg', 'mnist.keras', 'model.svg']);

  const again = await loadModel(at('mnist.keras'));
  assert.deepEqual(await again.predict(test.images.slice(0, 1)), probabilities);
  model.close();
  again.close();
  rmSync(folder, { recursive: true });
});
