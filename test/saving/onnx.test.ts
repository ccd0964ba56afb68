/** @file Networks exported to ONNX give in onnxruntime what they give here, for any batch. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { InferenceSession } from 'onnxruntime-web';
import {
  Input,
  Layer,
  layers,
  Model,
  Sequential,
  type Tensor,
  tensor,
  type Value,
} from '../../src/index.ts';
import { deserializeModel } from '../../src/saving/keras_file.ts';
import { toOnnx } from '../../src/saving/onnx.ts';
import { modelCases } from '../support/keras_cases.ts';

let ort: typeof import('onnxruntime-web');
before(async () => {
  ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
});

async function run(session: InferenceSession, x: Tensor): Promise<Float32Array[]> {
  const feed = new ort.Tensor('float32', Float32Array.from(x.data), [...x.shape]);
  const found = await session.run({ [session.inputNames[0]!]: feed });
  return session.outputNames.map((name) => found[name]!.data as Float32Array);
}

function differ(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++)
    largest = Math.max(largest, Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(b[i]!)));
  return largest;
}

async function check(model: Model, x: Tensor): Promise<void> {
  const session = await ort.InferenceSession.create(toOnnx(model));
  assert.deepEqual(
    session.inputNames,
    model.inputSpecs!.map(({ name }) => name),
  );
  for (const batch of [x, x.slice(0, 1)]) {
    const [found, expected] = [await run(session, batch), await model.predictAll(batch)];
    assert.equal(found.length, expected.length);
    expected.forEach(({ data }, i) => {
      const error = differ(found[i]!, data);
      assert.ok(error < 1e-5, `output ${i} differs by ${error}`);
    });
  }
  await session.release();
  model.close();
}

describe('models of Keras', () => {
  for (const { name, file, x } of modelCases()) {
    test(name, async () => check((await deserializeModel(readFileSync(file))) as Model, x));
  }
});

function uniform(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => (((i + 1) * 7919) % 997) / 500 - 1),
    shape,
  );
}

describe('layers', () => {
  const images: [name: string, stack: () => Layer[]][] = [
    [
      'strides, padding, dilation, groups',
      () => [
        layers.conv2d(6, 3, { strides: 2, padding: 'same', groups: 3 }),
        layers.conv2d(4, 2, { dilationRate: 2 }),
      ],
    ],
    [
      'depthwise and separable',
      () => [
        layers.depthwiseConv2d(3, { depthMultiplier: 2 }),
        layers.separableConv2d(4, 3, { padding: 'same' }),
      ],
    ],
    [
      'transposed',
      () => [
        layers.conv2dTranspose(4, 3, { strides: 2, padding: 'same' }),
        layers.conv2dTranspose(3, 2, { strides: 3 }),
      ],
    ],
    [
      'pooling',
      () => [
        layers.maxPooling2d(3, { strides: 2, padding: 'same' }),
        layers.averagePooling2d(2, { padding: 'same' }),
      ],
    ],
    ['global pooling', () => [layers.globalAveragePooling2d({ keepdims: true }), layers.flatten()]],
    ['global maximum', () => [layers.globalMaxPooling2d()]],
    [
      'normalization',
      () => [
        layers.batchNormalization(),
        layers.layerNormalization(),
        layers.groupNormalization(3),
      ],
    ],
    [
      'upsampling',
      () => [layers.upSampling2d(2), layers.upSampling2d(2, { interpolation: 'bilinear' })],
    ],
    ['resizing', () => [layers.resizing(5, 7)]],
    [
      'what only training has',
      () => [layers.dropout(0.5), layers.gaussianNoise(1), layers.rescaling(2, { offset: 1 })],
    ],
  ];
  for (const [name, stack] of images) {
    test(name, () =>
      check(new Sequential([Input({ shape: [9, 8, 3] }), ...stack()]), uniform(3, 9, 8, 3)),
    );
  }

  test('shapes', () =>
    check(
      new Sequential([
        Input({ shape: [9, 8, 3] }),
        layers.zeroPadding2d(1),
        layers.cropping2d(2),
        layers.permute([3, 1, 2]),
        layers.reshape([-1, 6]),
      ]),
      uniform(3, 9, 8, 3),
    ));

  const activations = [
    'relu',
    'elu',
    'selu',
    'gelu',
    'silu',
    'softplus',
    'softsign',
    'tanh',
    'sigmoid',
    'hard_sigmoid',
    'mish',
    'softmax',
    'log_softmax',
    'leaky_relu',
    'relu6',
    'exponential',
  ];
  for (const activation of activations) {
    test(activation, () =>
      check(
        new Sequential([Input({ shape: [6] }), layers.dense(5, { activation })]),
        uniform(4, 6),
      ),
    );
  }
});

test('several outputs keep their names', async () => {
  const x = Input({ shape: [4], name: 'features' });
  const h = layers.dense(3, { activation: 'relu' })(x);
  const outputs = [layers.dense(2, { name: 'p' })(h), layers.add()([h, layers.dense(3)(x)])];
  const model = new Model({ inputs: x, outputs });
  const session = await ort.InferenceSession.create(toOnnx(model));
  assert.deepEqual(session.outputNames[0], 'p');
  await session.release();
  await check(model, uniform(3, 4));
});

test('what cannot be exported is named', () => {
  assert.throws(() => toOnnx(new Sequential([layers.dense(3)])), { code: 'STATE' });
  class Turned extends Layer {
    static readonly className = 'Turned';
    override call(value: Value) {
      return layers.flatten()(value);
    }
  }
  const open = new Sequential([Input({ shape: [null, 4] }), new Turned()]);
  assert.throws(() => toOnnx(open), { code: /UNSUPPORTED|SHAPE/ });
});
