/**
 * @file The network of `mnist.ts` as a class: layers in the constructor, what happens in `call`. The same seed gives the
 * same bits.
 *
 *     npm run build && node dist/examples/mnist_subclass.js
 */
import { layers, Model, type Value } from 'tsuno';
import { begin, trainAndTest } from './support/digits.ts';

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

begin();
await trainAndTest(new Digits());
