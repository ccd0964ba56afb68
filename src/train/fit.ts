/**
 * @file The loop over epochs: shuffle, run the steps of an epoch, validate, tell the callbacks. Everything random is a
 * function of (seed, epoch, step), so that the number of threads changes nothing. Its rules are in `docs/fit.md`.
 *
 * @see https://keras.io/api/models/model_training_apis/#fit-method
 */
import { TsunoError } from '../core/errors.ts';
import { RandomSequence, streams } from '../core/random.ts';
import { nextSeed } from '../core/seed.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Tensors } from './batches.ts';
import type { CallbackList, Logs, TrainedModel } from './callback.ts';
import { type EpochPart, epochPart } from './epochs.ts';
import { runTest } from './evaluate.ts';
import { type FitNumbers, type FitOptions, numbersOf, partsOf, whole } from './fit_options.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';
import type { LoadedColumns, Trainer } from './trainer.ts';

/** How long one epoch took. */
export interface EpochTiming {
  /** Steps of training done. */
  steps: number;
  /** Seconds of its steps of training alone. */
  trainSeconds: number;
  /** Seconds with validation and callbacks. */
  seconds: number;
}

/** What `fit` says beside what it tells the callbacks. */
export interface FitReport {
  timing: EpochTiming[];
  /** Whether Ctrl-C or the signal ended it. */
  interrupted: boolean;
}

/** A fit in progress. */
interface Run {
  trainer: Trainer;
  model: TrainedModel;
  numbers: FitNumbers;
  seed: number;
  shuffle: boolean;
  data: LoadedColumns;
  held: LoadedColumns | undefined;
  callbacks: CallbackList;
  interrupt: Interrupt;
  report: FitReport;
}

/**
 * Trains. All data and arguments are checked, and all programs compiled, before the first step.
 *
 * @param callbacks from the options, with those that every fit has.
 * @throws TsunoError for impossible data or arguments; `NONFINITE_LOSS` where training diverges, `USER_CODE` with the
 * cause where a callback throws.
 */
export function fit(
  trainer: Trainer,
  model: TrainedModel,
  data: Dataset | Tensors,
  options: FitOptions,
  callbacks: CallbackList,
): Promise<FitReport> {
  return trainer.training('fit', async () => {
    const compiled = trainer.compiled('fit');
    const numbers = numbersOf(options);
    const { training, validation } = partsOf(data, options, trainer.names);
    for (const columns of validation ? [training, validation] : [training]) {
      trainer.prepare(columns, 'fit');
      trainer.checkTargets(columns, 'fit');
    }
    const seed = whole('fit', 'seed', options.seed ?? nextSeed(), 0);
    trainer.warnOfPixels(training);
    await trainer.ready('train', training, numbers.batch);
    if (validation) await trainer.ready('test', validation, numbers.validationBatch);

    const loaded = await trainer.load(training);
    const held = validation && (await loadBeside(trainer, validation, loaded));
    const report: FitReport = { timing: [], interrupted: false };
    const interrupt = onInterrupt(options.signal);
    const shuffle = options.shuffle ?? true;
    const run = { trainer, model, numbers, seed, shuffle, data: loaded, held, callbacks };
    try {
      model.stopTraining = false;
      const batches = Math.ceil(loaded.count / numbers.batch);
      callbacks.attach(model, {
        epochs: numbers.epochs,
        steps: numbers.stepsPerEpoch ?? batches,
        verbose: numbers.verbose,
      });
      const { epochs, initialEpoch, stepsPerEpoch } = numbers;
      const { stepsBefore } = epochPart(initialEpoch, batches, stepsPerEpoch);
      trainer.seed(seed, stepsBefore);
      await callbacks.tell('onTrainBegin');
      let logs: Logs = {};
      for (let epoch = initialEpoch; epoch < epochs && !interrupt.signal.aborted; epoch++) {
        const part = epochPart(epoch, batches, stepsPerEpoch);
        logs = (await runEpoch({ ...run, interrupt, report }, epoch, part)) ?? logs;
        if (model.stopTraining) break;
      }
      if (report.timing.length > 0) compiled.optimizer.finalize();
      await callbacks.tell('onTrainEnd', logs);
      return { ...report, interrupted: interrupt.signal.aborted };
    } finally {
      interrupt.release();
      trainer.unload(loaded);
      if (held) trainer.unload(held);
    }
  });
}

