/** @file What the other ways to write the network of `mnist.ts` share with it: seed, data, compile, fit and test. */
import { datasets, type Model, setRandomSeed } from 'tsuno';
import { weightsSha256 } from './weights_sha256.ts';

/** Before the network is built: its first weights follow from the seed. */
export function begin(): void {
  setRandomSeed(Number(process.env.TSUNO_SEED ?? 1));
}

/** Prints loss and accuracy on the test images, and one number for all weights: equal where every bit is. */
export async function trainAndTest(model: Model): Promise<void> {
  const epochs = Number(process.env.TSUNO_EPOCHS ?? 5);
  const samples = Number(process.env.TSUNO_SAMPLES ?? 48_000);
  const { train, test } = await datasets.mnist.load();

  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
  });
  await model.fit(train.skip(12_000).take(samples), {
    epochs,
    batchSize: 32,
    validationData: train.take(12_000),
  });
  console.log(await model.evaluate(test));
  console.log(weightsSha256(model));
  model.close();
}
