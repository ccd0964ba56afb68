/**
 * @file Networks out of ONNX files compute what onnxruntime computes, and can be trained on. The files of
 * test/fixtures/onnx are those of tools/onnx/write_models.py: of PyTorch, of Keras, and single nodes.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  deserializeModel,
  loadModel,
  loadOnnx,
  type Model,
  serializeModel,
  setRandomSeed,
  Tensor,
  toOnnx,
} from '../../src/index.ts';
import * as keras from '../../src/saving/keras_file.ts';
import { modelCases } from '../support/keras_cases.ts';
import { channelsLast, checkEqual, judged } from './onnx_judge.ts';
import { exportableNetworks, uniform } from './onnx_networks.ts';

const folder = fileURLToPath(new URL('../../../test/fixtures/onnx/', import.meta.url));

describe('what is exported comes back', () => {
  const check = async (model: Model, x: Tensor) => {
    const again = loadOnnx(toOnnx(model));
    checkEqual(await again.predictAll(x), await model.predictAll(x));
    again.close();
    model.close();
  };
  for (const { name, file, x } of modelCases())
    test(name, async () => check((await keras.deserializeModel(readFileSync(file))) as Model, x));
  for (const { name, make, x } of exportableNetworks()) {
    test(name, () => check(make(), x));
  }
});

/** Shapes of a sample as each file has it. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  'torch_residual.onnx': [3, 9, 8],
  'torch_residual_bn.onnx': [3, 9, 8],
  'torch_view.onnx': [1, 16, 14],
  'torch_fixed_batch.onnx': [1, 16, 14],
  'torch_squeeze.onnx': [3, 20, 20],
  'torch_squeeze_dynamo.onnx': [3, 20, 20],
  'torch_branches.onnx': [3, 12, 10],
  'torch_activations.onnx': [6],
  'torch_activations_dynamo.onnx': [6],
  'nodes_padding.onnx': [2, 13, 11],
  'nodes_arithmetic.onnx': [3, 4, 5],
  'nodes_old.onnx': [3, 4],
  'keras.onnx': [10, 8, 3],
};

describe('files of others', () => {
  test('every one has a shape here', () => {
    const found = readdirSync(folder).filter((name) => name.endsWith('.onnx'));
    assert.deepEqual(found.sort(), Object.keys(shapes).sort());
  });

  for (const [name, shape] of Object.entries(shapes)) {
    const bytes = readFileSync(folder + name);
    const isFirst = shape.length === 3 && name !== 'keras.onnx';
    // A file with a fixed batch is run with that.
    const x = uniform(2, ...shape);

    test(`${name} predicts as in onnxruntime`, async () => {
      const expected = await judged(bytes, x);
      const model = await loadModel(folder + name);
      const image = (tensor: Tensor) =>
        isFirst && tensor.rank === 4 ? channelsLast(tensor) : tensor;
      checkEqual(await model.predictAll(image(x)), expected.map(image));
      model.close();
    });

    test(`${name} with channels first`, async () => {
      const expected = await judged(bytes, x);
      const model = loadOnnx(bytes, { layout: 'nchw' });
      const last = name === 'keras.onnx';
      const given = last ? new Tensor('float32', [2, 3, 10, 8], channelsFirst(x)) : x;
      checkEqual(await model.predictAll(given), expected);
      model.close();
    });

    test(`${name} is saved, loaded and trained on`, async () => {
      const model = loadOnnx(bytes);
      const image = isFirst ? channelsLast(x) : x;
      const [before] = await model.predictAll(image);
      const again = await deserializeModel(await serializeModel(model));
      checkEqual(await again.predictAll(image), [before!]);
      const wanted = before!.data.map((_, i) => (i % before!.shape[1]! === 0 ? 1 : 0));
      if (model.trainableWeights.length > 0) {
        setRandomSeed(1);
        model.compile({ optimizer: 'adam', loss: 'mse' });
        const y = new Tensor('float32', before!.shape, Float32Array.from(wanted));
        const { history } = await model.fit(image, y, { epochs: 5, verbose: 0 });
        assert.ok(history.loss!.at(-1)! < history.loss![0]!, String(history.loss));
      }
      model.close();
      again.close();
    });
  }
});

/** [n, h, w, c] as [n, c, h, w], elements alone. */
function channelsFirst(x: Tensor): Float32Array {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const out = new Float32Array(x.size);
  for (let i = 0; i < n * h * w; i++)
    for (let j = 0; j < c; j++) {
      const [sample, pixel] = [Math.floor(i / (h * w)), i % (h * w)];
      out[(sample * c + j) * h * w + pixel] = x.data[i * c + j]!;
    }
  return out;
}
