/** @file The residual networks for small images. */
import { show, TsunoError } from '../core/errors.ts';
import { add, globalAveragePooling2d, relu } from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import { Input } from '../topology/input.ts';
import { convNorm, convNormRelu } from './normalized.ts';
import { classify, type SmallOptions } from './small.ts';

/** Layers with weights on the longest way, `6·n + 2` for `n` blocks a stage. */
export type ResnetDepth = 20 | 32 | 44 | 56 | 110;
const depths: readonly number[] = [20, 32, 44, 56, 110] satisfies ResnetDepth[];

/** relu(shortcut(x) + norm(conv(relu(norm(conv(x)))))); the shortcut is a 1×1 convolution where the size changes. */
function block(x: SymbolicTensor, filters: number, stride: number): SymbolicTensor {
  const body = convNorm(convNormRelu(x, filters, 3, stride), filters, 3);
  const shortcut = stride > 1 ? convNorm(x, filters, 1, stride) : x;
  return relu()(add()([body, shortcut]));
}

/**
 * A residual network for 32 × 32 images (He et al. 2015, section 4.2): three stages of 16, 32 and 64 filters. Where the
 * size changes, the shortcut is a 1×1 convolution (their option B). Depth 20 has 272,474 trainable parameters.
 *
 * @param depth default 20.
 * @param options `inputShape` by default `[32, 32, 3]`.
 * @throws TsunoError `ARGUMENT` for another depth.
 * @see https://arxiv.org/abs/1512.03385
 * @example
 * ```ts
 * const model = applications.resnet(20);
 * model.outputs[0].shape; // [null, 10]
 * ```
 */
export function resnet(depth: ResnetDepth = 20, options: SmallOptions = {}): Model {
  if (!depths.includes(depth)) {
    throw new TsunoError('ARGUMENT', {
      where: 'resnet',
      what: 'depth',
      expected: `one of ${depths.join(', ')}`,
      found: show(depth),
    });
  }
  const inputs = Input({ shape: options.inputShape ?? [32, 32, 3] });
  let x = convNormRelu(inputs, 16, 3);
  for (const filters of [16, 32, 64]) {
    for (let i = 0; i < (depth - 2) / 6; i++)
      x = block(x, filters, i === 0 && filters > 16 ? 2 : 1);
  }
  const features = globalAveragePooling2d()(x);
  return classify(inputs, features, { name: `resnet${depth}`, ...options });
}
