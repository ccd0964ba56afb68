/**
 * @file The network of `mnist.ts` as a class: layers in the constructor, what happens in `call`. The same seed gives the
 * same bits.
 *
 *     npm run build && node dist/examples/mnist_subclass.js
 */
import { datasets, layers, Model, setRandomSeed, type Value } from 'tsuno';
import { weightsSha256 } from './support/weights_sha256.ts';

class Digits extends Model {
  static override readonly className = 'Digits';
  readonly rescaling = layers.rescaling(1 / 255);
  readonly blocks = [32, 64, 128].flatMap((filters) => [
    layers.conv2d(filters, 3, { activation: 'relu' }),
    layers.maxPooling2d(2),
  ]);
  readonly flatten = layers.flatten();
  readonly dropout = layers.dropout(0.5);
  readonly classes = layers.dense(10, { activation: 'softmax' });

  override call(images: Value): Value {
    let x = this.rescaling(images);
    for (const layer of this.blocks) x = layer(x);
    return this.classes(this.dropout(this.flatten(x)));
  }
}

setRandomSeed(Number(process.env.TSUNO_SEED ?? 1));
const epochs = Number(process.env.TSUNO_EPOCHS ?? 5);
const samples = Number(process.env.TSUNO_SAMPLES ?? 48_000);
const { train, test } = await datasets.mnist.load();

const model = new Digits();
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
