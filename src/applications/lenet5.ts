/** @file LeNet-5. */
import { averagePooling2d, conv2d, dense, flatten } from '../layers/index.ts';
import type { Model } from '../model/model.ts';
import { Input } from '../topology/input.ts';
import { classify, type SmallOptions } from './small.ts';

/**
 * LeNet-5 (LeCun et al. 1998) as it is usually given today: average pooling and tanh, the second convolution on all maps,
 * a softmax at the end. 61,706 parameters.
 *
 * @param options `inputShape` by default `[28, 28, 1]`; the first convolution pads, so that this is the paper's 32 × 32.
 * @throws TsunoError as the layers do, for images that are too small.
 * @see http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf
 * @example
 * ```ts
 * applications.lenet5().countParams(); // 61706
 * ```
 */
export function lenet5(options: SmallOptions = {}): Model {
  const inputs = Input({ shape: options.inputShape ?? [28, 28, 1] });
  let x = conv2d(6, 5, { padding: 'same', activation: 'tanh' })(inputs);
  x = averagePooling2d(2)(x);
  x = conv2d(16, 5, { activation: 'tanh' })(x);
  x = averagePooling2d(2)(x);
  x = flatten()(x);
  x = dense(120, { activation: 'tanh' })(x);
  x = dense(84, { activation: 'tanh' })(x);
  return classify(inputs, x, { name: 'lenet5', ...options });
}
