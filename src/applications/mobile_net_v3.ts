/**
 * @file MobileNetV3 (Howard et al. 2019), as Keras has it, to the names of layers with weights.
 *
 * @see https://keras.io/api/applications/mobilenet/#mobilenetv3small-function
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  depthwiseConv2d,
  dropout,
  flatten,
  globalAveragePooling2d,
  multiply,
  relu,
  rescaling,
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
  marginsFor,
  roundFilters,
} from './image_net.ts';

export interface MobileNetV3Options extends ImageNetOptions {
  /** Factor of the number of filters, default 1. */
  alpha?: number | undefined;
  /** Whether to do without windows of 5, weighed channels and the hard swish; default false. */
  minimalistic?: boolean | undefined;
  /** Rate of the dropout before the classifier, default 0.2. */
  dropoutRate?: number | undefined;
  /** Whether the network takes pixels from 0 to 255, default true; else from −1 to 1. */
  includePreprocessing?: boolean | undefined;
}

/** How often a block widens, its filters, window, stride, whether channels are weighed, and its activation. */
type Row = readonly [number, number, 3 | 5, 1 | 2, boolean, 'relu' | 'hard_swish'];

const small: readonly Row[] = [
  [1, 16, 3, 2, true, 'relu'],
  [72 / 16, 24, 3, 2, false, 'relu'],
  [88 / 24, 24, 3, 1, false, 'relu'],
  [4, 40, 5, 2, true, 'hard_swish'],
  [6, 40, 5, 1, true, 'hard_swish'],
  [6, 40, 5, 1, true, 'hard_swish'],
  [3, 48, 5, 1, true, 'hard_swish'],
  [3, 48, 5, 1, true, 'hard_swish'],
  [6, 96, 5, 2, true, 'hard_swish'],
  [6, 96, 5, 1, true, 'hard_swish'],
  [6, 96, 5, 1, true, 'hard_swish'],
];

const large: readonly Row[] = [
  [1, 16, 3, 1, false, 'relu'],
  [4, 24, 3, 2, false, 'relu'],
  [3, 24, 3, 1, false, 'relu'],
  [3, 40, 5, 2, true, 'relu'],
  [3, 40, 5, 1, true, 'relu'],
  [3, 40, 5, 1, true, 'relu'],
  [6, 80, 3, 2, false, 'hard_swish'],
  [2.5, 80, 3, 1, false, 'hard_swish'],
  [2.3, 80, 3, 1, false, 'hard_swish'],
  [2.3, 80, 3, 1, false, 'hard_swish'],
  [6, 112, 3, 1, true, 'hard_swish'],
  [6, 112, 3, 1, true, 'hard_swish'],
  [6, 160, 5, 2, true, 'hard_swish'],
  [6, 160, 5, 1, true, 'hard_swish'],
  [6, 160, 5, 1, true, 'hard_swish'],
];

const norm = (x: SymbolicTensor, name: string) => batchNormalization({ momentum: 0.999, name })(x);
const pointwise = (x: SymbolicTensor, filters: number, name: string, useBias = false) =>
  conv2d(filters, 1, { padding: 'same', useBias, name })(x);
const active = (x: SymbolicTensor, kind: Row[5]) =>
  kind === 'relu' ? relu()(x) : activation('hard_swish')(x);

/** Channels weighed by their means. */
function weighed(x: SymbolicTensor, prefix: string): SymbolicTensor {
  const filters = x.shape.at(-1)!;
  const name = `${prefix}squeeze_excite_`;
  let weight = globalAveragePooling2d({ keepdims: true, name: `${name}avg_pool` })(x);
  weight = pointwise(weight, roundFilters(filters / 4), `${name}conv`, true);
  weight = relu({ name: `${name}relu` })(weight);
  weight = pointwise(weight, filters, `${name}conv_1`, true);
  return multiply({ name: `${name}mul` })([x, activation('hard_sigmoid')(weight)]);
}

