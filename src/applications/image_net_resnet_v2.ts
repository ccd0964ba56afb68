/**
 * @file The residual networks that normalize before they convolve (He et al. 2016), as Keras has them, to the names of
 * layers.
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

const normalized = (x: SymbolicTensor, name: string) =>
  activation('relu', { name: `${name}_relu` })(
    batchNormalization({ epsilon: 1.001e-5, name: `${name}_bn` })(x),
  );

/** 1×1 down, 3×3, 1×1 up to four times the filters; the `first` block of a stage brings its input to that number. */
function block(
  input: SymbolicTensor,
  filters: number,
  strides: number,
  first: boolean,
  name: string,
): SymbolicTensor {
  const before = normalized(input, `${name}_preact`);
  const shortcut = () => {
    if (first) return conv2d(4 * filters, 1, { strides, name: `${name}_0_conv` })(before);
    return strides > 1 ? maxPooling2d(1, { strides })(input) : input;
  };
  const short = shortcut();
  let x = conv2d(filters, 1, { useBias: false, name: `${name}_1_conv` })(before);
  x = normalized(x, `${name}_1`);
  x = zeroPadding2d(1, { name: `${name}_2_pad` })(x);
  x = conv2d(filters, 3, { strides, useBias: false, name: `${name}_2_conv` })(x);
  x = normalized(x, `${name}_2`);
  x = conv2d(4 * filters, 1, { name: `${name}_3_conv` })(x);
  return add({ name: `${name}_out` })([short, x]);
}

function build(name: string, blocks: readonly number[], options: ImageNetOptions): Model {
  const inputs = imageNetInput(name, options);
  let x = zeroPadding2d(3, { name: 'conv1_pad' })(inputs);
  x = conv2d(64, 7, { strides: 2, name: 'conv1_conv' })(x);
  x = zeroPadding2d(1, { name: 'pool1_pad' })(x);
  x = maxPooling2d(3, { strides: 2, name: 'pool1_pool' })(x);
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const halves = i === count - 1 && stage < blocks.length - 1;
      const own = `conv${stage + 2}_block${i + 1}`;
      x = block(x, 64 * 2 ** stage, halves ? 2 : 1, i === 0, own);
    }
  });
  x = normalized(x, 'post');
  const outputs = imageNetHead(x, options, { average: 'avg_pool', max: 'max_pool' });
  return imageNetModel(inputs, outputs, options, name.toLowerCase());
}

/**
 * Keras's `ResNet50V2`: 25,613,800 parameters. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/resnet/#resnet50v2-function
 * @example
 * ```ts
 * const model = applications.ResNet50V2({ includeTop: false, inputShape: [64, 64, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 2048]
 * ```
 */
export function ResNet50V2(options: ImageNetOptions = {}): Model {
  return build('ResNet50V2', [3, 4, 6, 3], options);
}

/** Keras's `ResNet101V2`: 44,675,560 parameters; see {@link ResNet50V2}. */
export function ResNet101V2(options: ImageNetOptions = {}): Model {
  return build('ResNet101V2', [3, 4, 23, 3], options);
}

/** Keras's `ResNet152V2`: 60,380,648 parameters; see {@link ResNet50V2}. */
export function ResNet152V2(options: ImageNetOptions = {}): Model {
  return build('ResNet152V2', [3, 8, 36, 3], options);
}
