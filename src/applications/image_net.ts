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
  /**
   * `[height, width, channels]`, default `[224, 224, 3]` and 32 pixels or more a side, where the network says nothing
   * else; `null` for any, without the top.
   */
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

/**
 * @param side that images have by default.
 * @param smallest that they may have.
 * @throws TsunoError `UNSUPPORTED` for trained weights, `SHAPE` for images that the network cannot take.
 */
export function imageNetInput(
  where: string,
  options: ImageNetOptions,
  side = 224,
  smallest = 32,
): SymbolicTensor {
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
  const { inputShape = [side, side, 3], includeTop = true } = options;
  const fits = (extent: number | null | undefined) =>
    extent === null ? !includeTop : Number.isInteger(extent) && extent! >= smallest;
  if (!(inputShape.length === 3 && fits(inputShape[0]) && fits(inputShape[1]))) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'inputShape',
      expected: `[height, width, channels] with sides of ${smallest} or more`,
      found: show([...inputShape]),
    });
  }
  return Input({ shape: inputShape });
}

/** The multiple of 8 nearest to `filters`, but not more than a tenth below it. */
export function roundFilters(filters: number): number {
  const nearest = Math.max(8, Math.floor((filters + 4) / 8) * 8);
  return nearest < 0.9 * filters ? nearest + 8 : nearest;
}

/** Zeros around images for a convolution of stride 2, so that it sees both ends of an axis alike. */
export function marginsFor(
  x: SymbolicTensor,
  kernelSize: number,
): readonly [readonly [number, number], readonly [number, number]] {
  const half = Math.floor(kernelSize / 2);
  const margin = (side: number | null | undefined) => [half - 1 + ((side ?? 0) % 2), half] as const;
  return [margin(x.shape[1]), margin(x.shape[2])];
}

/** A factor of the number of filters. @throws TsunoError `ARGUMENT` where it is not above 0. */
export function filterFactor(where: string, alpha: number): number {
  if (Number.isFinite(alpha) && alpha > 0) return alpha;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'alpha',
    expected: 'a number above 0',
    found: show(alpha),
  });
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
