/** @file The networks of `applications`: sizes, names as in Keras, refusals, and whether they learn. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, mock, test } from 'node:test';
import type { TsunoError } from '../../src/core/errors.ts';
import { sizeOf } from '../../src/core/shape.ts';
import {
  applications,
  clearSession,
  initializers,
  optimizers,
  setRandomSeed,
  tensor,
} from '../../src/index.ts';
import type { Model } from '../../src/model/model.ts';
import { differenceOfStep, randomData } from './step_on_both.ts';

const trainable = (model: Model) => model.trainableWeights.reduce((sum, { size }) => sum + size, 0);

/** The same text is made of Keras's `weight.path` and `weight.shape`. */
function digestOfWeights(model: Model): string {
  const text = model.weights.map(({ path, shape }) => {
    const extents = shape.length === 1 ? `${shape[0]},` : shape.join(',');
    return `${path}(${extents})`;
  });
  return createHash('sha256').update(text.join(' ')).digest('hex').slice(0, 16);
}

/** Builds a model whose weights are zeros, which take memory only when they are touched: VGG16 has 553 MB of them. */
function untouched(build: () => Model): Model {
  const values = (shape: readonly number[]) => new Float32Array(sizeOf(shape));
  const zeros = [initializers.GlorotUniform, initializers.VarianceScaling].map(({ prototype }) =>
    mock.method(prototype, 'values', values),
  );
  clearSession();
  try {
    return build();
  } finally {
    for (const { mock } of zeros) mock.restore();
  }
}

interface KerasRow {
  build: () => Model;
  name: string;
  parameters: number;
  trainable: number;
  output: (number | null)[];
  layers: number;
  digest: string;
}

