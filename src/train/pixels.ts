/** @file Whether a model is given pixels that nobody scales. */
import type { Tensor } from '../core/tensor.ts';
import { looksUnscaled } from '../data/checks.ts';
import type { Layer } from '../layers/layer.ts';

/** Layers that bring pixels to a useful range. */
const scalingLayers =
  /^(Rescaling|Normalization|BatchNormalization|LayerNormalization|GroupNormalization|RMSNormalization|UnitNormalization)$/;

/** Whether inputs look like pixels from 0 to 255 and no layer scales them. */
export function hasBarePixels(network: Layer, x: readonly Tensor[]): boolean {
  const pixels = x.some((one) => (one.dtype === 'uint8' || one.rank === 4) && looksUnscaled(one));
  return pixels && !scales(network);
}

function scales(layer: Layer): boolean {
  return scalingLayers.test(layer.className) || layer.sublayers.some(scales);
}