async function loadBeside(
  trainer: Trainer,
  columns: LoadedColumns['columns'],
  first: LoadedColumns,
): Promise<LoadedColumns> {
  try {
    return await trainer.load(columns);
  } catch (error) {
    trainer.unload(first);
    throw error;
  }
}

/** One epoch. @returns its logs; `undefined` where it was interrupted, which no callback is told as its end. */
async function runEpoch(run: Run, epoch: number, part: EpochPart): Promise<Logs | undefined> {
  const { trainer, numbers, data, held, callbacks, interrupt, report } = run;
  const compiled = trainer.compiled('fit');
  const { signal } = interrupt;
  const started = performance.now();
  compiled.reset();
  await callbacks.tellOf('onEpochBegin', epoch);
  if (run.shuffle && (part.from === 0 || report.timing.length === 0)) {
    const order = new RandomSequence(run.seed, streams.shuffle, part.pass);
    trainer.order(data, order.permutation(data.count));
  }
  const trained = performance.now();
  const steps = await runBatches(run, epoch, part);
  const trainSeconds = (performance.now() - trained) / 1000;
  if (signal.aborted) return undefined;
  if (numbers.stepsPerEpoch !== undefined && part.steps < numbers.stepsPerEpoch)
    trainer.warn(
      `[fit] epoch ${epoch + 1} ran out of data after ${part.steps} of ${numbers.stepsPerEpoch} steps; the next one begins anew.`,
    );
  const logs = compiled.logs();
  if (held && numbers.isValidated(epoch)) {
    callbacks.progress(steps, () => logs);
    const range = { batch: numbers.validationBatch, steps: numbers.validationSteps, signal };
    const found = await runTest(trainer, held, range, callbacks);
    if (signal.aborted) return undefined;
    for (const [name, value] of Object.entries(found)) logs[`val_${name}`] = value;
  }
  await callbacks.tellOf('onEpochEnd', epoch, logs);
  report.timing.push({ steps, trainSeconds, seconds: (performance.now() - started) / 1000 });
  return logs;
}

/** The steps of an epoch. @returns how many were done. */
async function runBatches(run: Run, epoch: number, part: EpochPart): Promise<number> {
  const { model, callbacks } = run;
  let failed = 0;
  // Asked for by a step that fails.
  const nameOf = (step: number) => {
    failed = step;
    return `fit "${model.name}", epoch ${epoch + 1}, step ${step + 1} of ${part.steps}`;
  };
  try {
    return await (callbacks.wantsTrainBatches ? runSingly : runAtOnce)(run, part, nameOf);
  } catch (error) {
    const isSick = error instanceof TsunoError && error.code === 'NONFINITE_LOSS';
    if (!isSick || !callbacks.takesNonFinite(failed, error)) throw error;
    model.stopTraining = true;
    return failed;
  }
}

type NameOf = (step: number) => string;

function runAtOnce(
  { trainer, numbers: { batch }, data, callbacks, interrupt: { signal } }: Run,
  part: EpochPart,
  nameOf: NameOf,
): Promise<number> {
  const from = part.from * batch;
  const to = Math.min(data.count, from + part.steps * batch);
  const progress = (step: number) => callbacks.progress(step, () => trainer.compiled('fit').logs());
  return trainer.runSteps('train', data, { batch, from, to, progress, signal, nameOf });
}

/** One by one, for callbacks that want to see each. */
async function runSingly(
  { trainer, model, numbers: { batch }, data, callbacks, interrupt: { signal } }: Run,
  part: EpochPart,
  nameOf: NameOf,
): Promise<number> {
  let step = 0;
  for (; step < part.steps && !model.stopTraining && !signal.aborted; step++) {
    await callbacks.tellOf('onTrainBatchBegin', step);
    const from = (part.from + step) * batch;
    const to = Math.min(data.count, from + batch);
    await trainer.runSteps('train', data, { batch, from, to, nameOf: () => nameOf(step) });
    const logs = trainer.compiled('fit').logs();
    await callbacks.tellOf('onTrainBatchEnd', step, logs);
    callbacks.progress(step + 1, () => logs);
  }
  return step;
}
