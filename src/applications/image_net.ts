/**
 * @file What the networks of Keras's applications share: their options, the check of those, and the part above the
 * features.
 *
 * @see https://keras.io/api/applications/
 */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { ActivationLike } from '../layers/activations.ts';
import { dense, globalAveragePooling2d, globalMaxPooling2d } from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import { Model } from '../model/model.ts';
import { Input } from '../topology/input.ts';

/** Options of Keras's applications, with Keras's defaults but for `weights`. */
export interface ImageNetOptions {
  /**
   * Only `null`, which is also the default: **the weights are random**. tsuno brings no trained weights and downloads
   * none; `model.setWeights` takes those of the same model of Keras, whose layers have the same names.
   */
  weights?: null | undefined;
  /** Whether the classifier ends the network, default true; else it gives features. */
  includeTop?: boolean | undefined;
  /** `[height, width, channels]`, default `[224, 224, 3]`; 32 pixels or more a side, `null` for any, without the top. */
  inputShape?: PartialShape | undefined;
  /** How features become one vector, without the top: their mean, their maximum, or not at all (default). */
  pooling?: 'avg' | 'max' | null | undefined;
  /** Default 1000. */
  classes?: number | undefined;
  /** Default `'softmax'`; `null` gives logits. */
  classifierActivation?: ActivationLike | null | undefined;
  /** Name of the model, default Keras's. */
  name?: string | undefined;
}

const smallestSide = 32;

/** @throws TsunoError `UNSUPPORTED` for trained weights, `SHAPE` for images that the network cannot take. */
export function imageNetInput(where: string, options: ImageNetOptions): SymbolicTensor {
  const weights: unknown = options.weights ?? null;
  if (weights !== null) {
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: 'weights',
      expected: 'null: no trained weights come with tsuno',
      found: show(weights),
      repair: "Take them from Keras's model of this name, with model.setWeights.",
    });
  }
  const { inputShape = [224, 224, 3], includeTop = true } = options;
  const fits = (side: number | null | undefined) =>
    side === null ? !includeTop : Number.isInteger(side) && side! >= smallestSide;
  if (!(inputShape.length === 3 && fits(inputShape[0]) && fits(inputShape[1]))) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'inputShape',
      expected: `[height, width, channels] with sides of ${smallestSide} or more`,
      found: show([...inputShape]),
    });
  }
  return Input({ shape: inputShape });
}

/** Features become probabilities of classes, or one vector, or stay. */
export function imageNetHead(
  x: SymbolicTensor,
  options: ImageNetOptions,
  names: { average?: string; max?: string } = {},
): SymbolicTensor {
  const { includeTop = true, pooling } = options;
  const pooled = (kind: 'avg' | 'max') =>
    kind === 'avg'
      ? globalAveragePooling2d({ name: names.average })(x)
      : globalMaxPooling2d({ name: names.max })(x);
  if (includeTop) return classifier(pooled('avg'), options);
  return pooling ? pooled(pooling) : x;
}

/** The last layer. */
export function classifier(x: SymbolicTensor, options: ImageNetOptions): SymbolicTensor {
  const { classes = 1000, classifierActivation = 'softmax' } = options;
  return dense(classes, { activation: classifierActivation, name: 'predictions' })(x);
}

/** The model under its name. */
export function imageNetModel(
  inputs: SymbolicTensor,
  outputs: SymbolicTensor,
  options: ImageNetOptions,
  name: string,
): Model {
  return new Model({ inputs, outputs, name: options.name ?? name });
}
