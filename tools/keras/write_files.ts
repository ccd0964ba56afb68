/**
 * @file Writes what `check_files.py` checks with Keras and `check_onnx.py` with ONNX Runtime: every model of the fixtures
 * loaded and saved again, the article's network trained here, networks of every form, twelve architectures, weights alone.
 * Beside each file its inputs and predictions, and what one more step of training makes of its weights, or of the losses.
 *
 *     node dist/tools/keras/write_files.js FOLDER
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as applications from '../../src/applications/index.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { datasets } from '../../src/data/index.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import { deserializeModel } from '../../src/saving/keras_file.ts';
import { writeSafetensors } from '../../src/saving/safetensors.ts';
import { Input } from '../../src/topology/input.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import { modelCases, trainingCases } from '../../test/support/keras_cases.ts';

const folder = process.argv[2] ?? 'runs/keras_files';
mkdirSync(folder, { recursive: true });

/** The file of a model, and what it computes: before and after one more step on `x`, `y`. */
async function write(name: string, model: Model, x: Tensor, y?: Tensor): Promise<void> {
  await model.save(join(folder, `${name}.keras`));
  await model.saveWeights(join(folder, `${name}.weights.h5`));
  await model.export(join(folder, `${name}.onnx`));
  const outputs = await model.predictAll(x);
  const arrays: Record<string, Tensor> = { x };
  outputs.forEach((output, i) => {
    arrays[`predict.${i}`] = output;
  });
  if (y) {
    arrays.y = y;
    await model.fit(x, { y, batchSize: x.length, shuffle: false, verbose: 0 });
    model.weights.forEach((weight, i) => {
      arrays[`weights.${i}`] = weight.value();
    });
    model.optimizer.variables.forEach((variable, i) => {
      arrays[`optimizer.${i}`] = variable.value();
    });
  }
  writeFileSync(join(folder, `${name}.safetensors`), writeSafetensors(arrays));
  model.close();
}

function uniform(shape: readonly number[]): Tensor<'float32'> {
  const size = shape.reduce((a, b) => a * b, 1);
  return new Tensor(
    'float32',
    shape,
    Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 997) / 997),
  );
}

function classes(count: number, of: number): Tensor<'int32'> {
  return new Tensor(
    'int32',
    [count],
    Int32Array.from({ length: count }, (_, i) => i % of),
  );
}

setRandomSeed(3);
const batches = new Map([...trainingCases()].map(({ name, steps }) => [name, steps[0]!.y]));
for (const { name, file, x } of modelCases()) {
  const model = await deserializeModel(readFileSync(file), {}, name);
  await write(name, model as Model, x, batches.get(name)!);
}

const { train } = await datasets.mnist.load();
const image = Input({ shape: [28, 28, 1], name: 'image' });
let h = layers.rescaling(1 / 255)(image);
for (const filters of [32, 64, 128])
  h = layers.maxPooling2d(2)(layers.conv2d(filters, 3, { activation: 'relu' })(h));
h = layers.dense(10, { activation: 'softmax' })(layers.flatten()(h));
const article = new Model({ inputs: image, outputs: h });
article.compile({
  optimizer: 'adam',
  loss: 'sparse_categorical_crossentropy',
  metrics: ['accuracy'],
});
await article.fit(train.take(3200), { epochs: 1, verbose: 0 });
const some = train.take(32);
await write('article', article, some.images, some.labels);

const stack = new Sequential([
  Input({ shape: [6, 6, 3] }),
  layers.separableConv2d(4, 3, { activation: 'relu' }),
  layers.batchNormalization(),
  layers.prelu({ sharedAxes: [1, 2] }),
  layers.globalAveragePooling2d(),
  layers.dense(3),
]);
stack.compile({ optimizer: 'sgd', loss: 'mse' });
await write('sequential', stack, uniform([8, 6, 6, 3]), uniform([8, 3]));

const inner = new Sequential([Input({ shape: [4] }), layers.dense(5, { activation: 'tanh' })], {
  name: 'inner',
});
const left = Input({ shape: [8], name: 'left' });
const shared = layers.dense(4, { name: 'shared' });
const first = inner(shared(left));
const second = inner(shared(layers.rescaling(2)(left)));
const nested = new Model({
  inputs: left,
  outputs: [
    layers.dense(2, { name: 'p' })(layers.add()([first, second])),
    layers.dense(1, { name: 'q' })(second),
  ],
});
nested.compile({
  optimizer: 'rmsprop',
  loss: { p: 'mse', q: 'mae' },
  lossWeights: { p: 1, q: 0.5 },
  metrics: { p: ['mae'], q: [] },
});
await write('nested', nested, uniform([8, 8]));

const normalization = layers.normalization();
normalization.adapt(uniform([20, 8]));
const adapted = new Sequential([
  Input({ shape: [8] }),
  normalization,
  layers.dense(3, { activation: 'softmax' }),
]);
adapted.compile({
  optimizer: 'adamw',
  loss: 'sparse_categorical_crossentropy',
  metrics: ['accuracy'],
});
await write('normalization', adapted, uniform([8, 8]), classes(8, 3));

await write(
  'uncompiled',
  new Sequential([Input({ shape: [8] }), layers.dense(3)]),
  uniform([4, 8]),
);

/** Small ones, of every family. */
const options = { inputShape: [32, 32, 3], classes: 10, weights: null } as const;
const architectures: Readonly<Record<string, () => Model>> = {
  lenet5: () => applications.lenet5(options),
  mlp: () => applications.mlp([64, 32], options),
  vgg_like: () => applications.vggLike([8, 16], options),
  mobile_net_like: () => applications.mobileNetLike(options),
  resnet20: () => applications.resnet(20, options),
  ResNet18: () => applications.ResNet18(options),
  MobileNet: () => applications.MobileNet({ ...options, alpha: 0.25 }),
  MobileNetV2: () => applications.MobileNetV2({ ...options, alpha: 0.35 }),
  MobileNetV3Small: () => applications.MobileNetV3Small(options),
  MobileNetV3Large: () => applications.MobileNetV3Large(options),
  EfficientNetB0: () => applications.EfficientNetB0(options),
  DenseNet121: () => applications.DenseNet121(options),
};
for (const [name, make] of Object.entries(architectures)) {
  setRandomSeed(5);
  const model = make();
  const [x, y] = [uniform([8, 32, 32, 3]), classes(8, 10)];
  model.compile({
    optimizer: new optimizers.SGD({ learningRate: 0.001, momentum: 0.9 }),
    loss: 'sparse_categorical_crossentropy',
  });
  await model.fit(x, y, { epochs: 1, batchSize: 8, verbose: 0 });
  await model.save(join(folder, `${name}.keras`));
  await model.export(join(folder, `${name}.onnx`));
  const predict = await model.predict(x);
  // Dropout differs; without it losses must not.
  const { history } = await model.fit(x, y, {
    epochs: 2,
    batchSize: 8,
    shuffle: false,
    verbose: 0,
  });
  const isRandom = model.allLayers.some((layer) => /Dropout/.test(layer.className));
  const losses = tensor(isRandom ? [] : [...history.loss!], [isRandom ? 0 : 2], 'float32');
  const arrays = { x, y, 'predict.0': predict, ...(isRandom ? {} : { losses }) };
  writeFileSync(join(folder, `${name}.safetensors`), writeSafetensors(arrays));
  model.close();
}
console.log(`written to ${folder}`);
