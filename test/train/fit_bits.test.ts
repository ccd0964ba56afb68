/** @file fit 10, 19, 23: the same bits for any number of threads, any way of writing a model, any batch of a prediction. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Callback } from '../../src/callbacks/index.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';

/** The article's network, smaller. */
function functional(): Model {
  const inputs = Input({ shape: [14, 14, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  x = layers.conv2d(8, 3, { activation: 'relu' })(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.conv2d(12, 3, { activation: 'relu' })(x);
  x = layers.batchNormalization()(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.flatten()(x);
  x = layers.dropout(0.5)(x);
  return new Model({ inputs, outputs: layers.dense(10, { activation: 'softmax' })(x) });
}

function sequential(): Model {
  return new Sequential([
    Input({ shape: [14, 14, 1] }),
    layers.rescaling(1 / 255),
    layers.conv2d(8, 3, { activation: 'relu' }),
    layers.maxPooling2d(2),
    layers.conv2d(12, 3, { activation: 'relu' }),
    layers.batchNormalization(),
    layers.maxPooling2d(2),
    layers.flatten(),
    layers.dropout(0.5),
    layers.dense(10, { activation: 'softmax' }),
  ]);
}

class Subclass extends Model {
  private readonly scale = layers.rescaling(1 / 255);
  private readonly first = layers.conv2d(8, 3, { activation: 'relu' });
  private readonly second = layers.conv2d(12, 3, { activation: 'relu' });
  private readonly norm = layers.batchNormalization();
  private readonly pool = layers.maxPooling2d(2);
  private readonly flat = layers.flatten();
  private readonly drop = layers.dropout(0.5);
  private readonly head = layers.dense(10, { activation: 'softmax' });

  override call(x: Value): Value {
    const early = this.pool(this.first(this.scale(x)));
    const late = this.pool(this.norm(this.second(early)));
    return this.head(this.drop(this.flat(late)));
  }
}

function pixels(count: number): Dataset {
  const random = new RandomSequence(3, 9);
  const images = new Tensor('uint8', [count, 14, 14, 1]);
  const labels = new Tensor('uint8', [count]);
  for (let i = 0; i < images.size; i++) images.data[i] = random.below(256);
  for (let i = 0; i < count; i++) labels.data[i] = random.below(10);
  return Dataset.from({ images, labels });
}

/** SHA-256 of all weights after three epochs, the history with it. */
async function trained(
  make: () => Model,
  threads: number,
  callbacks: Callback[] = [],
): Promise<string> {
  setRandomSeed(11);
  const model = make();
  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    threads,
  });
  const { history } = await model.fit(pixels(150), {
    epochs: 3,
    validationSplit: 0.2,
    callbacks,
    verbose: 0,
  });
  model.close();
  const sha = createHash('sha256').update(JSON.stringify(history));
  for (const { data } of model.weights)
    sha.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return sha.digest('hex');
}

describe('fit 10: the same bits', () => {
  test('functional, sequential, as a class, with 1 to 4 threads', async () => {
    const expected = await trained(functional, 1);
    for (const make of [functional, sequential, () => new Subclass()]) {
      for (const threads of [1, 2, 3, 4]) {
        assert.equal(await trained(make, threads), expected, `${make}, ${threads} threads`);
      }
    }
  });

  test('fit 23: batch by batch for a callback', async () => {
    class Batches extends Callback {
      override async onTrainBatchEnd(): Promise<void> {
        await Promise.resolve();
      }
      override onTestBatchEnd(): void {}
    }
    assert.equal(await trained(functional, 2, [new Batches()]), await trained(functional, 2));
  });

  test('another seed gives others', async () => {
    const [a, b] = [1, 2].map(async (seed) => {
      setRandomSeed(seed);
      const model = functional();
      return [...model.weights[0]!.data].join();
    });
    assert.notEqual(await a, await b);
  });
});

test('fit 19: rows of predictions have the same bits for batches of 1, 7, 32 and 256', async () => {
  for (const threads of [1, 2]) {
    setRandomSeed(11);
    const model = functional();
    model.compile({ loss: 'sparse_categorical_crossentropy', threads });
    const { images } = pixels(300);
    const all = await model.predict(images, { batchSize: 256 });
    for (const batchSize of [1, 7, 32]) {
      const found = await model.predict(images, { batchSize });
      assert.deepEqual(found, all, `batches of ${batchSize}`);
    }
    const some = await model.predict(images.slice(100, 103));
    assert.deepEqual([...some.data], [...all.slice(100, 103).data]);
    model.close();
  }
});
