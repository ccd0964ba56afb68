/**
 * @file The network of `mnist.ts` as a stack of layers. The same seed gives the same bits.
 *
 *     npm run build && node dist/examples/mnist_sequential.js
 */
import { Input, layers, Sequential } from 'tsuno';
import { begin, trainAndTest } from './support/digits.ts';

begin();
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
await trainAndTest(model);
