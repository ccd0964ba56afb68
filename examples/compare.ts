/**
 * @file Trying and comparing: the network of `mnist.ts` against other filters, kernel sizes, strides, pooling and
 * optimizers, three seeds each, on a part of MNIST. Table, curves and figures land in `runs/compare/`.
 *
 *     npm run build && node dist/examples/compare.js
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { compare, datasets, Input, layers, Model, type Variant } from 'tsuno';

const folder = process.env.TSUNO_RUN ?? 'runs/compare';
const samples = Number(process.env.TSUNO_SAMPLES ?? 4000);
const epochs = Number(process.env.TSUNO_EPOCHS ?? 5);
const seeds = Number(process.env.TSUNO_SEEDS ?? 3);
await mkdir(folder, { recursive: true });

interface Choices {
  filters?: readonly number[];
  kernel?: number;
  /** `'max'` and `'average'` pool after each convolution, `'strides'` lets the convolutions step by 2. */
  smaller?: 'max' | 'average' | 'strides';
  dropout?: number;
}

/** The article's network, or what becomes of it by other choices. */
const network =
  (choices: Choices = {}) =>
  () => {
    const { filters = [32, 64, 128], kernel = 3, smaller = 'max', dropout = 0.5 } = choices;
    const inputs = Input({ shape: [28, 28, 1] });
    let x = layers.rescaling(1 / 255)(inputs);
    for (const count of filters) {
      const strides = smaller === 'strides' ? 2 : 1;
      const padding = smaller === 'strides' ? 'same' : 'valid';
      x = layers.conv2d(count, kernel, { strides, padding, activation: 'relu' })(x);
      if (smaller === 'max') x = layers.maxPooling2d(2)(x);
      if (smaller === 'average') x = layers.averagePooling2d(2)(x);
    }
    x = layers.dropout(dropout)(layers.flatten()(x));
    return new Model({ inputs, outputs: layers.dense(10, { activation: 'softmax' })(x) });
  };

const variants: Variant[] = [
  { name: 'article', model: network() },
  { name: 'half the filters', model: network({ filters: [16, 32, 64] }) },
  { name: 'two 5 × 5 kernels', model: network({ filters: [32, 64], kernel: 5 }) },
  { name: 'strides, no pooling', model: network({ smaller: 'strides' }) },
  { name: 'average pooling', model: network({ smaller: 'average' }) },
  { name: 'no dropout', model: network({ dropout: 0 }) },
  { name: 'SGD', model: network(), optimizer: 'sgd', learningRate: 0.05 },
  { name: 'Adam at 0.01', model: network(), learningRate: 0.01 },
];

const { train } = await datasets.mnist.load();
const training = train.take(samples);
const validation = train.skip(50_000).take(Math.min(5000, samples));

const comparison = await compare(variants, { training, validation, epochs, seeds });

for (const kind of ['svg', 'png']) await comparison.chart(`${folder}/comparison.${kind}`);
await writeFile(`${folder}/comparison.txt`, comparison.table());
await writeFile(`${folder}/comparison.json`, `${JSON.stringify(comparison, null, 2)}\n`);
console.log(`\ntable, curves and figures are in ${folder}/`);
