/**
 * @file The loop over epochs: shuffle, run the steps of an epoch, validate, tell the callbacks. Everything random is a
 * function of (seed, epoch, step), so that the number of threads changes nothing. Its rules are in `docs/fit.md`.
 *
 * @see https://keras.io/api/models/model_training_apis/#fit-method
 */
import { TsunoError } from '../core/errors.ts';
import { RandomSequence, streams } from '../core/random.ts';
import { nextSeed } from '../core/seed.ts';
import type { Data } from './batches.ts';
import type { CallbackList, Logs, TrainedModel } from './callback.ts';
import { type EpochPart, epochPart } from './epochs.ts';
import { runTest } from './evaluate.ts';
import type { Feed, Supply } from './feed.ts';
import {
  checkPasses,
  type FitNumbers,
  type FitOptions,
  numbersOf,
  partsOf,
  whole,
} from './fit_options.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';
import { Keeping } from './keeping.ts';
import { runConfiguration } from './run_configuration.ts';
import type { EpochTiming } from './run_state.ts';
import type { Trainer } from './trainer.ts';

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
  feed: Feed;
  /** Of validation. */
  held: Feed | undefined;
  callbacks: CallbackList;
  interrupt: Interrupt;
  report: FitReport;
  keeping: Keeping;
  /** @throws TsunoError `STATE` where the model was closed in mid-training. */
  mustBeOpen(): void;
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
  data: Data,
  options: FitOptions,
  callbacks: CallbackList,
): Promise<FitReport> {
  return trainer.training('fit', async () => {
    trainer.compiled('fit');
    const mustBeOpen = trainer.untilClosed('fit');
    const parts = partsOf(data, options, trainer.names);
    const numbers = numbersOf(options, parts);
    checkPasses(parts, numbers);
    const { training, validation } = parts;
    const columns = await training.inspect(trainer, 'train', 'fit');
    const heldColumns = await validation?.inspect(trainer, 'test', 'fit');
    const given = whole('fit', 'seed', options.seed ?? nextSeed(), 0);
    trainer.warnOfPixels(columns);

    const report: FitReport = { timing: [], interrupted: false };
    const configuration = () =>
      runConfiguration(trainer, options, numbers, {
        training: { columns, samples: training.samples },
        validation: heldColumns && { columns: heldColumns, samples: validation?.samples },
      });
    const { timing } = report;
    const keeping = await Keeping.open(
      { trainer, model, callbacks, seed: given, timing },
      configuration,
    );
    try {
      const order = (pass: number, count: number) =>
        new RandomSequence(keeping.seed, streams.shuffle, pass).permutation(count);
      const feed = await training.open(trainer, {
        kind: 'train',
        where: 'fit',
        batch: numbers.batch,
        order: (options.shuffle ?? true) ? order : undefined,
      });
      const held = validation && (await openBeside(trainer, validation, numbers, feed));
      const interrupt = onInterrupt(options.signal);
      try {
        return await runEpochs({
          trainer,
          model,
          numbers,
          feed,
          held,
          callbacks,
          interrupt,
          report,
          keeping,
          mustBeOpen,
        });
      } finally {
        interrupt.release();
        await feed.close();
        await held?.close();
      }
    } finally {
      await keeping.close();
    }
  });
}

async function runEpochs(run: Run): Promise<FitReport> {
  const { trainer, model, numbers, feed, callbacks, report, keeping } = run;
  const { signal } = run.interrupt;
  model.stopTraining = false;
  const { epochs, initialEpoch, stepsPerEpoch } = numbers;
  const partOf = (epoch: number) =>
    epochPart(epoch, feed.batches ?? Number.POSITIVE_INFINITY, stepsPerEpoch);
  const { steps, stepsBefore } = partOf(initialEpoch);
  callbacks.attach(model, {
    epochs,
    // The first pass may tell.
    get steps() {
      return stepsPerEpoch ?? feed.batches ?? steps;
    },
    verbose: numbers.verbose,
    ...keeping.params,
  });
  trainer.seed(keeping.seed, stepsBefore);
  await callbacks.tell('onTrainBegin');
  const start = await keeping.begin(initialEpoch);
  let { logs } = start;
  try {
    const last = start.isOver ? 0 : epochs;
    for (let { epoch } = start; epoch < last && !signal.aborted; epoch++) {
      const part = await nextPart(feed, partOf, epoch);
      if (!part) {
        trainer.warn(outOfData);
        break;
      }
      logs = (await runEpoch(run, epoch, part)) ?? logs;
      run.mustBeOpen();
      if (model.stopTraining) break;
    }
    if (signal.aborted) await keeping.keep();
  } catch (error) {
    await keeping.rescue(error);
    throw error;
  }
  if (report.timing.length > 0) trainer.compiled('fit').optimizer.finalize();
  await callbacks.tell('onTrainEnd', logs);
  keeping.isWhole = !signal.aborted;
  return { ...report, interrupted: signal.aborted };
}

const outOfData =
  '[fit] your input ran out of data; interrupting training. Make sure that your dataset or generator can generate at least stepsPerEpoch * epochs batches, or give the generator function itself.';

