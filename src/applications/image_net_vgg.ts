/**
 * @file The networks of Simonyan and Zisserman (2014), as Keras has them, to the names of layers.
 *
 * @see https://keras.io/api/applications/vgg/
 */
import { conv2d, dense, flatten, maxPooling2d } from '../layers/index.ts';
import type { Model } from '../model/model.ts';
import {
  classifier,
  type ImageNetOptions,
  imageNetHead,
  imageNetInput,
  imageNetModel,
} from './image_net.ts';

/** Filters of a block, and how many convolutions it has in VGG16; VGG19 has one more in the last three. */
const blocks = [
  { filters: 64, convolutions: 2 },
  { filters: 128, convolutions: 2 },
  { filters: 256, convolutions: 3 },
  { filters: 512, convolutions: 3 },
  { filters: 512, convolutions: 3 },
] as const;

function build(name: string, more: number, options: ImageNetOptions): Model {
  const inputs = imageNetInput(name, options);
  let x = inputs;
  blocks.forEach(({ filters, convolutions }, b) => {
    const count = convolutions + (convolutions > 2 ? more : 0);
    for (let c = 1; c <= count; c++) {
      const given = {
        activation: 'relu',
        padding: 'same',
        name: `block${b + 1}_conv${c}`,
      } as const;
      x = conv2d(filters, 3, given)(x);
    }
    x = maxPooling2d(2, { strides: 2, name: `block${b + 1}_pool` })(x);
  });
  if (options.includeTop === false) {
    return imageNetModel(inputs, imageNetHead(x, options), options, name.toLowerCase());
  }
  x = flatten({ name: 'flatten' })(x);
  x = dense(4096, { activation: 'relu', name: 'fc1' })(x);
  x = dense(4096, { activation: 'relu', name: 'fc2' })(x);
  return imageNetModel(inputs, classifier(x, options), options, name.toLowerCase());
}

/**
 * Keras's `VGG16`: 138,357,544 parameters, 553 MB. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/vgg/#vgg16-function
 * @example
 * ```ts
 * const model = applications.VGG16({ includeTop: false, inputShape: [32, 32, 3] });
 * model.outputs[0].shape; // [null, 1, 1, 512]
 * ```
 */
export function VGG16(options: ImageNetOptions = {}): Model {
  return build('VGG16', 0, options);
}

/** Keras's `VGG19`: 143,667,240 parameters; see {@link VGG16}. */
export function VGG19(options: ImageNetOptions = {}): Model {
  return build('VGG19', 1, options);
}
