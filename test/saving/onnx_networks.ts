/** @file Networks of all layers that ONNX has operations for, and inputs for them. */
import {
  Input,
  type Layer,
  layers,
  Model,
  Sequential,
  type Tensor,
  tensor,
} from '../../src/index.ts';

/** Numbers in [-1, 1) that are all different. */
export function uniform(...shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => (((i + 1) * 7919) % 997) / 500 - 1),
    shape,
  );
}

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
    () => [layers.batchNormalization(), layers.layerNormalization(), layers.groupNormalization(3)],
  ],
  [
    'upsampling',
    () => [layers.upSampling2d(2), layers.upSampling2d(2, { interpolation: 'bilinear' })],
  ],
  ['resizing', () => [layers.resizing(5, 7)]],
  ['resizing, nearest', () => [layers.resizing(12, 5, { interpolation: 'nearest' })]],
  [
    'resizing, cubic and by a filter',
    () => [
      layers.resizing(12, 5, { interpolation: 'bicubic' }),
      layers.resizing(7, 9, { interpolation: 'lanczos3', antialias: true }),
    ],
  ],
  [
    'resizing of a part and in a frame',
    () => [
      layers.resizing(6, 8, { cropToAspectRatio: true }),
      layers.resizing(9, 6, { padToAspectRatio: true, fillValue: 0.5 }),
    ],
  ],
  [
    'what only training has',
    () => [layers.dropout(0.5), layers.gaussianNoise(1), layers.rescaling(2, { offset: 1 })],
  ],
];
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

export interface ExportableNetwork {
  name: string;
  make(): Model;
  x: Tensor;
}

export function* exportableNetworks(): Generator<ExportableNetwork> {
  const x = uniform(3, 9, 8, 3);
  for (const [name, stack] of images)
    yield { name, make: () => new Sequential([Input({ shape: [9, 8, 3] }), ...stack()]), x };
  yield {
    name: 'shapes',
    make: () =>
      new Sequential([
        Input({ shape: [9, 8, 3] }),
        layers.zeroPadding2d(1),
        layers.cropping2d(2),
        layers.permute([3, 1, 2]),
        layers.reshape([-1, 6]),
      ]),
    x,
  };
  yield {
    name: 'several outputs',
    make() {
      const features = Input({ shape: [4], name: 'features' });
      const h = layers.dense(3, { activation: 'relu' })(features);
      const sum = layers.add()([h, layers.dense(3)(features)]);
      return new Model({ inputs: features, outputs: [layers.dense(2, { name: 'p' })(h), sum] });
    },
    x: uniform(3, 4),
  };
  for (const activation of activations) {
    const make = () => new Sequential([Input({ shape: [6] }), layers.dense(5, { activation })]);
    yield { name: activation, make, x: uniform(4, 6) };
  }
}
