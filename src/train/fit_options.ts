/** @file What `fit`, `evaluate` and `predict` may be asked for, and how it is checked. */
import { show, TsunoError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { StreamingDataset } from '../data/streaming_dataset.ts';
import {
  type BatchStream,
  batchSizeOf,
  type ColumnNames,
  type ColumnOptions,
  type Data,
  type SampleWeights,
  type Tensors,
} from './batches.ts';
import type { Callback } from './callback.ts';
import type { Supply } from './feed.ts';
import { splitSupplies, supplyOf } from './supplies.ts';

/** 0 silent, 1 a progress bar, 2 one line; `'auto'` is 1, but a prediction shows its bar on a terminal only. */
export type Verbosity = 0 | 1 | 2 | 'auto';

/** Validation data: a data set, batches, or `[x, y]`, or `[x, y, sampleWeight]`. */
export type ValidationData =
  | Dataset
  | StreamingDataset
  | BatchStream
  | readonly [Tensors, Tensors]
  | readonly [Tensors, Tensors, SampleWeights];

export interface FitOptions extends ColumnOptions {
  /** Default 1. */
  epochs?: number | undefined;
  /** Samples a step; default that of the data set, or else 32. */
  batchSize?: number | undefined;
  /** Default `'auto'`. */
  verbose?: Verbosity | undefined;
  callbacks?: readonly Callback[] | undefined;
  /** How much the samples of each class count in training, on top of `sampleWeight`; default 1. */
  classWeight?: Readonly<Record<number, number>> | undefined;
  /** Part of the samples, the last ones before shuffling, kept for validation; default 0. */
  validationSplit?: number | undefined;
  /** Used in place of `validationSplit`. */
  validationData?: ValidationData | undefined;
  /** Default: that of the validation set, or else that of training. */
  validationBatchSize?: number | undefined;
  /** Epochs between validations, or the epochs (from 1) to validate after; default 1. */
  validationFreq?: number | readonly number[] | undefined;
  /** Steps of each validation, from the first sample on; default: all. */
  validationSteps?: number | undefined;
  /** Whether each pass visits the samples in another order; default true. */
  shuffle?: boolean | undefined;
  /** Epochs already done; default 0. With the same seed the run goes on as if it had never been interrupted. */
  initialEpoch?: number | undefined;
  /** Steps of an epoch, which goes on where the last one ended; default: until all samples were seen. */
  stepsPerEpoch?: number | undefined;
  /** Seed of shuffling and of random layers; default: from `setRandomSeed`. */
  seed?: number | undefined;
  /** Ends training after the step at hand. */
  signal?: AbortSignal | undefined;
}

export interface EvaluateOptions extends ColumnOptions {
  /** Samples a step; default that of the data set, or else 32. */
  batchSize?: number | undefined;
  /** Default `'auto'`. */
  verbose?: Verbosity | undefined;
  /** Steps to take; default: all samples. */
  steps?: number | undefined;
  callbacks?: readonly Callback[] | undefined;
}

export interface PredictOptions {
  /** Samples a step; default that of the data set, or else 32. */
  batchSize?: number | undefined;
  /** Default `'auto'`. */
  verbose?: Verbosity | undefined;
  /** Steps to take; default: all samples. */
  steps?: number | undefined;
  callbacks?: readonly Callback[] | undefined;
}

/** A whole number of at least `least`. @throws TsunoError `ARGUMENT`. */
export function whole(where: string, what: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new TsunoError('ARGUMENT', {
    where,
    what,
    expected: `a whole number, ${least} or more`,
    found: show(value),
  });
}

/** @throws TsunoError `ARGUMENT`. */
export function verbosity(where: string, value: Verbosity, auto: 0 | 1): 0 | 1 | 2 {
  if (value === 'auto') return auto;
  if (value === 0 || value === 1 || value === 2) return value;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'verbose',
    expected: "0, 1, 2 or 'auto'",
    found: show(value),
  });
}

