/**
 * @file The loop over epochs: shuffle, run the steps of an epoch, validate, tell the callbacks. Everything random is a
 * function of (seed, epoch, step), so that the number of threads changes nothing.
 *
 * @see https://keras.io/api/models/model_training_apis/#fit-method
 */
import { show, TsunoError } from '../core/errors.ts';
import { RandomSequence, streams } from '../core/random.ts';
import { nextSeed } from '../core/seed.ts';
import type { Tensor } from '../core/tensor.ts';
import { Dataset } from '../data/dataset.ts';
import {
  batchSizeOf,
  type ColumnOptions,
  type Columns,
  columnsOf,
  sliceColumns,
  type Tensors,
} from './batches.ts';
import { type Callback, CallbackList, type Logs, type TrainedModel } from './callback.ts';
import { onInterrupt } from './interrupt.ts';
import type { LoadedColumns, Trainer } from './trainer.ts';

/** Validation data: a data set, or `[x, y]`, or `[x, y, sampleWeight]`. */
export type ValidationData =
  | Dataset
  | readonly [Tensors, Tensors]
  | readonly [Tensors, Tensors, Tensor];

export interface FitOptions extends ColumnOptions {
  /** Default 1. */
  epochs?: number | undefined;
  /** Samples a step; default 32. */
  batchSize?: number | undefined;
  /** 0 silent, 1 (default) a progress bar, 2 one line an epoch. */
  verbose?: 0 | 1 | 2 | undefined;
  callbacks?: readonly Callback[] | undefined;
  /** Part of the samples, the last ones before shuffling, kept for validation; default 0. */
  validationSplit?: number | undefined;
  validationData?: ValidationData | undefined;
  /** Default: that of training. */
  validationBatchSize?: number | undefined;
  /** Epochs between validations, or the epochs (from 1) to validate after; default 1. */
  validationFreq?: number | readonly number[] | undefined;
  validationSteps?: number | undefined;
  /** Whether each epoch visits the samples in another order; default true. */
  shuffle?: boolean | undefined;
  /** Epochs already done; default 0. */
  initialEpoch?: number | undefined;
  /** Steps of an epoch; default: until all samples were seen. */
  stepsPerEpoch?: number | undefined;
  /** Seed of shuffling and of random layers; default: from `setRandomSeed`. */
  seed?: number | undefined;
  /** Ends training after the step at hand. */
  signal?: AbortSignal | undefined;
}

export interface EvaluateOptions extends ColumnOptions {
  batchSize?: number | undefined;
  verbose?: 0 | 1 | 2 | undefined;
  /** Steps to take; default: all samples. */
  steps?: number | undefined;
  callbacks?: readonly Callback[] | undefined;
}

/** A whole number of at least `least`. @throws TsunoError `ARGUMENT`. */
function whole(what: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new TsunoError('ARGUMENT', {
    where: 'fit',
    what,
    expected: `a whole number, ${least} or more`,
    found: show(value),
  });
}

interface Split {
  training: Columns;
  validation: Columns | undefined;
}

function splitColumns(all: Columns, options: FitOptions): Split {
  const { validationData, validationSplit = 0 } = options;
  if (validationData !== undefined) {
    const isSet = validationData instanceof Dataset;
    const [x, y, sampleWeight] = isSet ? [validationData, undefined, undefined] : validationData;
    return { training: all, validation: columnsOf(x, { y, sampleWeight }, 'fit, validationData') };
  }
  if (validationSplit === 0) return { training: all, validation: undefined };
  const count = all.x[0]!.length;
  // Keras: the last fraction, the cut rounded down.
  const cut = Math.floor(count * (1 - validationSplit));
  if (!(validationSplit > 0 && validationSplit < 1) || cut === 0 || cut === count) {
    throw new TsunoError('ARGUMENT', {
      where: 'fit',
      what: `validationSplit of ${count} samples`,
      expected: 'a number between 0 and 1 that leaves samples on both sides',
      found: show(validationSplit),
    });
  }
  return { training: sliceColumns(all, 0, cut), validation: sliceColumns(all, cut) };
}

/**
 * Trains. All data and arguments are checked before the first step.
 *
 * @throws TsunoError for impossible data or arguments; `NONFINITE_LOSS` where training diverges, `USER_CODE` with the
 * cause where a callback throws.
 */
