/**
 * @file A residual network on images of 32 × 32: Fashion-MNIST, CIFAR-10, MNIST, or a folder of images of your own with a
 * folder for each class. Flips and shifts are drawn inside the engine; SGD with momentum and weight decay follows a
 * cosine; the best model, curves and the confusion matrix land in `runs/resnet20/`.
 *
 *     npm run build
 *     node dist/examples/resnet20.js --data fashion --from data/fashion-mnist
 *     node dist/examples/resnet20.js --data photos --epochs 40
 *     node dist/examples/resnet20.js --data mnist --limit 2000 --epochs 1     # a quick try
 */
import { mkdir, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  applications,
  callbacks,
  Dataset,
  datasets,
  Input,
  imageDatasetFromDirectory,
  layers,
  Model,
  optimizers,
  plots,
  schedules,
  setRandomSeed,
} from 'tsuno';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'fashion' },
    from: { type: 'string' },
    depth: { type: 'string', default: '20' },
    epochs: { type: 'string', default: '30' },
    'batch-size': { type: 'string', default: '128' },
    'learning-rate': { type: 'string', default: '0.1' },
    limit: { type: 'string' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'runs/resnet20' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(`usage: node dist/examples/resnet20.js [options]
  --data NAME          fashion (default), cifar10, mnist, or a folder with a folder for each class
  --from FOLDER        where the files of fashion (default data/fashion-mnist) or cifar10 (data/cifar-10-batches-bin) are
  --depth N            20 (default), 32, 44, 56 or 110 layers
  --epochs N           default 30
  --batch-size N       default 128
  --learning-rate X    the highest, default 0.1
  --limit N            no more than N images for training
  --seed N             default 1
  --out FOLDER         default runs/resnet20`);
  process.exit();
}

/** A whole number out of an option. */
function whole(name: 'epochs' | 'batch-size' | 'limit' | 'seed', least = 1): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  console.error(`--${name} must be a whole number, ${least} or more, received ${values[name]}`);
  process.exit(2);
}

const epochs = whole('epochs');
const batchSize = whole('batch-size');
const seed = whole('seed', 0);
const limit = values.limit === undefined ? Number.MAX_SAFE_INTEGER : whole('limit');
const depth = ([20, 32, 44, 56, 110] as const).find((one) => String(one) === values.depth);
if (!depth) {
  console.error(`--depth must be 20, 32, 44, 56 or 110, received ${values.depth}`);
  process.exit(2);
}
setRandomSeed(seed);
await mkdir(values.out, { recursive: true });

/** A data set by its name; without the files of Fashion-MNIST, MNIST takes its place. */
async function shipped(name: string) {
  if (name === 'cifar10')
    return datasets.cifar10.load({ from: values.from ?? 'data/cifar-10-batches-bin' });
  if (name === 'mnist') return datasets.mnist.load();
  const from = values.from ?? 'data/fashion-mnist';
  if (await stat(from).catch(() => undefined)) return datasets.fashionMnist.load({ from });
  console.log(
    `There is no folder ${from}, so this trains on MNIST instead. For Fashion-MNIST download the four .gz files listed at\n` +
      'https://github.com/zalandoresearch/fashion-mnist (30 MB) into it.\n',
  );
  return datasets.mnist.load();
}

/** Training, validation and test; of a folder of images, validation is the test. */
async function load() {
  if (['fashion', 'cifar10', 'mnist'].includes(values.data)) {
    const { train, test } = await shipped(values.data);
    const [training, validation] = train.split(0.1);
    const few = Math.min(limit, test.length);
    return {
      training: training.take(limit),
      validation: validation.take(few),
      test: test.take(few),
    };
  }
  const [training, validation] = await imageDatasetFromDirectory(values.data, {
    imageSize: 32,
    dtype: 'uint8',
    validationSplit: 0.2,
    subset: 'both',
    seed,
  });
  const inMemory = async (part: typeof training) => Dataset.from(await part.load());
  const held = await inMemory(validation);
  return { training: (await inMemory(training)).take(limit), validation: held, test: held };
}

const { training, validation, test } = await load();
const classNames = training.classNames ?? [];
const [height = 32, width = 32, channels = 1] = training.sampleShape;
const isDigits = classNames.includes('0');

const inputs = Input({ shape: [height, width, channels] });
let x = layers.rescaling(1 / 127.5, { offset: -1 })(inputs);
if (height !== 32 || width !== 32) x = layers.resizing(32, 32)(x);
// A digit in a mirror is no digit.
if (!isDigits) x = layers.randomFlip('horizontal')(x);
x = layers.randomTranslation(0.125, 0.125, { fillMode: 'constant', fillValue: -1 })(x);
const network = applications.resnet(depth, {
  inputShape: [32, 32, channels],
  classes: classNames.length,
});
const model = new Model({ inputs, outputs: network(x) });
network.summary({ printFn: (text) => console.log(text.split('\n').slice(-5).join('\n')) });

const steps = epochs * Math.ceil(training.length / batchSize);
const highest = Number(values['learning-rate']);
const warmupSteps = Math.ceil(steps / 20);
const optimizer = new optimizers.SGD({
  learningRate: new schedules.CosineDecay({
    initialLearningRate: highest / 10,
    warmupTarget: highest,
    warmupSteps,
    decaySteps: Math.max(1, steps - warmupSteps),
  }),
  momentum: 0.9,
  nesterov: true,
  weightDecay: 5e-4,
});
// Scales and shifts of batch normalization, and biases, are not for shrinking.
optimizer.excludeFromWeightDecay({ names: ['gamma', 'beta', 'bias'] });
model.compile({ optimizer, loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] });

if (steps < 500) {
  console.log(
    `${steps} steps in all: batch normalization's moving statistics (momentum 0.99) need some hundred; before that val_loss may be in the hundreds, however well training goes. More epochs, or a smaller --batch-size, give more steps.\n`,
  );
}

const best = new callbacks.ModelCheckpoint(`${values.out}/best.keras`, {
  monitor: 'val_accuracy',
  saveBestOnly: true,
});
const history = await model.fit(training, {
  epochs,
  batchSize,
  validationData: validation,
  seed,
  callbacks: [best, new callbacks.CSVLogger(`${values.out}/history.csv`)],
});
if (history.epoch.length > 0) {
  for (const kind of ['svg', 'png']) await plots.history(history, `${values.out}/curves.${kind}`);
  const { accuracy } = await model.evaluate(test, { batchSize, verbose: 0 });
  const probabilities = await model.predict(test.images, { batchSize, verbose: 0 });
  const { labels } = test;
  for (const kind of ['svg', 'png'])
    await plots.confusionMatrix(
      { labels, probabilities, classNames },
      `${values.out}/confusion.${kind}`,
    );
  console.log(
    `test accuracy ${(100 * accuracy).toFixed(2)} %, ${history.msPerStep.toFixed(1)} ms/step; everything is in ${values.out}/`,
  );
}
model.close();
