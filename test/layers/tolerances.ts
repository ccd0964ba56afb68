/** @file How near a layer's output must be to Keras's, by what the layer does. */
import type { LayerCase } from '../support/keras_cases.ts';

/** |found − expected| ≤ absolute + relative·|expected|. */
export interface Tolerance {
  relative: number;
  absolute: number;
}

const exact: Tolerance = { relative: 0, absolute: 0 };
/** One unit in the last place. */
const lastPlace: Tolerance = { relative: 2 ** -23, absolute: 0 };
/** One unit in the last place of operands near 1, which may cancel. */
const cancelling: Tolerance = { relative: 2 ** -23, absolute: 2 ** -23 };
const elementary: Tolerance = { relative: 1e-6, absolute: 1e-7 };
const normalized: Tolerance = { relative: 1e-5, absolute: 1e-6 };
const averaged: Tolerance = { relative: 1e-5, absolute: 1e-7 };
const statistics: Tolerance = { relative: 1e-4, absolute: 1e-5 };
const products: Tolerance = { relative: 1e-5, absolute: 1e-5 };
/** Interpolated pixels of 0 to 255. */
const resized: Tolerance = { relative: 0, absolute: 1e-2 };

const rows: readonly (readonly [RegExp, Tolerance])[] = [
  [/Max|Padding|Crop|^(Flatten|Reshape|Permute|RepeatVector|Concatenate|Identity|Minimum)$/, exact],
  [/Dropout$|GaussianNoise|UpSampling1D/, exact],
  [/^(P|Leaky)?ReLU$|^(Multiply|Rescaling)$/, lastPlace],
  [/^(Add|Subtract)$/, cancelling],
  [/^(Activation|ELU)$/, elementary],
  [/^Softmax$|UnitNormalization/, normalized],
  [/Average/, averaged],
  [/Normalization$/, statistics],
  [/^Resizing$/, resized],
];

/** Activations that divide by a sum over the axis. */
const overAxis = ['softmax', 'log_softmax', 'sparsemax'];

export function toleranceOf({ className, config }: LayerCase): Tolerance {
  if (overAxis.includes(String(config.activation)) && className === 'Activation') return normalized;
  return rows.find(([pattern]) => pattern.test(className))?.[1] ?? products;
}
