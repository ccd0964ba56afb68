/**
 * @file The densely connected networks (Huang et al. 2016), as Keras has them, to the names of layers.
 *
 * @see https://keras.io/api/applications/densenet/
 */
import {
  activation,
  averagePooling2d,
  batchNormalization,
  concatenate,
  conv2d,
  maxPooling2d,
  zeroPadding2d,
} from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import { type ImageNetOptions, imageNetHead, imageNetInput, imageNetModel } from './image_net.ts';

/** Channels that each block adds. */
const growth = 32;

const normalized = (x: SymbolicTensor, name: string, relu: string) =>
  activation('relu', { name: relu })(batchNormalization({ epsilon: 1.001e-5, name })(x));

/** 1×1 down, 3×3; what comes out is put beside what came in. */
function block(input: SymbolicTensor, name: string): SymbolicTensor {
  const options = { padding: 'same', useBias: false } as const;
  let x = normalized(input, `${name}_0_bn`, `${name}_0_relu`);
  x = conv2d(4 * growth, 1, { ...options, padding: 'valid', name: `${name}_1_conv` })(x);
  x = normalized(x, `${name}_1_bn`, `${name}_1_relu`);
  x = conv2d(growth, 3, { ...options, name: `${name}_2_conv` })(x);
  return concatenate({ name: `${name}_concat` })([input, x]);
}

/** Half the channels, half the side. */
function transition(input: SymbolicTensor, name: string): SymbolicTensor {
  const half = Math.floor(input.shape.at(-1)! / 2);
  const x = normalized(input, `${name}_bn`, `${name}_relu`);
  const narrow = conv2d(half, 1, { useBias: false, name: `${name}_conv` })(x);
  return averagePooling2d(2, { strides: 2, name: `${name}_pool` })(narrow);
}

function build(name: string, blocks: readonly number[], options: ImageNetOptions): Model {
  const inputs = imageNetInput(name, options);
  let x = zeroPadding2d(3)(inputs);
  x = conv2d(64, 7, { strides: 2, useBias: false, name: 'conv1_conv' })(x);
  x = normalized(x, 'conv1_bn', 'conv1_relu');
  x = maxPooling2d(3, { strides: 2, name: 'pool1' })(zeroPadding2d(1)(x));
  blocks.forEach((count, stage) => {
    if (stage > 0) x = transition(x, `pool${stage + 1}`);
    for (let i = 0; i < count; i++) x = block(x, `conv${stage + 2}_block${i + 1}`);
  });
  x = normalized(x, 'bn', 'relu');
  const outputs = imageNetHead(x, options, { average: 'avg_pool', max: 'max_pool' });
  return imageNetModel(inputs, outputs, options, name.toLowerCase());
}

/**
 * Keras's `DenseNet121`: 8,062,504 parameters. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/densenet/#densenet121-function
 * @example
 * ```ts
 * const model = applications.DenseNet121({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 1024]
 * ```
 */
export function DenseNet121(options: ImageNetOptions = {}): Model {
  return build('DenseNet121', [6, 12, 24, 16], options);
}

/** Keras's `DenseNet169`: 14,307,880 parameters; see {@link DenseNet121}. */
export function DenseNet169(options: ImageNetOptions = {}): Model {
  return build('DenseNet169', [6, 12, 32, 32], options);
}

/** Keras's `DenseNet201`: 20,242,984 parameters; see {@link DenseNet121}. */
export function DenseNet201(options: ImageNetOptions = {}): Model {
  return build('DenseNet201', [6, 12, 48, 32], options);
}
