/**
 * @file The network of `mnist.ts` as a stack of layers. The same seed gives the same bits.
 *
 *     npm run build && node dist/examples/mnist_sequential.js
 */
import { datasets, Input, layers, Sequential, setRandomSeed } from 'tsuno';
import { weightsSha256 } from './support/weights_sha256.ts';

setRandomSeed(Number(process.env.TSUNO_SEED ?? 1));
const epochs = Number(process.env.TSUNO_EPOCHS ?? 5);
const samples = Number(process.env.TSUNO_SAMPLES ?? 48_000);
const { train, test } = await datasets.mnist.load();

const model = new Sequential([
  Input({ shape: [28, 28, 1] }),
  layers.rescaling(1 / 255),
  layers.conv2d(32, 3, { activation: 'relu' }),
  layers.maxPooling2d(2),
  layers.conv2d(64, 3, { activation: 'relu' }),
  layers.maxPooling2d(2),
  layers.conv2d(128, 3, { activation: 'relu' }),
  layers.maxPooling2d(2),
  layers.flatten(),
  layers.dropout(0.5),
  layers.dense(10, { activation: 'softmax' }),
]);
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
