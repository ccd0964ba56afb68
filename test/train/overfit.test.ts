/** @file Every kind of layer learns: a small network around it fits eight samples to a loss below 0.01. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../src/core/random.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { layerNames } from '../../src/layers/registry.ts';
import { Model } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { Adam } from '../../src/train/optimizers/index.ts';

type Symbol = ReturnType<typeof Input>;

const samples = 8;
const classes = 4;
const aim = 0.01;
const mostEpochs = 1500;

/** A convolution before layers without weights, so that what reaches them trains. */
const conv = (x: Symbol) => layers.conv2d(8, 3, { padding: 'same' })(x);
const series = (x: Symbol) => layers.reshape([6, 12])(x);

const bodies: Readonly<Record<string, (x: Symbol) => Symbol>> = {
  ActivityRegularization: (x) => layers.activityRegularization({ l2: 1e-5 })(conv(x)),
  AdaptiveAveragePooling1D: (x) =>
    layers.adaptiveAveragePooling1d(3)(layers.conv1d(16, 3)(series(x))),
  AdaptiveAveragePooling2D: (x) => layers.adaptiveAveragePooling2d(4)(conv(x)),
  AdaptiveMaxPooling1D: (x) => layers.adaptiveMaxPooling1d(3)(layers.conv1d(16, 3)(series(x))),
  AdaptiveMaxPooling2D: (x) => layers.adaptiveMaxPooling2d(4)(conv(x)),
  AlphaDropout: (x) => layers.alphaDropout(0.05)(conv(x)),
  CenterCrop: (x) => layers.centerCrop(4, 4)(conv(x)),
  Cropping1D: (x) => layers.cropping1d(1)(layers.conv1d(16, 3)(series(x))),
  Dot: (x) => {
    const flat = layers.flatten()(conv(x));
    const side = layers.dense(8)(flat);
    return layers.concatenate()([layers.dot(1)([side, layers.dense(8)(flat)]), side]);
  },
  Flatten: (x) => layers.flatten()(conv(x)),
  GlobalAveragePooling1D: (x) =>
    layers.globalAveragePooling1d()(layers.conv1d(32, 3, { activation: 'relu' })(series(x))),
  GlobalMaxPooling1D: (x) => layers.globalMaxPooling1d()(layers.conv1d(32, 3)(series(x))),
  Identity: (x) => layers.identity()(conv(x)),
  RepeatVector: (x) => layers.repeatVector(3)(layers.dense(8)(layers.flatten()(x))),
  Resizing: (x) => layers.resizing(4, 5)(conv(x)),
  RMSNormalization: (x) => layers.rmsNormalization()(conv(x)),
  Softmax: (x) => layers.softmax()(layers.dense(16)(layers.flatten()(x))),
  SpatialDropout1D: (x) => layers.spatialDropout1d(0.1)(layers.conv1d(16, 3)(series(x))),
  UnitNormalization: (x) => layers.unitNormalization()(conv(x)),
  UpSampling1D: (x) => layers.upSampling1d(2)(layers.conv1d(16, 3)(series(x))),
  ZeroPadding1D: (x) => layers.zeroPadding1d(1)(layers.conv1d(16, 3)(series(x))),
  Activation: (x) => layers.activation('silu')(conv(x)),
  Add: (x) => layers.add()([conv(x), conv(x)]),
  Average: (x) => layers.average()([conv(x), conv(x)]),
  AveragePooling1D: (x) => layers.averagePooling1d(2)(layers.conv1d(16, 3)(series(x))),
  AveragePooling2D: (x) => layers.averagePooling2d(2)(conv(x)),
  BatchNormalization: (x) => layers.relu()(layers.batchNormalization({ momentum: 0.5 })(conv(x))),
  Concatenate: (x) => layers.concatenate()([conv(x), x]),
  Conv1D: (x) => layers.conv1d(16, 3, { padding: 'causal' })(series(x)),
  Conv1DTranspose: (x) => layers.conv1dTranspose(8, 3, { strides: 2 })(series(x)),
  Conv2D: conv,
  'Conv2D in groups': (x) => layers.conv2d(8, 3, { groups: 2 })(x),
  'Conv2D, ReLU and pooling': (x) =>
    layers.maxPooling2d(2)(layers.conv2d(16, 3, { activation: 'relu' })(x)),
  Conv2DTranspose: (x) => layers.conv2dTranspose(6, 3, { strides: 2 })(x),
  Cropping2D: (x) => layers.cropping2d(1)(conv(x)),
  Dense: (x) => layers.dense(16, { activation: 'relu' })(layers.flatten()(x)),
  DepthwiseConv1D: (x) => layers.depthwiseConv1d(3)(series(x)),
  DepthwiseConv2D: (x) => layers.depthwiseConv2d(3, { depthMultiplier: 2 })(x),
  Dropout: (x) => layers.dropout(0.1)(conv(x)),
  ELU: (x) => layers.elu()(conv(x)),
  GaussianDropout: (x) => layers.gaussianDropout(0.05)(conv(x)),
  GaussianNoise: (x) => layers.gaussianNoise(0.05)(conv(x)),
  GlobalAveragePooling2D: (x) =>
    layers.globalAveragePooling2d()(layers.conv2d(32, 3, { activation: 'relu' })(x)),
  GlobalMaxPooling2D: (x) => layers.globalMaxPooling2d()(layers.conv2d(32, 3)(x)),
  GroupNormalization: (x) => layers.groupNormalization(2)(conv(x)),
  LayerNormalization: (x) => layers.layerNormalization()(conv(x)),
  LeakyReLU: (x) => layers.leakyRelu()(conv(x)),
  MaxPooling1D: (x) => layers.maxPooling1d(2)(layers.conv1d(16, 3)(series(x))),
  MaxPooling2D: (x) => layers.maxPooling2d(3, { strides: 2, padding: 'same' })(conv(x)),
  Maximum: (x) => layers.maximum()([conv(x), conv(x)]),
  Minimum: (x) => layers.minimum()([conv(x), conv(x)]),
  Multiply: (x) => layers.multiply()([conv(x), conv(x)]),
  Permute: (x) => layers.permute([3, 1, 2])(conv(x)),
  PReLU: (x) => layers.prelu()(conv(x)),
  ReLU: (x) => layers.relu()(conv(x)),
  Reshape: (x) => layers.reshape([-1])(conv(x)),
  SeparableConv1D: (x) => layers.separableConv1d(16, 3)(series(x)),
  SeparableConv2D: (x) => layers.separableConv2d(16, 3)(x),
  SpatialDropout2D: (x) => layers.spatialDropout2d(0.1)(conv(x)),
  Subtract: (x) => layers.subtract()([conv(x), conv(x)]),
  UpSampling2D: (x) => layers.upSampling2d(2)(conv(x)),
  ZeroPadding2D: (x) => layers.zeroPadding2d(1)(conv(x)),
};