export async function fit(
  trainer: Trainer,
  model: TrainedModel,
  data: Dataset | Tensors,
  options: FitOptions,
): Promise<void> {
  const compiled = trainer.compiled('fit');
  const batch = batchSizeOf(options.batchSize, 'fit');
  const validationBatch = batchSizeOf(options.validationBatchSize ?? batch, 'fit');
  const epochs = whole('epochs', options.epochs ?? 1, 0);
  const initialEpoch = whole('initialEpoch', options.initialEpoch ?? 0, 0);
  const { training, validation } = splitColumns(columnsOf(data, options, 'fit'), options);
  for (const columns of validation ? [training, validation] : [training]) {
    trainer.prepare(columns, 'fit');
    trainer.checkTargets(columns, 'fit');
  }
  const seed = whole('seed', options.seed ?? nextSeed(), 0);
  const count = training.x[0]!.length;
  const perEpoch = Math.ceil(count / batch);
  const steps = Math.min(perEpoch, whole('stepsPerEpoch', options.stepsPerEpoch ?? perEpoch, 1));

  const callbacks = new CallbackList(options.callbacks ?? []);
  callbacks.attach(model, { epochs, steps, verbose: options.verbose ?? 1 });
  model.stopTraining = false;
  trainer.randomness.seed.assign([seed | 0]);
  trainer.randomness.step.assign([initialEpoch * steps]);

  const loaded = await trainer.load(training);
  const held = validation && (await trainer.load(validation));
  const interrupt = onInterrupt(options.signal);
  try {
    await callbacks.each((callback) => callback.onTrainBegin({}));
    let logs: Logs = {};
    for (
      let epoch = initialEpoch;
      epoch < epochs && !model.stopTraining && !interrupt.signal.aborted;
      epoch++
    ) {
      compiled.reset();
      await callbacks.each((callback) => callback.onEpochBegin(epoch, {}));
      if (options.shuffle ?? true) {
        await trainer.order(
          loaded,
          new RandomSequence(seed, streams.shuffle, epoch).permutation(count),
        );
      }
      const range = { batch, from: 0, to: Math.min(count, steps * batch) };
      await runEpoch(trainer, model, loaded, range, callbacks, interrupt.signal);
      logs = compiled.logs();
      if (held && !interrupt.signal.aborted && isDue(epoch, options.validationFreq ?? 1)) {
        const range = { batch: validationBatch, steps: options.validationSteps };
        const found = await runTest(trainer, held, range, callbacks, interrupt.signal);
        for (const [name, value] of Object.entries(found)) logs[`val_${name}`] = value;
      }
      await callbacks.each((callback) => callback.onEpochEnd(epoch, logs));
    }
    compiled.optimizer.finalize();
    await callbacks.each((callback) => callback.onTrainEnd(logs));
  } finally {
    interrupt.release();
    await trainer.unload(loaded);
    if (held) await trainer.unload(held);
  }
}

function isDue(epoch: number, frequency: number | readonly number[]): boolean {
  return typeof frequency === 'number'
    ? (epoch + 1) % frequency === 0
    : frequency.includes(epoch + 1);
}

interface Range {
  batch: number;
  from: number;
  to: number;
}

/** The steps of an epoch: in one go, or one by one where a callback wants to see each. */
async function runEpoch(
  trainer: Trainer,
  model: TrainedModel,
  loaded: LoadedColumns,
  { batch, from, to }: Range,
  callbacks: CallbackList,
  signal: AbortSignal,
): Promise<void> {
  const logs = () => trainer.compiled('fit').logs();
  if (!callbacks.wantsBatches) {
    const progress = (step: number) => callbacks.progress(step, logs);
    await trainer.runSteps('train', loaded, { batch, from, to, progress, signal });
    return;
  }
  for (
    let start = from, step = 0;
    start < to && !model.stopTraining && !signal.aborted;
    start += batch, step++
  ) {
    await callbacks.each((callback) => callback.onTrainBatchBegin?.(step, {}));
    await trainer.runSteps('train', loaded, {
      batch,
      from: start,
      to: Math.min(to, start + batch),
      signal,
    });
    await callbacks.each((callback) => callback.onTrainBatchEnd?.(step, logs()));
    callbacks.progress(step + 1, logs);
  }
}

async function runTest(
  trainer: Trainer,
  loaded: LoadedColumns,
  { batch, steps }: { batch: number; steps: number | undefined },
  callbacks: CallbackList,
  signal?: AbortSignal,
  progress?: (step: number) => void,
): Promise<Logs> {
  const compiled = trainer.compiled('evaluate');
  await callbacks.each((callback) => callback.onTestBegin({}));
  compiled.reset();
  const to = steps === undefined ? loaded.count : Math.min(loaded.count, steps * batch);
  await trainer.runSteps('test', loaded, { batch, from: 0, to, signal, progress });
  const logs = compiled.logs();
  await callbacks.each((callback) => callback.onTestEnd(logs));
  return logs;
}

/** The loss and metrics of a model on data. @throws TsunoError for impossible data or arguments. */
export async function evaluate(
  trainer: Trainer,
  data: Dataset | Tensors,
  options: EvaluateOptions,
  progress?: (step: number, logs: Logs) => void,
): Promise<Logs> {
  const compiled = trainer.compiled('evaluate');
  const batch = batchSizeOf(options.batchSize, 'evaluate');
  const columns = columnsOf(data, options, 'evaluate');
  trainer.prepare(columns, 'evaluate');
  trainer.checkTargets(columns, 'evaluate');
  const loaded = await trainer.load(columns);
  try {
    const callbacks = new CallbackList(options.callbacks ?? []);
    const show = progress && ((step: number) => progress(step, compiled.logs()));
    return await runTest(
      trainer,
      loaded,
      { batch, steps: options.steps },
      callbacks,
      undefined,
      show,
    );
  } finally {
    await trainer.unload(loaded);
  }
}
