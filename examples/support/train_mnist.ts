/** @file The job of `mnist.ts` without its pictures, for the examples that write the same network in other ways. */
import { mkdir } from 'node:fs/promises';
import { datasets, type Model } from 'tsuno';
import { writeResult } from './result.ts';
import type { Settings } from './settings.ts';

/** Trains, evaluates and saves a model for MNIST. */
export async function trainMnist(model: Model, settings: Settings): Promise<void> {
  const { folder, epochs, samples, threads } = settings;
  await mkdir(folder, { recursive: true });
  const { train, test } = await datasets.mnist.load();
  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    threads,
  });
  const history = await model.fit(train.take(samples).skip(samples / 5), {
    epochs,
    batchSize: 32,
    validationData: train.take(samples / 5),
  });
  model.summary();
  const result = await model.evaluate(test);
  console.log(
    `test loss ${result.loss.toFixed(4)}, test accuracy ${(result.accuracy * 100).toFixed(2)} %`,
  );
  await writeResult(folder, model, history, result);
  model.close();
}
