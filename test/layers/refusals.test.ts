/** @file What layers refuse, with which words: a row for each impossible argument, shape and use. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { TsunoError } from '../../src/core/errors.ts';
import { clearNames } from '../../src/core/names.ts';
import type { PartialShape } from '../../src/core/shape.ts';
import { tensor } from '../../src/core/tensor.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import { Layer } from '../../src/layers/layer.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { input } from '../../src/ops/index.ts';
import { Input } from '../../src/topology/input.ts';

beforeEach(clearNames);

const shaped = (...shape: PartialShape) => Input({ shape });

const rows: [message: string, refused: () => unknown][] = [
  [
    '[Conv2D "conv2d"] filters must be a positive integer, received -1.',
    () => layers.conv2d(-1, 3),
  ],
  [
    '[Conv2D "c"] filters must be a positive integer, received 0.',
    () => layers.conv2d(0, 3, { name: 'c' }),
  ],
  [
    '[Conv2D "conv2d"] filters must be a positive integer, received 2.5.',
    () => layers.conv2d(2.5, 3),
  ],
  [
    '[Conv2D "conv2d"] kernelSize must be a positive integer or 2 of them, received [3, 0].',
    () => layers.conv2d(1, [3, 0]),
  ],
  [
    '[Conv2D "conv2d"] strides must be a positive integer or 2 of them, received 0.',
    () => layers.conv2d(1, 3, { strides: 0 }),
  ],
  [
    '[Conv2D "conv2d"] dilationRate must be a positive integer or 2 of them, received 0.',
    () => layers.conv2d(1, 3, { dilationRate: 0 }),
  ],
  [
    '[Conv2D "conv2d"] strides must be 1 where dilationRate is not, received [2, 2].',
    () => layers.conv2d(1, 3, { strides: 2, dilationRate: 2 }),
  ],
  [
    '[MaxPooling2D "max_pooling2d"] poolSize must be a positive integer or 2 of them, received 0.',
    () => layers.maxPooling2d(0),
  ],
  [
    '[Conv2D "conv2d"] groups must divide the 4 filters, received 3.',
    () => layers.conv2d(4, 3, { groups: 3 }),
  ],
  [
    '[RandomHue "random_hue"] input must be of 3 channels, received (None, 8, 8, 1).',
    () => layers.randomHue(0.2)(shaped(8, 8, 1)),
  ],
  [
    '[RandAugment "rand_augment"] input must be of 1 or 3 channels, received (None, 8, 8, 2).',
    () => layers.randAugment()(shaped(8, 8, 2)),
  ],
  [
    '[RandomColorJitter "random_color_jitter"] input must be of 3 channels, received (None, 8, 8, 1).',
    () => layers.randomColorJitter({ hueFactor: 0.1 })(shaped(8, 8, 1)),
  ],
  [
    '[Pipeline "pipeline"] layers must be a list of layers, at least one, received [].',
    () => layers.pipeline([]),
  ],
  [
    '[RandAugment "rand_augment"] numOps must be a positive integer, received 0.',
    () => layers.randAugment({ numOps: 0 }),
  ],
  ['[AugMix "aug_mix"] alpha must be positive, received 0.', () => layers.augMix({ alpha: 0 })],
  [
    '[Equalization "equalization"] bins must be a positive integer, received 0.5.',
    () => layers.equalization({ bins: 0.5 }),
  ],
  [
    '[Conv2D "conv2d"] groups must divide the 5 input channels, received 2.',
    () => layers.conv2d(4, 3, { groups: 2 })(shaped(8, 8, 5)),
  ],
  [
    '[Conv2D "conv2d"] padding must be one of "valid", "same", received "causal".',
    () => layers.conv2d(1, 3, { padding: 'causal' }),
  ],
  [
    '[Conv2D "conv2d"] kernelSize [5, 5] must fit into the input (None, 3, 8, 1): along axis 1, ⌊(3 − 4 − 1) / 1⌋ + 1 must be at least 1, received -1. Use padding "same", a smaller window or a larger input.',
    () => layers.conv2d(1, 5)(shaped(3, 8, 1)),
  ],
  [
    '[MaxPooling2D "max_pooling2d"] poolSize [2, 2] must fit into the input (None, 1, 1, 3): along axis 1, ⌊(1 − 1 − 1) / 2⌋ + 1 must be at least 1, received 0. Use padding "same", a smaller window or a larger input.',
    () => layers.maxPooling2d(2)(shaped(1, 1, 3)),
  ],
  [
    '[Conv2D "conv2d"] input must be of rank 4, [batch, height, width, channels], received rank 3, (None, 28, 28).',
    () => layers.conv2d(1, 3)(shaped(28, 28)),
  ],
  [
    '[Conv2D "conv2d"] dataFormat must be "channels_last", received "channels_first". Transpose the images to [n, h, w, c], e.g. with layers.permute([2, 3, 1]).',
    () => layers.conv2d(1, 3, { dataFormat: 'channels_first' }),
  ],
  [
    '[Conv2D "conv2d"] extent of axis -1 must be known when the layer is built, received (None, 8, 8, None). Give it in Input({ shape }).',
    () => layers.conv2d(1, 3)(shaped(8, 8, null)),
  ],
  [
    '[Conv2DTranspose "conv2d_transpose"] outputPadding must be less than strides [2,2], received 2.',
    () => layers.conv2dTranspose(1, 3, { strides: 2, outputPadding: 2 }),
  ],
  ['[Dense "dense"] units must be a positive integer, received 0.', () => layers.dense(0)],
  [
    '[Dense "dense"] weight "kernel" of shape [100000, 100000] must be at most 2.0 GB, received one that needs 40.0 GB.',
    () => layers.dense(100_000)(shaped(100_000)),
  ],
  [
    '[Dropout "dropout"] rate must be a number from 0 to 1, received 1.5.',
    () => layers.dropout(1.5),
  ],
  [
    '[Reshape "reshape"] targetShape [5, -1] must hold the 12 elements of each sample, received a multiple of 5.',
    () => layers.reshape([5, -1])(shaped(12)),
  ],
  [
    '[Cropping2D "cropping2d"] cropping [2, 2] along axis 1 must leave something of the input (None, 4, 4, 1), received 4 − 4 = 0.',
    () => layers.cropping2d(2)(shaped(4, 4, 1)),
  ],
  [
    '[Add "add"] input shapes must broadcast to one shape, received (None, 3) and (None, 4).',
    () => layers.add()([shaped(3), shaped(4)]),
  ],
  [
    '[Add "add"] input must be a list of tensors, received (None, 3). Call it as layer([a, b]).',
    () => layers.add()(shaped(3)),
  ],
  [
    '[Subtract "subtract"] inputs must be two tensors, received 3.',
    () => layers.subtract()([shaped(3), shaped(3), shaped(3)]),
  ],
  [
    '[Concatenate "concatenate"] input shapes must be a list, equal except at axis -1, received (None, 3, 1) and (None, 4, 1).',
    () => layers.concatenate()([shaped(3, 1), shaped(4, 1)]),
  ],
  [
    '[GroupNormalization "group_normalization"] groups must divide the 6 channels, received 4.',
    () => layers.groupNormalization(4)(shaped(2, 6)),
  ],
  [
    '[BatchNormalization "batch_normalization"] renorm must be left out, received true.',
    () => layers.batchNormalization({ renorm: true }),
  ],
  [
    '[InputLayer "input_layer"] shape must be positive integers, or null where unknown, received [null, 0].',
    () => Input({ shape: [0] }),
  ],
  [
    '[Dense "dense"] input must be a symbolic tensor, as Input({ shape }) gives, or a value inside call, received a Tensor. To compute with numbers, put the layer into a model and call predict.',
    () => layers.dense(1)(tensor([[1, 2]]) as unknown as Value),
  ],
  [
    '[layer "l"] class must be a layer of tsuno or one given to registerLayer, received "Lambda".',
    () => layerFromConfig({ class_name: 'Lambda', config: { name: 'l' } }),
  ],
  [
    '[Dense "dense"] dtype must be "float32", received "float16".',
    () => layers.dense(1, { dtype: 'float16' }),
  ],
  [
    '[Dense] name must be a string without "/", received "a/b".',
    () => layers.dense(1, { name: 'a/b' }),
  ],
];

describe('layers refuse', () => {
  for (const [message, refused] of rows) {
    test(message.slice(0, 90), () => {
      assert.throws(refused, (error) => {
        assert.ok(error instanceof TsunoError);
        assert.equal(error.message, message);
        return true;
      });
    });
  }

  test('an unknown name, listing those that are known', () => {
    const unknown: [what: string, refused: () => unknown][] = [
      ['activation', () => layers.dense(1, { activation: 'rleu' })],
      ['kernelInitializer', () => layers.dense(1, { kernelInitializer: 'he' })],
      ['kernelRegularizer', () => layers.dense(1, { kernelRegularizer: 'l3' })],
      ['kernelConstraint', () => layers.dense(1, { kernelConstraint: 'positive' })],
    ];
    for (const [what, refused] of unknown) {
      assert.throws(refused, (error) => {
        assert.ok(error instanceof TsunoError);
        assert.equal(error.what, what);
        assert.match(error.expected, /^a known \w+ \(\w+, /);
        return true;
      });
    }
  });

  test('codes: MEMORY for a weight too large, before it is allocated', () => {
    const before = process.memoryUsage().arrayBuffers;
    assert.throws(() => layers.dense(100_000)(shaped(100_000)), { code: 'MEMORY' });
    assert.ok(process.memoryUsage().arrayBuffers - before < 1e6);
  });

  test('a failed build leaves a layer that can be built', () => {
    const layer = layers.conv2d(2, 3);
    assert.throws(() => layer.build([null, 2, 2, 1]), { code: 'SHAPE' });
    assert.equal(layer.built, false);
    layer.build([null, 5, 5, 1]);
    assert.deepEqual(
      layer.weights.map(({ name }) => name),
      ['kernel', 'bias'],
    );
  });

  test('other channels than the weights were made for', () => {
    const layer = layers.conv2d(2, 3);
    layer(shaped(8, 8, 3));
    assert.throws(() => layer(shaped(8, 8, 4)), {
      code: 'SHAPE',
      message:
        '[Conv2D "conv2d"] axis -1 of the input must be of extent 3, as the weights are, received (None, 8, 8, 4).',
    });
  });

  test('a call that gives no value', () => {
    class Empty extends Layer {
      override call(): Value {
        return undefined as unknown as Value;
      }
    }
    const graph = new Graph();
    const x = input(graph, 'x', [1, 2]);
    assert.throws(() => tracing(new Trace(graph, false), () => new Empty()(x)), {
      code: 'USER_CODE',
      message: '[Empty "empty"] result of call must be a value of the graph, received undefined.',
    });
  });

  test('weights that do not fit, before any is changed', () => {
    const layer = layers.dense(2, { kernelInitializer: 'ones' });
    layer.build([null, 3]);
    const [, bias] = layer.getWeights();
    assert.throws(() => layer.setWeights([bias!, bias!]), { code: 'SHAPE' });
    assert.deepEqual(layer.getWeights()[0]!.toArray(), [
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });
});
