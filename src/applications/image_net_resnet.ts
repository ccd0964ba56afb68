/**
 * @file The residual networks for ImageNet (He et al. 2015). 50, 101 and 152 layers are Keras's, to the names of layers;
 * 18 and 34, which Keras's applications lack, are the paper's, named in the same way.
 *
 * @see https://keras.io/api/applications/resnet/
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  maxPooling2d,
  zeroPadding2d,
} from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import { type ImageNetOptions, imageNetHead, imageNetInput, imageNetModel } from './image_net.ts';

const epsilon = 1.001e-5;

/** A block of `filters`; `first` ones bring the input to the new size and number of channels. */
type Block = (
  x: SymbolicTensor,
  filters: number,
  stride: number,
  first: boolean,
  name: string,
) => SymbolicTensor;

/** 1×1 down, 3×3, 1×1 up to four times the filters; convolutions have biases, as in Keras. */
const bottleneck: Block = (input, filters, stride, first, name) => {
  const norm = (x: SymbolicTensor, part: number) =>
    batchNormalization({ epsilon, name: `${name}_${part}_bn` })(x);
  const relu = (x: SymbolicTensor, part: string) =>
    activation('relu', { name: `${name}_${part}` })(x);
  const project = () =>
    norm(conv2d(4 * filters, 1, { strides: stride, name: `${name}_0_conv` })(input), 0);
  const shortcut = first ? project() : input;
  let x = conv2d(filters, 1, { strides: stride, name: `${name}_1_conv` })(input);
  x = relu(norm(x, 1), '1_relu');
  x = conv2d(filters, 3, { padding: 'same', name: `${name}_2_conv` })(x);
  x = relu(norm(x, 2), '2_relu');
  x = norm(conv2d(4 * filters, 1, { name: `${name}_3_conv` })(x), 3);
  return relu(add({ name: `${name}_add` })([shortcut, x]), 'out');
};

/** Two 3×3; convolutions have no bias. */
const basic: Block = (input, filters, stride, first, name) => {
  const norm = (x: SymbolicTensor, part: number) =>
    batchNormalization({ epsilon, name: `${name}_${part}_bn` })(x);
  const relu = (x: SymbolicTensor, part: string) =>
    activation('relu', { name: `${name}_${part}` })(x);
  const options = { strides: stride, useBias: false };
  const project = () => norm(conv2d(filters, 1, { ...options, name: `${name}_0_conv` })(input), 0);
  const shortcut = first && stride > 1 ? project() : input;
  let x = zeroPadding2d(1, { name: `${name}_1_pad` })(input);
  x = conv2d(filters, 3, { ...options, name: `${name}_1_conv` })(x);
  x = relu(norm(x, 1), '1_relu');
  x = conv2d(filters, 3, { padding: 'same', useBias: false, name: `${name}_2_conv` })(x);
  return relu(add({ name: `${name}_add` })([shortcut, norm(x, 2)]), 'out');
};

interface Design {
  name: string;
  block: Block;
  /** Blocks of each stage. */
  blocks: readonly [number, number, number, number];
}

function build({ name, block, blocks }: Design, options: ImageNetOptions): Model {
  const inputs = imageNetInput(name, options);
  let x = zeroPadding2d(3, { name: 'conv1_pad' })(inputs);
  x = conv2d(64, 7, { strides: 2, useBias: block === bottleneck, name: 'conv1_conv' })(x);
  x = batchNormalization({ epsilon, name: 'conv1_bn' })(x);
  x = activation('relu', { name: 'conv1_relu' })(x);
  x = zeroPadding2d(1, { name: 'pool1_pad' })(x);
  x = maxPooling2d(3, { strides: 2, name: 'pool1_pool' })(x);
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      x = block(x, 64 * 2 ** stage, stride, i === 0, `conv${stage + 2}_block${i + 1}`);
    }
  });
  const outputs = imageNetHead(x, options, { average: 'avg_pool', max: 'max_pool' });
  return imageNetModel(inputs, outputs, options, name.toLowerCase());
}

/**
 * The residual network of 18 layers, without biases before normalization: 11,689,512 trainable parameters. Weights are
 * random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://arxiv.org/abs/1512.03385
 * @example
 * ```ts
 * const model = applications.ResNet18({ inputShape: [64, 64, 3], classes: 10 });
 * model.outputs[0].shape; // [null, 10]
 * ```
 */
export function ResNet18(options: ImageNetOptions = {}): Model {
  return build({ name: 'ResNet18', block: basic, blocks: [2, 2, 2, 2] }, options);
}

/** As {@link ResNet18} with 34 layers: 21,797,672 trainable parameters. */
export function ResNet34(options: ImageNetOptions = {}): Model {
  return build({ name: 'ResNet34', block: basic, blocks: [3, 4, 6, 3] }, options);
}

/**
 * Keras's `ResNet50`: 25,636,712 parameters. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/resnet/#resnet50-function
 * @example
 * ```ts
 * const model = applications.ResNet50({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 2048]
 * ```
 */
export function ResNet50(options: ImageNetOptions = {}): Model {
  return build({ name: 'ResNet50', block: bottleneck, blocks: [3, 4, 6, 3] }, options);
}

/** Keras's `ResNet101`: 44,707,176 parameters; see {@link ResNet50}. */
export function ResNet101(options: ImageNetOptions = {}): Model {
  return build({ name: 'ResNet101', block: bottleneck, blocks: [3, 4, 23, 3] }, options);
}

/** Keras's `ResNet152`: 60,419,944 parameters; see {@link ResNet50}. */
export function ResNet152(options: ImageNetOptions = {}): Model {
  return build({ name: 'ResNet152', block: bottleneck, blocks: [3, 8, 36, 3] }, options);
}
