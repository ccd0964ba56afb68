/** @file What `fit`, `evaluate` and `predict` may be asked for, and how it is checked. */
import { show, TsunoError } from '../core/errors.ts';
import { Dataset } from '../data/dataset.ts';
import {
  batchSizeOf,
  type ColumnNames,
  type ColumnOptions,
  type Columns,
  columnsOf,
  countOf,
  type SampleWeights,
  sliceColumns,
  type Tensors,
  withClassWeight,
} from './batches.ts';
import type { Callback } from './callback.ts';
import { MemorySupply, type Supply } from './feed.ts';

/** 0 silent, 1 a progress bar, 2 one line; `'auto'` is 1, but a prediction shows its bar on a terminal only. */
export type Verbosity = 0 | 1 | 2 | 'auto';

/** Validation data: a data set, or `[x, y]`, or `[x, y, sampleWeight]`. */
export type ValidationData =
  | Dataset
  | readonly [Tensors, Tensors]
  | readonly [Tensors, Tensors, SampleWeights];

export interface FitOptions extends ColumnOptions {
  /** Default 1. */
  epochs?: number | undefined;
  /** Samples a step; default 32. */
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
  /** Default: that of training. */
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
  /** Samples a step; default 32. */
  batchSize?: number | undefined;
  /** Default `'auto'`. */
  verbose?: Verbosity | undefined;
  /** Steps to take; default: all samples. */
  steps?: number | undefined;
  callbacks?: readonly Callback[] | undefined;
}

export interface PredictOptions {
  /** Samples a step; default 32. */
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
export function partsOf(
  data: Dataset | Tensors,
  options: FitOptions,
  names: ColumnNames,
): FitParts {
  const all = columnsOf(data, options, names, 'fit');
  const { validationData, validationSplit = 0, classWeight } = options;
  const forTraining = (columns: Columns) =>
    new MemorySupply(withClassWeight(columns, classWeight, 'fit'));
  if (validationData !== undefined) {
    const where = 'fit, validationData';
    const isSet = validationData instanceof Dataset;
    const [x, y, sampleWeight] = isSet ? [validationData] : validationData;
    return {
      training: forTraining(all),
      validation: new MemorySupply(columnsOf(x, { y, sampleWeight }, names, where)),
    };
  }
  if (validationSplit === 0) return { training: forTraining(all), validation: undefined };
  const cut = validationCut(countOf(all), validationSplit);
  return {
    training: forTraining(sliceColumns(all, 0, cut)),
    validation: new MemorySupply(sliceColumns(all, cut)),
  };
}

/** The first sample of validation: Keras's last fraction, the cut rounded down. @throws TsunoError `ARGUMENT`. */
function validationCut(count: number, split: number): number {
  const cut = Math.floor(count * (1 - split));
  if (split > 0 && split < 1 && cut > 0 && cut < count) return cut;
  throw new TsunoError('ARGUMENT', {
    where: 'fit',
    what: `validationSplit of ${count} samples`,
    expected: 'a number between 0 and 1 that leaves samples on both sides',
    found: show(split),
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
export function numbersOf(options: FitOptions): FitNumbers {
  const { stepsPerEpoch, validationSteps, validationFreq = 1 } = options;
  const where = 'fit';
  const batch = batchSizeOf(options.batchSize, where);
  const steps = (what: string, value: number | undefined) =>
    value === undefined ? undefined : whole(where, what, value, 1);
  const every = typeof validationFreq === 'number' ? [validationFreq] : validationFreq;
  for (const epoch of every) whole(where, 'validationFreq', epoch, 1);
  return {
    batch,
    epochs: whole(where, 'epochs', options.epochs ?? 1, 0),
    initialEpoch: whole(where, 'initialEpoch', options.initialEpoch ?? 0, 0),
    stepsPerEpoch: steps('stepsPerEpoch', stepsPerEpoch),
    validationBatch: batchSizeOf(options.validationBatchSize ?? batch, where),
    validationSteps: steps('validationSteps', validationSteps),
    isValidated: (epoch) =>
      typeof validationFreq === 'number'
        ? (epoch + 1) % validationFreq === 0
        : validationFreq.includes(epoch + 1),
    verbose: verbosity(where, options.verbose ?? 'auto', 1),
  };
}
