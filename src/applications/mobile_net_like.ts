/** @file A stack of depthwise-separable convolutions. */
import { globalAveragePooling2d } from '../layers/index.ts';
import type { Model } from '../model/model.ts';
import { Input } from '../topology/input.ts';
import { convNormRelu, depthwiseNormRelu } from './normalized.ts';
import { classify, type SmallOptions } from './small.ts';

/** Filters and stride of each block. */
const blocks = [
  { filters: 64, stride: 1 },
  { filters: 128, stride: 2 },
  { filters: 128, stride: 1 },
  { filters: 256, stride: 2 },
] as const;

/**
 * Depthwise-separable convolutions with batch normalization, after MobileNet (Howard et al. 2017) for small images.
 * 67,914 trainable parameters.
 *
 * @param options `inputShape` by default `[32, 32, 3]`.
 * @throws TsunoError `ARGUMENT` for an impossible shape.
 * @see https://arxiv.org/abs/1704.04861
 * @example
 * ```ts
 * const model = applications.mobileNetLike({ classes: 100 });
 * model.outputs[0].shape; // [null, 100]
 * ```
 */
export function mobileNetLike(options: SmallOptions = {}): Model {
  const inputs = Input({ shape: options.inputShape ?? [32, 32, 3] });
  let x = convNormRelu(inputs, 32, 3);
  for (const { filters, stride } of blocks)
    x = convNormRelu(depthwiseNormRelu(x, stride), filters, 1);
  return classify(inputs, globalAveragePooling2d()(x), { name: 'mobile_net_like', ...options });
}