/** Numbers of Keras 3.15. */
const keras: KerasRow[] = [
  {
    build: () => applications.ResNet50(),
    name: 'resnet50',
    parameters: 25_636_712,
    trainable: 25_583_592,
    output: [null, 1000],
    layers: 177,
    digest: 'cafe06ac4ff89c3d',
  },
  {
    build: () => applications.ResNet101(),
    name: 'resnet101',
    parameters: 44_707_176,
    trainable: 44_601_832,
    output: [null, 1000],
    layers: 347,
    digest: '61a9f773eeb439ae',
  },
  {
    build: () => applications.ResNet152(),
    name: 'resnet152',
    parameters: 60_419_944,
    trainable: 60_268_520,
    output: [null, 1000],
    layers: 517,
    digest: '721b15d194871c45',
  },
  {
    build: () =>
      applications.ResNet50({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' }),
    name: 'resnet50',
    parameters: 23_587_712,
    trainable: 23_534_592,
    output: [null, 2048],
    layers: 176,
    digest: '598c6ee843cd27c9',
  },
  {
    build: () => applications.VGG16(),
    name: 'vgg16',
    parameters: 138_357_544,
    trainable: 138_357_544,
    output: [null, 1000],
    layers: 23,
    digest: '77158944db813f8c',
  },
  {
    build: () => applications.VGG16({ includeTop: false, inputShape: [32, 32, 3] }),
    name: 'vgg16',
    parameters: 14_714_688,
    trainable: 14_714_688,
    output: [null, 1, 1, 512],
    layers: 19,
    digest: 'e609212761980f3d',
  },
  {
    build: () => applications.VGG19(),
    name: 'vgg19',
    parameters: 143_667_240,
    trainable: 143_667_240,
    output: [null, 1000],
    layers: 26,
    digest: 'ec9f3c10438e1f2d',
  },
  {
    build: () => applications.MobileNetV2(),
    name: 'mobilenetv2_1.00_224',
    parameters: 3_538_984,
    trainable: 3_504_872,
    output: [null, 1000],
    layers: 156,
    digest: '815b7ee9c99825f8',
  },
  {
    build: () => applications.MobileNetV2({ alpha: 0.35, inputShape: [96, 96, 3], classes: 10 }),
    name: 'mobilenetv2_0.35_96',
    parameters: 423_018,
    trainable: 408_938,
    output: [null, 10],
    layers: 156,
    digest: '1f1bc956bf042724',
  },
  {
    build: () =>
      applications.MobileNetV2({
        alpha: 1.4,
        includeTop: false,
        inputShape: [null, null, 3],
        pooling: 'max',
      }),
    name: 'mobilenetv2_1.40_None',
    parameters: 4_363_712,
    trainable: 4_315_776,
    output: [null, 1792],
    layers: 155,
    digest: '63ebb46ba0f32453',
  },
  {
    build: () => applications.MobileNetV2({ includeTop: false, inputShape: [75, 99, 3] }),
    name: 'mobilenetv2_1.00_75',
    parameters: 2_257_984,
    trainable: 2_223_872,
    output: [null, 3, 4, 1280],
    layers: 154,
    digest: '102c3e1a4c930e44',
  },
  {
    build: () => applications.MobileNet(),
    name: 'mobilenet_1.00_224',
    parameters: 4_253_864,
    trainable: 4_231_976,
    output: [null, 1000],
    layers: 91,
    digest: '480556928aee1e97',
  },
  {
    build: () =>
      applications.MobileNet({
        alpha: 0.5,
        inputShape: [96, 96, 3],
        classes: 10,
        depthMultiplier: 2,
      }),
    name: 'mobilenet_0.50_96',
    parameters: 1_651_802,
    trainable: 1_635_898,
    output: [null, 10],
    layers: 91,
    digest: '07d39f9bb336fd91',
  },
  {
    build: () =>
      applications.MobileNet({ includeTop: false, inputShape: [64, 64, 3], pooling: 'max' }),
    name: 'mobilenet_1.00_64',
    parameters: 3_228_864,
    trainable: 3_206_976,
    output: [null, 1024],
    layers: 87,
    digest: '8b0d5dfc4c582d72',
  },
  {
    build: () => applications.MobileNetV3Small(),
    name: 'MobileNetV3Small',
    parameters: 2_554_968,
    trainable: 2_542_856,
    output: [null, 1000],
    layers: 164,
    digest: 'cdab60fb86784988',
  },
  {
    build: () => applications.MobileNetV3Large(),
    name: 'MobileNetV3Large',
    parameters: 5_507_432,
    trainable: 5_483_032,
    output: [null, 1000],
    layers: 194,
    digest: 'ff71834657ce3020',
  },
  {
    build: () =>
      applications.MobileNetV3Small({
        alpha: 0.75,
        minimalistic: true,
        inputShape: [64, 64, 3],
        classes: 10,
      }),
    name: 'MobileNetV3Small',
    parameters: 727_442,
    trainable: 717_762,
    output: [null, 10],
    layers: 110,
    digest: '34b10f74dbca7b9f',
  },
  {
    build: () =>
      applications.MobileNetV3Large({
        includeTop: false,
        pooling: 'avg',
        inputShape: [75, 99, 3],
        includePreprocessing: false,
      }),
    name: 'MobileNetV3Large',
    parameters: 2_996_352,
    trainable: 2_971_952,
    output: [null, 960],
    layers: 187,
    digest: '845ee102be3726cb',
  },
  {
    build: () => applications.DenseNet121(),
    name: 'densenet121',
    parameters: 8_062_504,
    trainable: 7_978_856,
    output: [null, 1000],
    layers: 429,
    digest: '90611f93c64004cb',
  },
  {
    build: () =>
      applications.DenseNet121({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' }),
    name: 'densenet121',
    parameters: 7_037_504,
    trainable: 6_953_856,
    output: [null, 1024],
    layers: 428,
    digest: 'fd18479cca2f5e08',
  },
  {
    build: () => applications.DenseNet169(),
    name: 'densenet169',
    parameters: 14_307_880,
    trainable: 14_149_480,
    output: [null, 1000],
    layers: 597,
    digest: 'a1d591a7d8960581',
  },
  {
    build: () => applications.DenseNet201(),
    name: 'densenet201',
    parameters: 20_242_984,
    trainable: 20_013_928,
    output: [null, 1000],
    layers: 709,
    digest: '739750078ec4bfed',
  },
  {
    build: () => applications.ResNet50V2(),
    name: 'resnet50v2',
    parameters: 25_613_800,
    trainable: 25_568_360,
    output: [null, 1000],
    layers: 192,
    digest: '88c86b01704a8f5d',
  },
  {
    build: () =>
      applications.ResNet50V2({ includeTop: false, inputShape: [64, 64, 3], pooling: 'max' }),
    name: 'resnet50v2',
    parameters: 23_564_800,
    trainable: 23_519_360,
    output: [null, 2048],
    layers: 191,
    digest: '43addc709bb8fdf6',
  },
  {
    build: () => applications.ResNet101V2(),
    name: 'resnet101v2',
    parameters: 44_675_560,
    trainable: 44_577_896,
    output: [null, 1000],
    layers: 379,
    digest: 'd016f660d16a3771',
  },
  {
    build: () => applications.ResNet152V2(),
    name: 'resnet152v2',
    parameters: 60_380_648,
    trainable: 60_236_904,
    output: [null, 1000],
    layers: 566,
    digest: '4e3bcc6def838089',
  },
  {
    build: () => applications.Xception(),
    name: 'xception',
    parameters: 22_910_480,
    trainable: 22_855_952,
    output: [null, 1000],
    layers: 134,
    digest: 'ef2451e5109ab0ce',
  },
  {
    build: () =>
      applications.Xception({ includeTop: false, inputShape: [71, 75, 3], pooling: 'max' }),
    name: 'xception',
    parameters: 20_861_480,
    trainable: 20_806_952,
    output: [null, 2048],
    layers: 133,
    digest: '66aa2cc8ef047339',
  },
  {
    build: () => applications.InceptionV3(),
    name: 'inception_v3',
    parameters: 23_851_784,
    trainable: 23_817_352,
    output: [null, 1000],
    layers: 313,
    digest: 'ddd34593a078dfa4',
  },
  {
    build: () => applications.InceptionV3({ includeTop: false, inputShape: [75, 99, 3] }),
    name: 'inception_v3',
    parameters: 21_802_784,
    trainable: 21_768_352,
    output: [null, 1, 1, 2048],
    layers: 311,
    digest: 'c425689015fa9455',
  },
  {
    build: () => applications.EfficientNetB0(),
    name: 'efficientnetb0',
    parameters: 5_330_571,
    trainable: 5_288_548,
    output: [null, 1000],
    layers: 240,
    digest: '3a18a74b20531486',
  },
  {
    build: () =>
      applications.EfficientNetB0({ includeTop: false, inputShape: [75, 99, 3], pooling: 'avg' }),
    name: 'efficientnetb0',
    parameters: 4_049_571,
    trainable: 4_007_548,
    output: [null, 1280],
    layers: 238,
    digest: 'a5eac0d95930bec4',
  },
  {
    build: () => applications.EfficientNetB1({ classes: 10, inputShape: [64, 64, 3] }),
    name: 'efficientnetb1',
    parameters: 6_588_049,
    trainable: 6_525_994,
    output: [null, 10],
    layers: 342,
    digest: 'e5771eca9a6bce6b',
  },
  {
    build: () => applications.EfficientNetB3(),
    name: 'efficientnetb3',
    parameters: 12_320_535,
    trainable: 12_233_232,
    output: [null, 1000],
    layers: 387,
    digest: '237380aa76973a5a',
  },
  {
    build: () => applications.EfficientNetB7(),
    name: 'efficientnetb7',
    parameters: 66_658_687,
    trainable: 66_347_960,
    output: [null, 1000],
    layers: 816,
    digest: 'c5b5b8a4699aa08a',
  },
];

describe('networks of Keras have its layers, weights and names', () => {
  for (const row of keras) {
    test(`${row.name} ${JSON.stringify(row.output)}`, () => {
      const model = untouched(row.build);
      assert.equal(model.name, row.name);
      assert.equal(model.countParams(), row.parameters);
      assert.equal(trainable(model), row.trainable);
      assert.deepEqual(model.outputs[0]!.shape, row.output);
      assert.equal(model.layers.length, row.layers);
      assert.equal(digestOfWeights(model), row.digest);
    });
  }
});

describe('sizes of the other networks', () => {
  const rows: [string, () => Model, number][] = [
    ['lenet5', () => applications.lenet5(), 61_706],
    ['mlp', () => applications.mlp(), 669_706],
    ['vggLike', () => applications.vggLike(), 307_946],
    ['mobileNetLike', () => applications.mobileNetLike(), 67_914],
    ['resnet 20', () => applications.resnet(), 272_474],
    ['resnet 32', () => applications.resnet(32), 466_906],
    ['resnet 56', () => applications.resnet(56), 855_770],
    ['ResNet18', () => applications.ResNet18(), 11_689_512],
    ['ResNet34', () => applications.ResNet34(), 21_797_672],
  ];
  for (const [name, build, parameters] of rows) {
    test(`${name}: ${parameters} trainable parameters`, () => {
      const model = untouched(build);
      assert.equal(trainable(model), parameters);
      assert.equal(model.outputs[0]!.shape.at(-1), name.startsWith('ResNet') ? 1000 : 10);
    });
  }

  test('images, classes, activation and name are free', () => {
    const options = {
      inputShape: [16, 24, 1],
      classes: 7,
      classifierActivation: null,
      name: 'mine',
    };
    for (const model of [
      applications.lenet5(options),
      applications.mlp([9], options),
      applications.vggLike([4, 8], options),
      applications.mobileNetLike(options),
      applications.resnet(20, options),
    ]) {
      assert.equal(model.name, 'mine');
      assert.deepEqual(model.inputs[0]!.shape, [null, 16, 24, 1]);
      assert.deepEqual(model.outputs[0]!.shape, [null, 7]);
      assert.equal(model.layers.at(-1)!.config().activation, 'linear');
    }
  });

  test('the sides are halved twice in resnet, to four times the channels', () => {
    const shapes = applications
      .resnet(20)
      .layers.map((layer) => layer.output.shape.slice(1).join());
    for (const shape of ['32,32,16', '16,16,32', '8,8,64'])
      assert.ok(shapes.includes(shape), shape);
  });
});

describe('refusals', () => {
  const refused = (code: string, message: RegExp) => (error: TsunoError) =>
    error.code === code && message.test(error.message);

  test('trained weights', () => {
    const weights = 'imagenet' as unknown as null;

    for (const name of ['ResNet18', 'ResNet50', 'VGG16', 'MobileNetV2'] as const) {
      assert.throws(
        () => applications[name]({ weights }),
        refused('UNSUPPORTED', /weights must be null: no trained weights come with tsuno/),
      );
    }
  });

  test('images that are too small, or open where the classifier needs to know', () => {
    const shape = refused('SHAPE', /inputShape must be/);
    assert.throws(() => applications.ResNet50({ inputShape: [31, 64, 3] }), shape);
    assert.throws(() => applications.VGG16({ inputShape: [null, null, 3] }), shape);
    assert.throws(() => applications.MobileNetV2({ inputShape: [64, 64] }), shape);
  });

  test('an impossible alpha, an impossible depth', () => {
    const alpha = refused('ARGUMENT', /alpha must be a number above 0, received 0/);
    assert.throws(() => applications.MobileNetV2({ alpha: 0 }), alpha);
    const depth = refused('ARGUMENT', /depth must be one of 20, 32, 44, 56, 110, received 21/);
    assert.throws(() => applications.resnet(21 as 20), depth);
  });
});

/**
 * Small versions, with the part of a variable's change by which float32 and float64 may differ: the more, the deeper the
 * network and the fewer the pixels that a batch normalization sees.
 */
const small: { name: string; build: () => Model; batch: number; within: number }[] = [
  {
    name: 'lenet5',
    build: () => applications.lenet5({ inputShape: [14, 14, 1] }),
    batch: 5,
    within: 2e-5,
  },
  {
    name: 'mlp',
    build: () => applications.mlp([33, 18], { inputShape: [7, 5, 1] }),
    batch: 7,
    within: 2e-5,
  },
  {
    name: 'vggLike',
    build: () => applications.vggLike([5, 12], { inputShape: [8, 12, 3] }),
    batch: 4,
    within: 1e-4,
  },
  {
    name: 'resnet',
    build: () => applications.resnet(20, { inputShape: [8, 8, 3] }),
    batch: 4,
    within: 1e-3,
  },
  {
    name: 'mobileNetLike',
    build: () => applications.mobileNetLike({ inputShape: [8, 8, 3] }),
    batch: 3,
    within: 1e-3,
  },
  {
    name: 'MobileNetV2',
    build: () => applications.MobileNetV2({ alpha: 0.35, inputShape: [48, 48, 3], classes: 10 }),
    batch: 4,
    within: 5e-2,
  },
];

describe('a training step on the engine is that of the reference', () => {
  for (const { name, build, batch, within } of small) {
    for (const threads of [1, 2]) {
      test(`${name}, ${threads} threads`, async (t) => {
        setRandomSeed(3);
        const { variables, largest, where } = await differenceOfStep(build(), batch, { threads });
        t.diagnostic(`${variables} variables, ${largest.toExponential(1)} in ${where}`);
        assert.ok(variables > 4);
        assert.ok(largest <= within, `${where} differs by ${largest}`);
      });
    }
  }
});

describe('networks learn random data by heart', () => {
  for (const { name, build } of small) {
    test(name, async () => {
      setRandomSeed(4);
      const model = build();
      const { image, images, labels } = randomData(model, 32);
      const optimizer = new optimizers.Adam({ learningRate: 0.01 });
      model.compile({ optimizer, loss: 'sparse_categorical_crossentropy', threads: 2 });
      const x = tensor(images, [32, ...image]);
      const fitted = await model.fit(x, {
        y: tensor(labels),
        batchSize: 8,
        epochs: 30,
        verbose: 0,
      });
      model.close();
      const losses = fitted.history.loss!;
      assert.ok(losses.at(-1)! < 0.6 * losses[0]!, `${losses[0]} → ${losses.at(-1)}`);
    });
  }
});
