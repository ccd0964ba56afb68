/**
 * @file MobileNet (Howard et al. 2017), as Keras has it, to the names of layers.
 *
 * @see https://keras.io/api/applications/mobilenet/#mobilenet-function
 */
import {
  activation,
  batchNormalization,
  conv2d,
  depthwiseConv2d,
  dropout,
  globalAveragePooling2d,
  relu,
  reshape,
  zeroPadding2d,
} from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import {
  filterFactor,
  type ImageNetOptions,
  imageNetHead,
  imageNetInput,
  imageNetModel,
} from './image_net.ts';

export interface MobileNetOptions extends ImageNetOptions {
  /** Factor of the number of filters, default 1. */
  alpha?: number | undefined;
  /** Filters for each channel in depthwise convolutions, default 1. */
  depthMultiplier?: number | undefined;
  /** Rate of the dropout before the classifier, default 0.001. */
  dropout?: number | undefined;
}

/** Filters and stride of each block. */
const blocks = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const;

const normalized = (x: SymbolicTensor, name: string) =>
  relu({ maxValue: 6, name: `${name}_relu` })(batchNormalization({ name: `${name}_bn` })(x));

/**
 * Keras's `MobileNet`: 4,253,864 parameters. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images, `ARGUMENT` for an
 * impossible `alpha`.
 * @see https://keras.io/api/applications/mobilenet/#mobilenet-function
 * @example
 * ```ts
 * const model = applications.MobileNet({ inputShape: [64, 64, 3], alpha: 0.25, classes: 10 });
 * model.countParams(); // 221114
 * ```
 */
export function MobileNet(options: MobileNetOptions = {}): Model {
  const { depthMultiplier = 1, includeTop = true, inputShape = [224] } = options;
  const alpha = filterFactor('MobileNet', options.alpha ?? 1);
  const inputs = imageNetInput('MobileNet', options);
  const shared = { padding: 'same', useBias: false } as const;
  const first = { ...shared, strides: 2, name: 'conv1' };
  let x = normalized(conv2d(Math.floor(32 * alpha), 3, first)(inputs), 'conv1');
  for (const [i, [filters, strides]] of blocks.entries()) {
    const [depthwise, pointwise] = [`conv_dw_${i + 1}`, `conv_pw_${i + 1}`];
    const margins = [
      [0, 1],
      [0, 1],
    ] as const;
    if (strides === 2) x = zeroPadding2d(margins, { name: `conv_pad_${i + 1}` })(x);
    const padding = strides === 1 ? 'same' : 'valid';
    const own = { depthMultiplier, strides, padding, useBias: false, name: depthwise } as const;
    x = normalized(depthwiseConv2d(3, own)(x), depthwise);
    const width = Math.floor(filters * alpha);
    x = normalized(conv2d(width, 1, { ...shared, name: pointwise })(x), pointwise);
  }
  const outputs = includeTop ? classified(x, options) : imageNetHead(x, options);
  const name = `mobilenet_${alpha.toFixed(2)}_${inputShape[0] ?? 'None'}`;
  return imageNetModel(inputs, outputs, options, name);
}

/** The classifier is a convolution. */
function classified(features: SymbolicTensor, options: MobileNetOptions): SymbolicTensor {
  const { classes = 1000, classifierActivation = 'softmax', dropout: rate = 1e-3 } = options;
  let x = globalAveragePooling2d({ keepdims: true })(features);
  x = dropout(rate, { name: 'dropout' })(x);
  x = conv2d(classes, 1, { padding: 'same', name: 'conv_preds' })(x);
  x = reshape([classes], { name: 'reshape_2' })(x);
  return activation(classifierActivation ?? 'linear', { name: 'predictions' })(x);
}
