/** @file Every layer through the harness: one row or more each, and a check that none is left out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Shape } from '../../src/core/shape.ts';
import * as layers from '../../src/layers/index.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { layerFromConfig, layerNames } from '../../src/layers/registry.ts';
import type { Config } from '../../src/layers/serialized.ts';
import { root } from '../repository/sources.ts';
import { checkLayer, type LayerCheck } from './check_layer.ts';

const image = [2, 5, 6, 2] as const;
const colours = [2, 4, 3, 3] as const;
/** Pixels around 0, as these tests have them. */
const signed = { valueRange: [-9, 9] } as const;
const series = [2, 7, 3] as const;
const vector = [3, 6] as const;

type Row = [make: () => Layer, shapes: readonly Shape[], more?: Partial<LayerCheck>];
const kernel = { weights: ['kernel', 'bias'] };
const separable = { weights: ['depthwise_kernel', 'pointwise_kernel', 'bias'] };
const scaled = { weights: ['gamma', 'beta'] };
const blind = { differentiable: false };

const rows: Row[] = [
  [() => layers.activation('tanh'), [vector]],
  [() => layers.activation('sparsemax'), [vector]],
  [() => layers.activityRegularization({ l1: 0.1, l2: 0.2 }), [vector]],
  [() => layers.adaptiveAveragePooling1d(3), [series]],
  [() => layers.adaptiveAveragePooling2d([2, 4]), [image]],
  [() => layers.adaptiveMaxPooling1d(3), [series]],
  [() => layers.adaptiveMaxPooling2d(1), [image]],
  [() => layers.add(), [vector, vector, vector]],
  [() => layers.add(), [image, [2, 1, 1, 2]]],
  [() => layers.alphaDropout(0.3), [vector]],
  [() => layers.augMix({ numChains: 2, chainDepth: 1, ...signed }), [colours]],
  [() => layers.autoContrast(signed), [colours]],
  [() => layers.average(), [vector, vector]],
  [() => layers.averagePooling1d(2), [series]],
  [() => layers.averagePooling2d(2, { padding: 'same' }), [image]],
  [
    () => layers.batchNormalization({ betaRegularizer: 'l2' }),
    [image],
    { weights: ['gamma', 'beta', 'moving_mean', 'moving_variance'] },
  ],
  [
    () => layers.batchNormalization({ axis: 1, center: false }),
    [series],
    { weights: ['gamma', 'moving_mean', 'moving_variance'] },
  ],
  [() => layers.categoryEncoding(4), [[3, 2]], blind],
  [() => layers.categoryEncoding(4, { outputMode: 'one_hot' }), [[3, 1]], blind],
  [() => layers.categoryEncoding(4, { outputMode: 'one_hot' }), [[3, 2]], blind],
  [() => layers.categoryEncoding(4, { outputMode: 'count' }), [[3, 2]], blind],
  [() => layers.centerCrop(3, 4), [image]],
  [() => layers.centerCrop(8, 8), [image]],
  [() => layers.concatenate({ axis: 1 }), [image, [2, 3, 6, 2]]],
  [
    () => layers.contrastLimitedAdaptiveHistogramEqualization({ tileGridSize: [2, 3], ...signed }),
    [colours],
  ],
  [() => layers.conv1d(4, 3, { padding: 'causal', dilationRate: 2 }), [series], kernel],
  [() => layers.conv1dTranspose(2, 3, { strides: 2 }), [series], kernel],
  [() => layers.conv2d(4, 3, { strides: 2, groups: 2, activation: 'relu' }), [image], kernel],
  [
    () =>
      layers.conv2d(2, [2, 3], {
        padding: 'same',
        dilationRate: [1, 2],
        useBias: false,
        kernelInitializer: 'he_normal',
        kernelRegularizer: 'l1_l2',
        kernelConstraint: 'max_norm',
      }),
    [image],
    { weights: ['kernel'] },
  ],
  [() => layers.conv2dTranspose(3, 3, { strides: 2, padding: 'same' }), [image], kernel],
  [
    () => layers.conv2dTranspose(2, [2, 3], { strides: [2, 3], outputPadding: [1, 0] }),
    [image],
    kernel,
  ],
  [() => layers.cropping1d([1, 2]), [series]],
  [
    () =>
      layers.cropping2d([
        [1, 0],
        [2, 1],
      ]),
    [image],
  ],
  [() => layers.cutMix(), [colours], blind],
  [() => layers.dense(4, { activation: 'softmax' }), [vector], kernel],
  [
    () => layers.dense(3, { activation: 'gelu', useBias: false }),
    [series],
    { weights: ['kernel'] },
  ],
  [() => layers.depthwiseConv1d(3, { depthMultiplier: 2 }), [series], kernel],
  [() => layers.depthwiseConv2d(3, { depthMultiplier: 2, padding: 'same' }), [image], kernel],
  [() => layers.dot(1), [vector, vector]],
  [() => layers.dot([2, 1], { normalize: true }), [series, [2, 3, 4]]],
  [() => layers.dropout(0.4), [vector]],
  [() => layers.dropout(0.4, { noiseShape: [null, 1, 3], seed: 5 }), [series]],
  [() => layers.elu({ alpha: 0.5 }), [vector]],
  [() => layers.equalization(signed), [colours]],
  [() => layers.flatten(), [image]],
  [() => layers.gaussianDropout(0.3), [vector]],
  [() => layers.gaussianNoise(0.3), [vector]],
  [() => layers.globalAveragePooling1d(), [series]],
  [() => layers.globalAveragePooling2d({ keepdims: true }), [image]],
  [() => layers.globalMaxPooling1d({ keepdims: true }), [series]],
  [() => layers.globalMaxPooling2d(), [image]],
  [() => layers.groupNormalization(2), [[2, 3, 4]], scaled],
  [() => layers.groupNormalization(-1, { axis: 1 }), [series], scaled],
  [() => layers.identity(), [vector]],
  [() => layers.layerNormalization(), [series], scaled],
  [
    () => layers.layerNormalization({ axis: [1, 2], center: false }),
    [series],
    { weights: ['gamma'] },
  ],
  [() => layers.leakyRelu(), [vector]],
  [() => layers.maxPooling1d(3, { strides: 1, padding: 'same' }), [series]],
  [() => layers.maxPooling2d([2, 3], { strides: 1 }), [image]],
  [() => layers.maximum(), [vector, vector]],
  [() => layers.minimum(), [vector, vector]],
  [() => layers.mixUp(), [colours], blind],
  [() => layers.multiply(), [vector, vector, vector]],
  [() => layers.normalization({ mean: [1, 2], variance: [3, 4] }), [image]],
  [() => layers.normalization(), [vector], { weights: ['mean', 'variance', 'count'] }],
  [() => layers.prelu({ sharedAxes: [1, 2] }), [image], { weights: ['alpha'] }],
  [() => layers.permute([3, 1, 2]), [image]],
  [() => layers.pipeline([layers.rescaling(2), layers.dense(3)]), [vector], kernel],
  [() => layers.randAugment({ numOps: 1, ...signed }), [colours]],
  [() => layers.randomBrightness(0.3, signed), [colours]],
  [() => layers.randomColorDegeneration(0.3, signed), [colours]],
  [
    () => layers.randomColorJitter({ brightnessFactor: 0.1, contrastFactor: 0.2, ...signed }),
    [colours],
  ],
  [() => layers.randomContrast([0.1, 0.2], signed), [colours]],
  [() => layers.randomCrop(3, 2), [colours]],
  [() => layers.randomElasticTransform({ scale: 0.4, fillMode: 'mirror', ...signed }), [colours]],
  [() => layers.randomErasing({ scale: 0.4, fillValue: [1, 2, 3], ...signed }), [colours]],
  [() => layers.randomFlip('vertical'), [colours]],
  [() => layers.randomGaussianBlur({ kernelSize: [5, 3], ...signed }), [colours]],
  [() => layers.randomGrayscale(0.9), [colours]],
  [() => layers.randomHue(0.5, { ...signed, seed: 4 }), [colours]],
  [() => layers.randomInvert(), [colours]],
  [() => layers.randomPerspective({ scale: 0.4 }), [colours]],
  [() => layers.randomPosterization(5, signed), [colours]],
  [() => layers.randomRotation([0.1, 0.3], { fillMode: 'wrap' }), [colours]],
  [() => layers.randomSaturation(0.5, signed), [colours]],
  [() => layers.randomSharpness(0.9, signed), [colours]],
  [() => layers.randomShear({ xFactor: 0.3, yFactor: 0.1 }), [colours]],
  [() => layers.randomTranslation(0.3, [-0.1, 0.2], { interpolation: 'nearest' }), [colours]],
  [() => layers.randomZoom(0.3, { widthFactor: 0.2, fillMode: 'constant' }), [colours]],
  [() => layers.relu({ maxValue: 1, negativeSlope: 0.1, threshold: 0.2 }), [vector]],
  [() => layers.repeatVector(3), [vector]],
  [() => layers.rescaling(0.5, { offset: -1 }), [image]],
  [() => layers.rescaling([0.5, 2], { offset: [1, 0] }), [image]],
  [() => layers.reshape([-1, 4]), [image]],
  [() => layers.resizing(3, 9), [image]],
  [() => layers.resizing(3, 9, { padToAspectRatio: true, fillValue: 0.5 }), [image]],
  [() => layers.resizing(3, 4, { antialias: true }), [image]],
  [() => layers.resizing(8, 4, { interpolation: 'bicubic' }), [image]],
  [() => layers.resizing(4, 8, { interpolation: 'lanczos3' }), [image]],
  [() => layers.resizing(8, 8, { interpolation: 'nearest', cropToAspectRatio: true }), [image]],
  [() => layers.rmsNormalization(), [series], { weights: ['scale'] }],
  [() => layers.separableConv1d(4, 3), [series], separable],
  [() => layers.separableConv2d(4, 3, { padding: 'same', strides: 2 }), [image], separable],
  [() => layers.softmax({ axis: 1 }), [series]],
  [() => layers.solarization({ additionFactor: 0.1, ...signed }), [colours]],
  [() => layers.spatialDropout1d(0.4), [series]],
  [() => layers.spatialDropout2d(0.4), [image]],
  [() => layers.subtract(), [vector, vector]],
  [() => layers.unitNormalization(), [series]],
  [() => layers.upSampling1d(3), [series]],
  [() => layers.upSampling2d([2, 3]), [image]],
  [() => layers.upSampling2d(2, { interpolation: 'bilinear' }), [image]],
  [() => layers.zeroPadding1d([0, 2]), [series]],
  [
    () =>
      layers.zeroPadding2d([
        [1, 0],
        [2, 1],
      ]),
    [image],
  ],
];

describe('every layer', () => {
  for (const [make, shapes, more] of rows) {
    const { name, className } = make();
    test(`${className} ${name}`, () => checkLayer({ make, shapes, ...more }));
  }

  test('has a row', () => {
    const tested = new Set(rows.map(([make]) => make().className));
    // An input layer is no function of an input; networks have tests of their own.
    assert.deepEqual(
      layerNames().filter((name) => !tested.has(name)),
      ['InputLayer'],
    );
  });
});

describe('a config without arguments', () => {
  const path = join(root, 'test', 'layers', 'default_configs.json');
  const configs: Record<string, Config> = JSON.parse(readFileSync(path, 'utf8'));
  for (const [className, config] of Object.entries(configs)) {
    test(`of ${className} is Keras’s`, () => {
      const layer = layerFromConfig({ class_name: className, config });
      assert.equal(layer.className, className);
      assert.deepEqual(layer.config(), config);
    });
  }
});