export interface FitParts {
  training: Supply;
  validation: Supply | undefined;
}

/** What to train on and what to validate with. @throws TsunoError where the data are impossible. */
export function partsOf(data: Data, options: FitOptions, names: ColumnNames): FitParts {
  const { validationData, validationSplit = 0 } = options;
  if (validationData === undefined && validationSplit !== 0) {
    const [training, validation] = splitSupplies(data, options, names, validationSplit);
    return { training, validation };
  }
  const training = supplyOf(data, options, names, 'fit');
  if (validationData === undefined) return { training, validation: undefined };
  const [x, y, sampleWeight] = isList(validationData) ? validationData : [validationData];
  const validation = supplyOf(x, { y, sampleWeight }, names, 'fit, validationData');
  return { training, validation };
}

type InMemory = Extract<ValidationData, readonly [Tensors, Tensors, ...unknown[]]>;

function isList(given: ValidationData): given is InMemory {
  return Array.isArray(given);
}

/**
 * What can be gone through once must last for all epochs.
 *
 * @throws TsunoError `ARGUMENT` where only its end would tell where an epoch ends.
 */
export function checkPasses({ training, validation }: FitParts, numbers: FitNumbers): void {
  const { epochs, initialEpoch, stepsPerEpoch, validationSteps } = numbers;
  const validated = Array.from({ length: epochs }, (_, epoch) => epoch).filter(
    (epoch) => epoch >= initialEpoch && numbers.isValidated(epoch),
  );
  if (training.isOnce && stepsPerEpoch === undefined && epochs - initialEpoch > 1)
    throw onlyOnce('x', `${epochs - initialEpoch} epochs`, 'stepsPerEpoch');
  if (validation?.isOnce && validationSteps === undefined && validated.length > 1)
    throw onlyOnce('validationData', `${validated.length} validations`, 'validationSteps');
}

function onlyOnce(what: string, uses: string, option: string): TsunoError {
  return new TsunoError('ARGUMENT', {
    where: 'fit',
    what,
    expected: `must be such that it can be gone through again, for ${uses}`,
    found: 'an iterator, which ends once and for all',
    repair: `Give the generator function itself, which is called for each pass, or ${option}.`,
  });
}

/** The numbers of a fit, checked. */
export interface FitNumbers {
  batch: number;
  epochs: number;
  initialEpoch: number;
  stepsPerEpoch: number | undefined;
  validationBatch: number;
  validationSteps: number | undefined;
  /** Whether to validate after epoch `epoch`, from 0. */
  isValidated(epoch: number): boolean;
  verbose: 0 | 1 | 2;
}

/** @throws TsunoError `ARGUMENT` for the first that is impossible. */
export function numbersOf(options: FitOptions, { training, validation }: FitParts): FitNumbers {
  const { stepsPerEpoch, validationSteps, validationFreq = 1 } = options;
  const where = 'fit';
  const batch = batchSizeOf(options.batchSize ?? training.batchSize, where);
  const steps = (what: string, value: number | undefined) =>
    value === undefined ? undefined : whole(where, what, value, 1);
  const every = typeof validationFreq === 'number' ? [validationFreq] : validationFreq;
  for (const epoch of every) whole(where, 'validationFreq', epoch, 1);
  return {
    batch,
    epochs: whole(where, 'epochs', options.epochs ?? 1, 0),
    initialEpoch: whole(where, 'initialEpoch', options.initialEpoch ?? 0, 0),
    stepsPerEpoch: steps('stepsPerEpoch', stepsPerEpoch),
    validationBatch: batchSizeOf(
      options.validationBatchSize ?? validation?.batchSize ?? batch,
      where,
    ),
    validationSteps: steps('validationSteps', validationSteps),
    isValidated: (epoch) =>
      typeof validationFreq === 'number'
        ? (epoch + 1) % validationFreq === 0
        : validationFreq.includes(epoch + 1),
    verbose: verbosity(where, options.verbose ?? 'auto', 1),
  };
}
