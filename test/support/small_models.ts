/** @file Small models and data for tests of training: quick, and with something to learn. */
import { RandomSequence } from '../../src/core/random.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, type ModelCompileOptions } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';

/** Pixels from 0 to 1: each class has its own bright row. */
export function stripes(
  count: number,
  { classes = 3, size = 6, seed = 1 } = {},
): Dataset<'float32', 'uint8'> {
  const random = new RandomSequence(seed, 77);
  const images = new Tensor('float32', [count, size, size, 1]);
  const labels = new Tensor('uint8', [count]);
  for (let i = 0; i < count; i++) {
    const label = random.below(classes);
    labels.data[i] = label;
    for (let at = 0; at < size * size; at++) {
      const isRow = Math.floor(at / size) === label * 2;
      images.data[i * size * size + at] = (isRow ? 0.6 : 0) + 0.4 * random.uniform();
    }
  }
  return Dataset.from({ images, labels });
}

/** Conv, pool, dropout, dense; compiled for {@link stripes}. */
export function smallModel(options: ModelCompileOptions = {}, seed = 1): Model {
  setRandomSeed(seed);
  const inputs = Input({ shape: [6, 6, 1] });
  let x = layers.conv2d(4, 3, { activation: 'relu' })(inputs);
  x = layers.maxPooling2d(2)(x);
  x = layers.flatten()(x);
  x = layers.dropout(0.25)(x);
  const model = new Model({ inputs, outputs: layers.dense(3, { activation: 'softmax' })(x) });
  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    threads: 1,
    ...options,
  });
  return model;
}

/** One dense layer, `[n, 2]` → `[n, 1]`, for exact arithmetic. */
export function linearModel(options: ModelCompileOptions = {}): Model {
  setRandomSeed(3);
  const inputs = Input({ shape: [2] });
  const model = new Model({ inputs, outputs: layers.dense(1)(inputs) });
  model.compile({ optimizer: 'sgd', loss: 'mse', threads: 1, ...options });
  return model;
}

/** All numbers of a model's weights and of its optimizer, for comparing bits. */
export function bitsOf(model: Model): string[] {
  const { optimizer } = model;
  return [...model.weights, ...optimizer.variables].map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
  );
}
