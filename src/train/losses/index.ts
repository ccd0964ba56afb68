/** @file Every loss, and how one is found: by Keras's name, by class, by function, by object, by Keras's serialised form. */
import { show, TsunoError } from '../../core/errors.ts';
import { identifier, snakeCase } from '../../core/names.ts';
import type { TensorType } from '../../ir/op.ts';
import { Family, isSerialized, type Member, type Serialized } from '../../layers/serialized.ts';
import { BinaryCrossentropy, BinaryFocalCrossentropy } from './binary.ts';
import {
  CategoricalCrossentropy,
  CategoricalFocalCrossentropy,
  CategoricalGeneralizedCrossEntropy,
  SparseCategoricalCrossentropy,
} from './categorical.ts';
import { CategoricalHinge, Hinge, SquaredHinge } from './hinge.ts';
import { FunctionLoss, Loss, type LossFunction } from './loss.ts';
import { Circle, Dice, Tversky } from './overlap.ts';
import {
  CosineSimilarity,
  Huber,
  KLDivergence,
  LogCosh,
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  MeanSquaredError,
  MeanSquaredLogarithmicError,
  Poisson,
} from './regression.ts';

const members: readonly Member<Loss>[] = [
  BinaryCrossentropy,
  BinaryFocalCrossentropy,
  CategoricalCrossentropy,
  CategoricalFocalCrossentropy,
  CategoricalGeneralizedCrossEntropy,
  CategoricalHinge,
  Circle,
  CosineSimilarity,
  Dice,
  Hinge,
  Huber,
  KLDivergence,
  LogCosh,
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  MeanSquaredError,
  MeanSquaredLogarithmicError,
  Poisson,
  SparseCategoricalCrossentropy,
  SquaredHinge,
  Tversky,
];

/** Losses by name; `register` adds one of yours. */
export const lossFamily = new Family<Loss>('loss', members, {
  ...Object.fromEntries(members.map((member) => [snakeCase(member.className), member])),
  kl_divergence: KLDivergence,
  kld: KLDivergence,
  bce: BinaryCrossentropy,
  mae: MeanAbsoluteError,
  mse: MeanSquaredError,
  mape: MeanAbsolutePercentageError,
  msle: MeanSquaredLogarithmicError,
});

/** What names a loss: `'sparse_categorical_crossentropy'`, a class, a function of labels and predictions, a loss. */
export type LossIdentifier = string | Loss | LossFunction | (new () => Loss) | Serialized;

/** Shapes of labels and predictions, by which `'crossentropy'` and `'accuracy'` are settled. */
export interface LabelShapes {
  yTrue: TensorType;
  yPred: TensorType;
}

/**
 * The loss that `which` names.
 *
 * @param at shapes; with them `'crossentropy'` and `'ce'` name the crossentropy that fits.
 * @example
 * ```ts
 * losses.get('mse');                            // new losses.MeanSquaredError()
 * losses.get((y, p) => ops.abs(ops.sub(y, p))); // a loss of yours
 * ```
 * @throws TsunoError `ARGUMENT` for an unknown name.
 * @see https://keras.io/api/losses/#usage-of-losses-with-compile--fit
 */
export function get(which: LossIdentifier, at?: LabelShapes): Loss {
  if (which instanceof Loss) return which;
  if (typeof which === 'function') {
    return isLossClass(which) ? new which() : new FunctionLoss(which);
  }
  if (typeof which === 'string' || isSerialized(which)) {
    const fitting = at && isCrossentropy(which);
    return fitting
      ? new crossentropyOf[labelsByShape(at)]()
      : lossFamily.make('compile', 'loss', which);
  }
  throw new TsunoError('ARGUMENT', {
    where: 'compile',
    what: 'loss',
    expected: 'a name, a loss, a class of losses or a function of labels and predictions',
    found: show(which),
  });
}

const crossentropyOf = {
  binary: BinaryCrossentropy,
  sparse: SparseCategoricalCrossentropy,
  oneHot: CategoricalCrossentropy,
};

/** `'crossentropy'` or `'ce'`: whichever fits. */
export function isCrossentropy(which: unknown): which is string {
  return typeof which === 'string' && ['crossentropy', 'ce'].includes(identifier(which));
}

function isLossClass(which: LossFunction | (new () => Loss)): which is new () => Loss {
  return which.prototype instanceof Loss;
}

/** What shapes say about the labels, as Keras reads them. */
export function labelsByShape({ yTrue, yPred }: LabelShapes): 'binary' | 'sparse' | 'oneHot' {
  const outputs = yPred.shape.at(-1) ?? 1;
  if (outputs === 1) return 'binary';
  const isColumn = yTrue.shape.at(-1) === 1 && outputs > 1;
  return yTrue.shape.length < yPred.shape.length || isColumn ? 'sparse' : 'oneHot';
}

export * from './binary.ts';
export * from './categorical.ts';
export type {
  BinaryOptions,
  CategoricalOptions,
  FocalOptions,
  SparseOptions,
} from './crossentropy.ts';
export * from './hinge.ts';
export {
  FunctionLoss,
  type LabelKind,
  Loss,
  type LossFunction,
  type LossOptions,
  type Reduction,
} from './loss.ts';
export * from './overlap.ts';
export * from './regression.ts';