/** Layers that need no network of their own here; each gradient is checked by the harness of test/layers. */
const reasons: readonly (readonly [why: string, names: readonly string[]])[] = [
  [
    'changes images in training and has no weights: a network of augmented images need not fit eight samples',
    [
      'AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization CutMix Equalization MixUp RandAugment',
      'RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform',
      'RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective',
      'RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom',
      'Solarization',
    ],
  ],
  ['prepares inputs, before all weights', ['CategoryEncoding InputLayer Normalization Rescaling']],
  ['other layers in a row', ['Pipeline']],
];
const excused = new Set(reasons.flatMap(([, names]) => names.join(' ').split(' ')));

test('every layer that can learn, or through which others learn, has a network or a reason', () => {
  const covered = new Set(Object.keys(bodies));
  assert.deepEqual(
    layerNames().filter((name) => !covered.has(name) && !excused.has(name)),
    [],
    'without either',
  );
  assert.deepEqual(
    layerNames().filter((name) => covered.has(name) && excused.has(name)),
    [],
    'with both',
  );
  for (const name of excused) assert.ok(layerNames().includes(name), `no layer ${name}`);
});

const random = new RandomSequence(31, 1);
const images = new Tensor('float32', [samples, 6, 6, 2]);
images.data.forEach((_, i) => {
  images.data[i] = random.normal();
});
const labels = new Tensor(
  'uint8',
  [samples],
  Uint8Array.from({ length: samples }, (_, i) => i % classes),
);

describe(`a loss below ${aim} on ${samples} samples`, () => {
  for (const [name, body] of Object.entries(bodies)) {
    test(name, async () => {
      setRandomSeed(6);
      const inputs = Input({ shape: [6, 6, 2] });
      const last = layers.flatten()(body(inputs));
      const outputs = layers.dense(classes, { activation: 'softmax' })(last);
      const model = new Model({ inputs, outputs });
      model.compile({
        loss: 'sparse_categorical_crossentropy',
        optimizer: new Adam({ learningRate: 0.02 }),
        threads: 1,
      });
      let loss = Number.POSITIVE_INFINITY;
      for (let epochs = 0; loss >= aim && epochs < mostEpochs; epochs += 150) {
        await model.fit(images, labels, { batchSize: samples, epochs: 150, verbose: 0 });
        loss = (await model.evaluate(images, labels, { verbose: 0 })).loss!;
      }
      assert.ok(loss < aim, `the loss is ${loss} after ${mostEpochs} epochs`);
      model.close();
    });
  }
});
