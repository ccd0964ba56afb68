/** @file `inspect`: a step at every stage, and that looking changes nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Input, inspect, inspectStages, layers, Model, tensor } from '../../src/index.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

function compiledWith(loss: string | undefined): Model {
  const inputs = Input({ shape: [6, 6, 1] });
  const x = layers.flatten()(inputs);
  const model = new Model({ inputs, outputs: layers.dense(3, { activation: 'softmax' })(x) });
  model.compile({ loss, metrics: ['accuracy'] });
  return model;
}

describe('inspect', () => {
  for (const stage of inspectStages) {
    test(`${stage}: the same text twice, and training is as if nobody had looked`, async () => {
      const [seen, other] = [smallModel(), smallModel()];
      const text = inspect(seen, stage, { batchSize: 8 });
      assert.equal(inspect(seen, stage, { batchSize: 8 }), text);
      for (const model of [seen, other]) {
        await model.fit(stripes(24), { epochs: 1, batchSize: 8, seed: 1, verbose: 0 });
        model.close();
      }
      assert.deepEqual(bitsOf(seen), bitsOf(other));
    });
  }

  test('labels are those that the loss wants', () => {
    const labels = (loss: string) =>
      /name: y0, (shape: .*?), dtype: (\w+)/.exec(inspect(compiledWith(loss), 'graph'))!.slice(1);
    assert.deepEqual(labels('sparse_categorical_crossentropy'), ['shape: [1]', 'int32']);
    assert.deepEqual(labels('categorical_crossentropy'), ['shape: [1, 3]', 'float32']);
  });

  test('one-hot labels may come after a look at a model that has a choice', async () => {
    const model = compiledWith('mse');
    inspect(model, 'passes');
    const { images } = stripes(8);
    const oneHot = Array.from({ length: 8 }, (_, i) => [0, 1, 2].map((k) => Number(k === i % 3)));
    const { accuracy } = await model.evaluate(images, tensor(oneHot), { verbose: 0 });
    assert.ok(accuracy! >= 0 && accuracy! <= 1);
    model.close();
  });

  test('without a loss it is a step of prediction', () => {
    const model = compiledWith(undefined);
    assert.match(inspect(model, 'graph'), /^result prediction0 = %\d+$/m);
    assert.match(inspect(model, 'plan'), /^result prediction0 at /m);
    assert.throws(() => inspect(model, 'gradient'), { code: 'STATE' });
  });

  test('refuses what cannot be', () => {
    const model = compiledWith('mse');
    assert.throws(() => inspect(model, 'graph', { batchSize: 0 }), { code: 'ARGUMENT' });
    assert.throws(() => inspect(model, 'plan', { threads: 1.5 }), { code: 'ARGUMENT' });
    assert.throws(() => inspect(new Model(), 'graph'), { code: 'STATE' });
  });
});
