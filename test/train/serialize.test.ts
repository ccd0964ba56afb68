/** @file What compile is given, written into a file's form and read back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Serialized } from '../../src/layers/serialized.ts';
import { Huber, Loss } from '../../src/train/losses/index.ts';
import { Precision } from '../../src/train/metrics/index.ts';
import { Adam } from '../../src/train/optimizers/index.ts';
import { CosineDecay } from '../../src/train/schedules/index.ts';
import { deserialize, serialize } from '../../src/train/serialize.ts';
import { kerasParts } from '../support/keras_parts.ts';

test('names stay names, functions are kept by name', () => {
  assert.equal(serialize('adam'), 'adam');
  assert.deepEqual(
    serialize(function distance() {}),
    {
      module: 'builtins',
      class_name: 'function',
      config: 'distance',
      registered_name: 'function',
    },
  );
});

test('an object takes the form of Keras', () => {
  assert.deepEqual(serialize(new Huber({ delta: 2 })), {
    module: 'keras.losses',
    class_name: 'Huber',
    config: { name: 'huber_loss', reduction: 'sum_over_batch_size', delta: 2 },
    registered_name: null,
  });
  assert.deepEqual(serialize(Huber), serialize(new Huber()));
});

test('an optimizer carries its schedule', () => {
  const schedule = new CosineDecay({ initialLearningRate: 0.1, decaySteps: 10 });
  const form = serialize(new Adam({ learningRate: schedule, name: 'adam' }));
  assert.deepEqual(form.config.learning_rate, serialize(schedule));
  const back = deserialize(form) as Adam;
  assert.ok(back.schedule instanceof CosineDecay);
  assert.deepEqual(back.serialize(), form);
});

describe('every case of Keras is read and written alike', () => {
  const forms: [kind: string, key: string][] = [
    ['losses', 'loss'],
    ['metrics', 'metric'],
    ['optimizers', 'optimizer'],
    ['schedules', 'schedule'],
  ];
  for (const [kind, key] of forms) {
    test(kind, () => {
      for (const given of kerasParts<Record<string, Serialized>>(kind)) {
        const form = given[key]!;
        const written = deserialize(form).serialize();
        assert.equal(written.module, form.module);
        assert.equal(written.class_name, form.class_name);
        assert.deepEqual(deserialize(written).serialize(), written);
      }
    });
  }
});

test('objects of a family come back as that family', () => {
  assert.ok(deserialize(new Huber().serialize()) instanceof Loss);
  assert.ok(deserialize(new Precision().serialize()) instanceof Precision);
});

test('other modules are refused', () => {
  const form = { module: 'builtins', class_name: 'eval', config: {}, registered_name: null };
  assert.throws(() => deserialize(form), { name: 'TsunoError', code: 'UNSUPPORTED' });
});
