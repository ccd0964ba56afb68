/**
 * @file The gradient of whole models as they train, in the engine's float32, by directions: one step of SGD with rate 1
 * takes the gradient off the weights; along a direction the loss changes by as much as the gradient says.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../src/core/random.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { Model } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { SGD } from '../../src/train/optimizers/index.ts';
import { stripes } from '../support/small_models.ts';

type Body = (x: ReturnType<typeof Input>) => ReturnType<typeof Input>;

const directions = 5;
const distance = 1e-3;
/** Of the slope. */
const tolerance = 1e-2;
const smooth = { activation: 'tanh' } as const;

const models: Readonly<Record<string, Body>> = {
  'dense layers': (x) => layers.dense(9, smooth)(layers.dense(16, smooth)(layers.flatten()(x))),
  'convolution and pooling': (x) =>
    layers.maxPooling2d(2)(layers.conv2d(5, 3, { activation: 'relu' })(x)),
  'Winograd’s convolutions': (x) =>
    layers.conv2d(8, 3, { padding: 'same' })(
      layers.conv2d(8, 3, { padding: 'same', ...smooth })(x),
    ),
  'Winograd’s with pooling': (x) =>
    layers.maxPooling2d(2)(
      layers.conv2d(8, 3, { activation: 'relu' })(layers.conv2d(8, 3, { padding: 'same' })(x)),
    ),
  'strides and dilation': (x) =>
    layers.conv2d(3, 2, { dilationRate: 2, ...smooth })(
      layers.conv2d(4, 3, { strides: 2, padding: 'same' })(x),
    ),
  groups: (x) => layers.conv2d(6, 3, { groups: 2, ...smooth })(layers.conv2d(4, 1)(x)),
  'depthwise and separable': (x) =>
    layers.separableConv2d(5, 3, smooth)(layers.depthwiseConv2d(3, { depthMultiplier: 2 })(x)),
  'transposed convolution': (x) =>
    layers.conv2dTranspose(3, 3, { strides: 2, padding: 'same', ...smooth })(x),
  'average pooling': (x) => layers.averagePooling2d(3, { strides: 2 })(layers.conv2d(4, 1)(x)),
  'a residual': (x) => {
    const wide = layers.conv2d(4, 1)(x);
    return layers.add()([wide, layers.conv2d(4, 3, { padding: 'same', ...smooth })(wide)]);
  },
  'two ways joined': (x) =>
    layers.concatenate()([
      layers.conv2d(3, 3, { padding: 'same', ...smooth })(x),
      layers.conv2d(2, 1, { activation: 'sigmoid' })(x),
    ]),
  'normalization by layers and groups': (x) =>
    layers.groupNormalization(2)(
      layers.layerNormalization()(layers.conv2d(6, 3, { activation: 'gelu' })(x)),
    ),
};

function modelOf(body: Body): Model {
  setRandomSeed(4);
  const inputs = Input({ shape: [6, 6, 1] });
  const outputs = layers.dense(3)(layers.flatten()(body(inputs)));
  const model = new Model({ inputs, outputs });
  model.compile({
    loss: 'mse',
    optimizer: new SGD({ learningRate: 1 }),
    threads: 2,
  });
  return model;
}

/** All numbers end to end. */
const flat = (tensors: readonly Tensor[]) =>
  Float64Array.from(tensors.flatMap(({ data }) => Array.from(data, Number)));

const dot = (a: Float64Array, b: Float64Array) =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

const unit = (a: Float64Array) => {
  const length = Math.sqrt(dot(a, a));
  return a.map((value) => value / length);
};

describe('gradients along directions', () => {
  for (const [name, body] of Object.entries(models)) {
    test(name, async () => {
      const model = modelOf(body);
      const random = new RandomSequence(8, 1);
      const x = stripes(12).images;
      const y = new Tensor('float32', [12, 3]);
      y.data.forEach((_, i) => {
        y.data[i] = random.normal();
      });
      const before = model.getWeights();
      const from = flat(before);
      await model.trainOnBatch(x, y);
      const moved = flat(model.getWeights());
      const gradient = from.map((value, i) => value - moved[i]!);
      const lossAt = async (weights: Float64Array): Promise<number> => {
        let at = 0;
        model.setWeights(
          before.map(({ shape, size }) => {
            at += size;
            return new Tensor('float32', shape, Float32Array.from(weights.subarray(at - size, at)));
          }),
        );
        return (await model.evaluate(x, y, { verbose: 0 })).loss!;
      };
      for (let number = 0; number < directions; number++) {
        const chance = unit(from.map(() => random.normal()));
        // Half of it uphill, so that the slope is no small difference of large parts.
        const direction = unit(unit(gradient).map((value, i) => value + chance[i]!));
        const [above, below] = [
          await lossAt(from.map((value, i) => value + distance * direction[i]!)),
          await lossAt(from.map((value, i) => value - distance * direction[i]!)),
        ];
        const slope = (above - below) / (2 * distance);
        const expected = dot(gradient, direction);
        assert.ok(expected > 1e-2, `a slope of ${expected}`);
        assert.ok(
          Math.abs(slope - expected) <= tolerance * expected,
          `direction ${number}: the loss rises by ${slope}, the gradient says ${expected}`,
        );
      }
      model.close();
    });
  }
});
