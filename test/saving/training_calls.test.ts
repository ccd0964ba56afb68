/**
 * @file Keras's files say of dropout that it was called with `training: false`, and of augmentation with `true`: what its
 * layers take for granted, to no effect. Loaded models must be random in training all the same, and not in use.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  deserializeModel,
  Input,
  layers,
  Model,
  type SymbolicTensor,
  serializeModel,
  Tensor,
} from '../../src/index.ts';
import { configOf } from './archives.ts';

const x = new Tensor(
  'float32',
  [8, 6, 6, 1],
  Float32Array.from({ length: 288 }, (_, i) => (i * 7) % 11),
);

async function saved(body: (image: SymbolicTensor) => SymbolicTensor): Promise<Uint8Array> {
  const image = Input({ shape: [6, 6, 1] });
  const model = new Model({ inputs: image, outputs: layers.conv2d(2, 3)(body(image)) });
  model.compile({ optimizer: 'sgd', loss: 'mse' });
  return serializeModel(model);
}

interface Described {
  config: { layers: { inbound_nodes: { kwargs: Record<string, unknown> }[] }[] };
}

describe('a loaded model', () => {
  const cases: [
    name: string,
    layer: () => (image: SymbolicTensor) => SymbolicTensor,
    stored: boolean,
  ][] = [
    ['dropout', () => layers.dropout(0.5), false],
    ['noise', () => layers.gaussianNoise(1), false],
    ['flips', () => layers.randomFlip(), true],
  ];
  for (const [name, layer, stored] of cases) {
    test(`is random in training: ${name}`, async () => {
      const bytes = await saved(layer());
      const { config } = (await configOf(bytes)) as Described;
      assert.deepEqual(config.layers[1]!.inbound_nodes[0]!.kwargs, { training: stored });
      const model = await deserializeModel(bytes);
      const still = await model.predict(x);
      assert.deepEqual((await model.predict(x)).data, still.data);
      // Its own predictions are only missed where training differs from them.
      const { loss } = await model.trainOnBatch(x, still);
      assert.ok(loss! > 1e-3, `${loss}`);
      model.close();
    });
  }

  test('keeps what was said of a batch normalization', async () => {
    const bytes = await saved((image) => layers.batchNormalization()(image, { training: false }));
    const model = await deserializeModel(bytes);
    const still = await model.predict(x);
    const { loss } = await model.trainOnBatch(x, still);
    assert.ok(loss! < 1e-6, `${loss}`);
    model.close();
  });
});
