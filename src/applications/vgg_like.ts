/** @file A plain stack of 3×3 convolutions. */
import { flatten, maxPooling2d } from '../layers/index.ts';
import type { Model } from '../model/model.ts';
import { Input } from '../topology/input.ts';
import { convNormRelu } from './normalized.ts';
import { classify, type SmallOptions } from './small.ts';

/**
 * Blocks of two 3×3 convolutions with batch normalization and a max pooling, after VGG (Simonyan and Zisserman 2014) for
 * small images. With the defaults 307,946 trainable parameters.
 *
 * @param filters of the blocks, default `[32, 64, 128]`.
 * @param options `inputShape` by default `[32, 32, 3]`; each block halves the sides.
 * @throws TsunoError as the layers do, for images too small for so many blocks.
 * @see https://arxiv.org/abs/1409.1556
 * @example
 * ```ts
 * const model = applications.vggLike([8, 16], { inputShape: [16, 16, 3], classes: 4 });
 * model.outputs[0].shape; // [null, 4]
 * ```
 */
export function vggLike(
  filters: readonly number[] = [32, 64, 128],
  options: SmallOptions = {},
): Model {
  const inputs = Input({ shape: options.inputShape ?? [32, 32, 3] });
  let x = inputs;
  for (const count of filters) {
    x = convNormRelu(convNormRelu(x, count, 3), count, 3);
    x = maxPooling2d(2)(x);
  }
  return classify(inputs, flatten()(x), { name: 'vgg_like', ...options });
}
