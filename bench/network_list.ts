/**
 * @file The networks that are measured: those of the peers, by names that speak for themselves. They are made with the
 * library that is given, the package as users load it or its modules one by one.
 */
import { RandomSequence } from '../src/core/random.ts';
import { sizeOf } from '../src/core/shape.ts';
import type { Model, Shape, Tensor } from '../src/index.ts';
import type { Optimizer } from '../src/train/optimizers/optimizer.ts';

export type Library = typeof import('../src/index.ts');

export interface BenchNetwork {
  build(): Model;
  image: Shape;
  dtype: 'uint8' | 'float32';
  optimizer(): Optimizer;
  /** Batch sizes measured by default. */
  batches: readonly number[];
  /** What `bench/peers/networks.py` calls it. */
  peer: string;
}

/** The network of Keras's introduction to MNIST: rescaling, three convolutions with pooling, dropout, ten classes. */
function mnistCnn({ Input, layers, Model }: Library): Model {
  const inputs = Input({ shape: [28, 28, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  for (const filters of [32, 64, 128]) {
    x = layers.conv2d(filters, 3, { activation: 'relu' })(x);
    x = layers.maxPooling2d(2)(x);
  }
  x = layers.flatten()(x);
  x = layers.dropout(0.5)(x);
  return new Model({ inputs, outputs: layers.dense(10, { activation: 'softmax' })(x) });
}

const digit = { image: [28, 28, 1], dtype: 'float32' } as const;
const photo = { image: [32, 32, 3], dtype: 'float32' } as const;

/** All of them, by name. */
export function networksOf(library: Library): Readonly<Record<string, BenchNetwork>> {
  const { applications, optimizers } = library;
  const adam = () => new optimizers.Adam();
  const momentum = () => new optimizers.SGD({ learningRate: 0.1, momentum: 0.9 });
  return {
    'mnist-cnn': {
      build: () => mnistCnn(library),
      image: [28, 28, 1],
      dtype: 'uint8',
      optimizer: adam,
      batches: [32],
      peer: 'article',
    },
    lenet5: {
      build: () => applications.lenet5(),
      ...digit,
      optimizer: adam,
      batches: [32],
      peer: 'lenet5',
    },
    mlp: {
      build: () => applications.mlp(),
      ...digit,
      optimizer: adam,
      batches: [32],
      peer: 'mlp',
    },
    resnet20: {
      build: () => applications.resnet(20),
      ...photo,
      optimizer: momentum,
      batches: [32, 128],
      peer: 'resnet20',
    },
    'vgg-like': {
      build: () => applications.vggLike(),
      ...photo,
      optimizer: adam,
      batches: [64],
      peer: 'vgg',
    },
    'mobilenet-like': {
      build: () => applications.mobileNetLike(),
      ...photo,
      optimizer: adam,
      batches: [32],
      peer: 'mobilenet',
    },
  };
}

/** The one whose whole job is measured too, on MNIST. */
export const wholeJob = 'mnist-cnn';

/** Random images and labels of ten classes. */
export function syntheticData(
  { Tensor, tensor }: Library,
  { image, dtype }: Pick<BenchNetwork, 'image' | 'dtype'>,
  count: number,
): { images: Tensor; labels: Tensor } {
  const random = new RandomSequence(1, 79);
  const images = new Tensor(dtype, [count, ...image]);
  const scale = dtype === 'uint8' ? 256 : 1;
  for (let i = 0; i < count * sizeOf(image); i++) images.data[i] = random.uniform() * scale;
  const labels = Uint8Array.from({ length: count }, () => random.uniform() * 10);
  return { images, labels: tensor(labels) };
}
