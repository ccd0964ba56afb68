/** @file What the small networks share: their options, and their last layer. */
import type { PartialShape } from '../core/shape.ts';
import type { ActivationLike } from '../layers/activations.ts';
import { dense } from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import { Model } from '../model/model.ts';

export interface SmallOptions {
  /** `[height, width, channels]`; the default is said by each network. */
  inputShape?: PartialShape | undefined;
  /** Default 10. */
  classes?: number | undefined;
  /** Of the last layer, default `'softmax'`; `null` gives logits. */
  classifierActivation?: ActivationLike | null | undefined;
  /** Name of the model. */
  name?: string | undefined;
}

/** The model that ends with the classes. */
export function classify(
  inputs: SymbolicTensor,
  features: SymbolicTensor,
  { classes = 10, classifierActivation = 'softmax', name }: SmallOptions,
): Model {
  const outputs = dense(classes, { activation: classifierActivation })(features);
  return new Model({ inputs, outputs, name });
}
