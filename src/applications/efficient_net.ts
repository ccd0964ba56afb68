/**
 * @file The EfficientNets (Tan and Le 2019), as Keras has them, to the names of layers.
 *
 * @see https://keras.io/api/applications/efficientnet/
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  globalAveragePooling2d,
  multiply,
  normalization,
  rescaling,
  reshape,
  zeroPadding2d,
} from '../layers/index.ts';
import { VarianceScaling } from '../layers/initializers.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import {
  type ImageNetOptions,
  imageNetHead,
  imageNetInput,
  imageNetModel,
  marginsFor,
  roundFilters,
} from './image_net.ts';

/** Window, repeats, filters that come in and go out, how often they widen in between, and the first stride. */
const stages = [
  { window: 3, repeats: 1, from: 32, to: 16, expansion: 1, stride: 1 },
  { window: 3, repeats: 2, from: 16, to: 24, expansion: 6, stride: 2 },
  { window: 5, repeats: 2, from: 24, to: 40, expansion: 6, stride: 2 },
  { window: 3, repeats: 3, from: 40, to: 80, expansion: 6, stride: 2 },
  { window: 5, repeats: 3, from: 80, to: 112, expansion: 6, stride: 1 },
  { window: 5, repeats: 4, from: 112, to: 192, expansion: 6, stride: 2 },
  { window: 3, repeats: 1, from: 192, to: 320, expansion: 6, stride: 1 },
] as const;

/** Widths, depths, side of images and dropout of B0 to B7. */
const scales = [
  [1, 1, 224, 0.2],
  [1, 1.1, 240, 0.2],
  [1.1, 1.2, 260, 0.3],
  [1.2, 1.4, 300, 0.3],
  [1.4, 1.8, 380, 0.4],
  [1.6, 2.2, 456, 0.4],
  [1.8, 2.6, 528, 0.5],
  [2, 3.1, 600, 0.5],
] as const;

/** Share of images whose last block is left out in training; it rises from 0 over the blocks. */
const mostDropped = 0.2;

const filled = new VarianceScaling({ scale: 2, mode: 'fan_out', distribution: 'truncated_normal' });
const even = new VarianceScaling({ scale: 1 / 3, mode: 'fan_out', distribution: 'uniform' });

const pointwise = (x: SymbolicTensor, filters: number, name: string, swish?: 'silu' | 'sigmoid') =>
  conv2d(filters, 1, {
    padding: 'same',
    useBias: swish !== undefined,
    activation: swish,
    kernelInitializer: filled,
    name,
  })(x);
const norm = (x: SymbolicTensor, name: string) => batchNormalization({ name })(x);
const swish = (x: SymbolicTensor, name: string) => activation('silu', { name })(x);

interface Block {
  window: number;
  from: number;
  to: number;
  expansion: number;
  stride: number;
  dropped: number;
}

/** 1×1 up, one window a channel, channels weighed by their means, 1×1 down; the input is added where shapes agree. */
function block(input: SymbolicTensor, design: Block, name: string): SymbolicTensor {
  const { window, from, to, expansion, stride, dropped } = design;
  const wide = from * expansion;
  let x = input;
  if (expansion !== 1) {
    x = norm(pointwise(x, wide, `${name}expand_conv`), `${name}expand_bn`);
    x = swish(x, `${name}expand_activation`);
  }
  if (stride === 2) x = zeroPadding2d(marginsFor(x, window), { name: `${name}dwconv_pad` })(x);
  x = depthwiseConv2d(window, {
    strides: stride,
    padding: stride === 2 ? 'valid' : 'same',
    useBias: false,
    depthwiseInitializer: filled,
    name: `${name}dwconv`,
  })(x);
  x = swish(norm(x, `${name}bn`), `${name}activation`);
  let weight = globalAveragePooling2d({ name: `${name}se_squeeze` })(x);
  weight = reshape([1, 1, wide], { name: `${name}se_reshape` })(weight);
  const few = Math.max(1, Math.floor(from / 4));
  weight = pointwise(weight, few, `${name}se_reduce`, 'silu');
  weight = pointwise(weight, wide, `${name}se_expand`, 'sigmoid');
  x = multiply({ name: `${name}se_excite` })([x, weight]);
  x = norm(pointwise(x, to, `${name}project_conv`), `${name}project_bn`);
  if (stride !== 1 || from !== to) return x;
  if (dropped > 0) x = dropout(dropped, { noiseShape: [null, 1, 1, 1], name: `${name}drop` })(x);
  return add({ name: `${name}add` })([x, input]);
}

