/**
 * @file Xception (Chollet 2016), as Keras has it, to the names of layers.
 *
 * @see https://keras.io/api/applications/xception/
 */
import {
  activation,
  add,
  batchNormalization,
  conv2d,
  maxPooling2d,
  separableConv2d,
} from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import { type ImageNetOptions, imageNetHead, imageNetInput, imageNetModel } from './image_net.ts';

const relu = (x: SymbolicTensor, name: string) => activation('relu', { name: `${name}_act` })(x);

function separable(x: SymbolicTensor, filters: number, name: string): SymbolicTensor {
  const options = { padding: 'same', useBias: false, name } as const;
  return batchNormalization({ name: `${name}_bn` })(separableConv2d(filters, 3, options)(x));
}

/** Two separable convolutions and a pooling, beside a 1×1 convolution of stride 2. */
function narrowing(
  input: SymbolicTensor,
  [first, second]: readonly [number, number],
  name: string,
  startsWithRelu = true,
): SymbolicTensor {
  const short = { strides: 2, padding: 'same', useBias: false } as const;
  const residual = batchNormalization()(conv2d(second, 1, short)(input));
  let x = startsWithRelu ? relu(input, `${name}_sepconv1`) : input;
  x = separable(x, first, `${name}_sepconv1`);
  x = separable(relu(x, `${name}_sepconv2`), second, `${name}_sepconv2`);
  x = maxPooling2d(3, { strides: 2, padding: 'same', name: `${name}_pool` })(x);
  return add()([x, residual]);
}

/**
 * Keras's `Xception`: 22,910,480 parameters; images of 299×299 by default, of 71 pixels or more a side. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/xception/
 * @example
 * ```ts
 * const model = applications.Xception({ includeTop: false, inputShape: [71, 71, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 2048]
 * ```
 */
export function Xception(options: ImageNetOptions = {}): Model {
  const inputs = imageNetInput('Xception', options, 299, 71);
  let x = inputs;
  for (const [i, [filters, strides]] of [[32, 2] as const, [64, 1] as const].entries()) {
    const name = `block1_conv${i + 1}`;
    x = conv2d(filters, 3, { strides, useBias: false, name })(x);
    x = relu(batchNormalization({ name: `${name}_bn` })(x), name);
  }
  x = narrowing(x, [128, 128], 'block2', false);
  x = narrowing(x, [256, 256], 'block3');
  x = narrowing(x, [728, 728], 'block4');
  for (let block = 5; block <= 12; block++) {
    const residual = x;
    for (let i = 1; i <= 3; i++) {
      const name = `block${block}_sepconv${i}`;
      x = separable(relu(x, name), 728, name);
    }
    x = add()([x, residual]);
  }
  x = narrowing(x, [728, 1024], 'block13');
  for (const [i, filters] of [1536, 2048].entries()) {
    const name = `block14_sepconv${i + 1}`;
    x = relu(separable(x, filters, name), name);
  }
  const outputs = imageNetHead(
    x,
    options,
    options.includeTop === false ? {} : { average: 'avg_pool' },
  );
  return imageNetModel(inputs, outputs, options, 'xception');
}