/** Goes to where an epoch begins: in another pass where the last one ended just there. @returns `undefined` without data. */
async function nextPart(
  feed: Feed,
  partOf: (epoch: number) => EpochPart,
  epoch: number,
): Promise<EpochPart | undefined> {
  const part = partOf(epoch);
  if (await feed.begin(part.pass, part.from)) return part;
  const other = partOf(epoch);
  const isAnother = other.pass !== part.pass || other.from !== part.from;
  return isAnother && (await feed.begin(other.pass, other.from)) ? other : undefined;
}

async function openBeside(
  trainer: Trainer,
  validation: Supply,
  { validationBatch: batch }: FitNumbers,
  first: Feed,
): Promise<Feed> {
  try {
    return await validation.open(trainer, { kind: 'test', where: 'fit, validationData', batch });
  } catch (error) {
    await first.close();
    throw error;
  }
}

/** One epoch. @returns its logs; `undefined` where it was interrupted, which no callback is told as its end. */
async function runEpoch(run: Run, epoch: number, part: EpochPart): Promise<Logs | undefined> {
  const { trainer, numbers, feed, held, callbacks, interrupt, report, keeping } = run;
  const compiled = trainer.compiled('fit');
  const { signal } = interrupt;
  const started = performance.now();
  compiled.reset();
  await keeping.beforeEpoch(epoch);
  await callbacks.tellOf('onEpochBegin', epoch);
  const done = await keeping.enterEpoch(part.steps);
  await feed.begin(part.pass, part.from + done);
  const trained = performance.now();
  const steps = await runBatches(run, epoch, part, done);
  run.mustBeOpen();
  const trainSeconds = (performance.now() - trained) / 1000;
  if (signal.aborted) return undefined;
  const wanted = numbers.stepsPerEpoch ?? part.steps;
  if (steps < wanted && Number.isFinite(wanted) && !run.model.stopTraining)
    trainer.warn(
      `[fit] epoch ${epoch + 1} ran out of data after ${steps} of ${wanted} steps; the next one begins anew.`,
    );
  await keeping.beforeEnd();
  const logs = compiled.logs();
  if (held && numbers.isValidated(epoch)) {
    callbacks.progress(steps, () => logs);
    feed.rest();
    const found = await runTest(
      trainer,
      held,
      { steps: numbers.validationSteps, signal },
      callbacks,
    );
    run.mustBeOpen();
    if (signal.aborted) return undefined;
    for (const [name, value] of Object.entries(found)) logs[`val_${name}`] = value;
  }
  await callbacks.tellOf('onEpochEnd', epoch, logs);
  report.timing.push({ steps, trainSeconds, seconds: (performance.now() - started) / 1000 });
  await keeping.afterEpoch(epoch, logs);
  return logs;
}

/** The steps of an epoch from step `first` on. @returns how many were done, those before among them. */
async function runBatches(
  run: Run,
  epoch: number,
  part: EpochPart,
  first: number,
): Promise<number> {
  const { model, callbacks } = run;
  // A run that goes on may have been told so before.
  if (first > 0 && model.stopTraining) return first;
  let failed = 0;
  // Asked for by a step that fails.
  const nameOf = (step: number) => {
    failed = step;
    const all = Number.isFinite(part.steps) ? ` of ${part.steps}` : '';
    return `fit "${model.name}", epoch ${epoch + 1}, step ${step + 1}${all}`;
  };
  try {
    return await (callbacks.wantsTrainBatches ? runSingly : runAtOnce)(run, part, first, nameOf);
  } catch (error) {
    const isSick = error instanceof TsunoError && error.code === 'NONFINITE_LOSS';
    if (!isSick || !callbacks.takesNonFinite(failed, error)) throw error;
    model.stopTraining = true;
    return failed;
  }
}

type NameOf = (step: number) => string;

async function runAtOnce(
  { trainer, model, feed, callbacks, keeping, mustBeOpen, interrupt: { signal } }: Run,
  part: EpochPart,
  first: number,
  nameOf: NameOf,
): Promise<number> {
  let done = first;
  while (done < part.steps && !signal.aborted) {
    mustBeOpen();
    const stretch = await feed.next(Math.min(part.steps - done, keeping.stretch), signal);
    if (!stretch) break;
    const before = done;
    done += await trainer.runSteps('train', stretch.data, {
      ...stretch,
      progress: (step) => callbacks.progress(before + step, () => trainer.compiled('fit').logs()),
      signal,
      nameOf: (step) => nameOf(before + step),
    });
    if (done > before) await keeping.afterSteps(done - 1);
    if (model.stopTraining) break;
  }
  return done;
}

/** One by one, for callbacks that want to see each. */
async function runSingly(
  { trainer, model, feed, callbacks, keeping, mustBeOpen, interrupt: { signal } }: Run,
  part: EpochPart,
  first: number,
  nameOf: NameOf,
): Promise<number> {
  let step = first;
  for (; step < part.steps && !model.stopTraining && !signal.aborted; step++) {
    mustBeOpen();
    const stretch = await feed.next(1, signal);
    if (!stretch) break;
    await callbacks.tellOf('onTrainBatchBegin', step);
    await trainer.runSteps('train', stretch.data, { ...stretch, nameOf: () => nameOf(step) });
    const logs = trainer.compiled('fit').logs();
    await callbacks.tellOf('onTrainBatchEnd', step, logs);
    callbacks.progress(step + 1, () => logs);
    await keeping.afterSteps(step);
  }
  return step;
}