function build(scale: number, options: ImageNetOptions): Model {
  const [width, depth, side, rate] = scales[scale]!;
  const title = `EfficientNetB${scale}`;
  const filters = (count: number) => roundFilters(count * width);
  const inputs = imageNetInput(title, options, side);
  let x = normalization()(rescaling(1 / 255)(inputs));
  x = zeroPadding2d(marginsFor(x, 3), { name: 'stem_conv_pad' })(x);
  const stem = { strides: 2, useBias: false, kernelInitializer: filled, name: 'stem_conv' };
  x = swish(norm(conv2d(filters(32), 3, stem)(x), 'stem_bn'), 'stem_activation');

  const repeatsOf = (repeats: number) => Math.ceil(depth * repeats);
  const count = stages.reduce((sum, { repeats }) => sum + repeatsOf(repeats), 0);
  let number = 0;
  for (const [i, { repeats, from, to, stride, ...rest }] of stages.entries()) {
    for (let j = 0; j < repeatsOf(repeats); j++) {
      const ends = { from: filters(j === 0 ? from : to), to: filters(to) };
      const dropped = (mostDropped * number++) / count;
      const name = `block${i + 1}${String.fromCharCode(97 + j)}_`;
      x = block(x, { ...rest, ...ends, stride: j === 0 ? stride : 1, dropped }, name);
    }
  }
  x = swish(norm(pointwise(x, filters(1280), 'top_conv'), 'top_bn'), 'top_activation');
  const names = { average: 'avg_pool', max: 'max_pool' };
  const outputs =
    options.includeTop === false
      ? imageNetHead(x, options, names)
      : classified(
          dropout(rate, { name: 'top_dropout' })(globalAveragePooling2d({ name: 'avg_pool' })(x)),
          options,
        );
  return imageNetModel(inputs, outputs, options, title.toLowerCase());
}

function classified(x: SymbolicTensor, options: ImageNetOptions): SymbolicTensor {
  const { classes = 1000, classifierActivation = 'softmax' } = options;
  return dense(classes, {
    activation: classifierActivation,
    kernelInitializer: even,
    name: 'predictions',
  })(x);
}

/**
 * Keras's `EfficientNetB0`: 5,330,571 parameters; pixels from 0 to 255. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/efficientnet/#efficientnetb0-function
 * @example
 * ```ts
 * const model = applications.EfficientNetB0({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 1280]
 * ```
 */
export function EfficientNetB0(options: ImageNetOptions = {}): Model {
  return build(0, options);
}

/** Keras's `EfficientNetB1`: 7,856,239 parameters; images of 240×240 by default. See {@link EfficientNetB0}. */
export function EfficientNetB1(options: ImageNetOptions = {}): Model {
  return build(1, options);
}

/** Keras's `EfficientNetB2`: 9,177,569 parameters; images of 260×260 by default. See {@link EfficientNetB0}. */
export function EfficientNetB2(options: ImageNetOptions = {}): Model {
  return build(2, options);
}

/** Keras's `EfficientNetB3`: 12,320,535 parameters; images of 300×300 by default. See {@link EfficientNetB0}. */
export function EfficientNetB3(options: ImageNetOptions = {}): Model {
  return build(3, options);
}

/** Keras's `EfficientNetB4`: 19,466,823 parameters; images of 380×380 by default. See {@link EfficientNetB0}. */
export function EfficientNetB4(options: ImageNetOptions = {}): Model {
  return build(4, options);
}

/** Keras's `EfficientNetB5`: 30,562,527 parameters; images of 456×456 by default. See {@link EfficientNetB0}. */
export function EfficientNetB5(options: ImageNetOptions = {}): Model {
  return build(5, options);
}

/** Keras's `EfficientNetB6`: 43,265,143 parameters; images of 528×528 by default. See {@link EfficientNetB0}. */
export function EfficientNetB6(options: ImageNetOptions = {}): Model {
  return build(6, options);
}

/** Keras's `EfficientNetB7`: 66,658,687 parameters; images of 600×600 by default. See {@link EfficientNetB0}. */
export function EfficientNetB7(options: ImageNetOptions = {}): Model {
  return build(7, options);
}
