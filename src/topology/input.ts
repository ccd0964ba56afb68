/** @file Where a functional model begins. */
import { InputLayer, type InputLayerOptions } from '../layers/input_layer.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';

/**
 * A symbolic tensor for layers to be called on.
 *
 * @param options `shape` without the batch, `null` where an extent may differ; `batchSize` (default: any), `name`,
 * `dtype` (default `float32`).
 * @throws TsunoError `ARGUMENT` for an impossible shape.
 * @see https://keras.io/api/layers/core_layers/input/
 * @example
 * ```ts
 * const inputs = Input({ shape: [28, 28, 1] });
 * inputs.shape; // [null, 28, 28, 1]
 * ```
 */
export function Input(options: InputLayerOptions): SymbolicTensor {
  return new InputLayer(options).output;
}