/** 1×1 up, one window a channel, 1×1 down; the input is added where it has the same shape. */
function block(input: SymbolicTensor, row: Row, filters: number, number: number): SymbolicTensor {
  const [expansion, , window, strides, isWeighed, kind] = row;
  const prefix = number === 0 ? 'expanded_conv_' : `expanded_conv_${number}_`;
  const channels = input.shape.at(-1)!;
  let x = input;
  if (number > 0) {
    x = pointwise(x, roundFilters(channels * expansion), `${prefix}expand`);
    x = active(norm(x, `${prefix}expand_bn`), kind);
  }
  if (strides === 2)
    x = zeroPadding2d(marginsFor(x, window), { name: `${prefix}depthwise_pad` })(x);
  const padding = strides === 1 ? 'same' : 'valid';
  const options = { strides, padding, useBias: false, name: `${prefix}depthwise` } as const;
  x = active(norm(depthwiseConv2d(window, options)(x), `${prefix}depthwise_bn`), kind);
  if (isWeighed) x = weighed(x, prefix);
  x = norm(pointwise(x, filters, `${prefix}project`), `${prefix}project_bn`);
  return strides === 1 && channels === filters ? add({ name: `${prefix}add` })([input, x]) : x;
}

function build(
  name: string,
  rows: readonly Row[],
  last: number,
  options: MobileNetV3Options,
): Model {
  const { minimalistic = false, includePreprocessing = true, includeTop = true } = options;
  const alpha = filterFactor(name, options.alpha ?? 1);
  const kind = minimalistic ? 'relu' : 'hard_swish';
  const inputs = imageNetInput(name, options);
  let x = includePreprocessing ? rescaling(1 / 127.5, { offset: -1 })(inputs) : inputs;
  const first = { strides: 2, padding: 'same', useBias: false, name: 'conv' } as const;
  x = active(norm(conv2d(16, 3, first)(x), 'conv_bn'), kind);
  for (const [i, row] of rows.entries()) {
    const [expansion, filters, , strides] = row;
    const plain: Row = [expansion, filters, 3, strides, false, 'relu'];
    x = block(x, minimalistic ? plain : row, roundFilters(filters * alpha), i);
  }
  x = pointwise(x, roundFilters(x.shape.at(-1)! * 6), 'conv_1');
  x = active(norm(x, 'conv_1_bn'), kind);
  const wide = alpha > 1 ? roundFilters(last * alpha) : last;
  const names = { average: 'avg_pool', max: 'max_pool' };
  const outputs = includeTop ? classified(x, wide, kind, options) : imageNetHead(x, options, names);
  return imageNetModel(inputs, outputs, options, name);
}

/** The classifier is two convolutions. */
function classified(
  features: SymbolicTensor,
  wide: number,
  kind: Row[5],
  options: MobileNetV3Options,
): SymbolicTensor {
  const { classes = 1000, classifierActivation = 'softmax', dropoutRate = 0.2 } = options;
  let x = globalAveragePooling2d({ keepdims: true })(features);
  x = active(pointwise(x, wide, 'conv_2', true), kind);
  if (dropoutRate > 0) x = dropout(dropoutRate)(x);
  x = flatten()(pointwise(x, classes, 'logits', true));
  return activation(classifierActivation ?? 'linear', { name: 'predictions' })(x);
}

/**
 * Keras's `MobileNetV3Small`: 2,554,968 parameters; pixels from 0 to 255. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images, `ARGUMENT` for an
 * impossible `alpha`.
 * @see https://keras.io/api/applications/mobilenet/#mobilenetv3small-function
 * @example
 * ```ts
 * const model = applications.MobileNetV3Small({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 576]
 * ```
 */
export function MobileNetV3Small(options: MobileNetV3Options = {}): Model {
  return build('MobileNetV3Small', small, 1024, options);
}

/** Keras's `MobileNetV3Large`: 5,507,432 parameters; see {@link MobileNetV3Small}. */
export function MobileNetV3Large(options: MobileNetV3Options = {}): Model {
  return build('MobileNetV3Large', large, 1280, options);
}
