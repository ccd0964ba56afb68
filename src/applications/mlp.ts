/** @file A network of dense layers. */
import { dense, flatten } from '../layers/index.ts';
import type { Model } from '../model/model.ts';
import { Input } from '../topology/input.ts';
import { classify, type SmallOptions } from './small.ts';

/**
 * Dense layers with ReLU on all pixels.
 *
 * @param units of the hidden layers, default `[512, 512]`.
 * @param options `inputShape` by default `[28, 28, 1]`, any rank.
 * @throws TsunoError `ARGUMENT` for impossible units.
 * @example
 * ```ts
 * applications.mlp([512, 512]).countParams(); // 669706
 * ```
 */
export function mlp(units: readonly number[] = [512, 512], options: SmallOptions = {}): Model {
  const inputs = Input({ shape: options.inputShape ?? [28, 28, 1] });
  let x = flatten()(inputs);
  for (const count of units) x = dense(count, { activation: 'relu' })(x);
  return classify(inputs, x, { name: 'mlp', ...options });
}
