/** @file Loss and metrics without training: of `evaluate`, of validation, and of single batches. */
import { TsunoError } from '../core/errors.ts';
import type { Dataset } from '../data/dataset.ts';
import {
  batchSizeOf,
  columnsOf,
  countOf,
  type Data,
  type SampleWeights,
  type Tensors,
  withClassWeight,
} from './batches.ts';
import type { CallbackList, Logs, TrainedModel } from './callback.ts';
import type { Feed } from './feed.ts';
import { type EvaluateOptions, verbosity, whole } from './fit_options.ts';
import { supplyOf } from './supplies.ts';
import type { Trainer } from './trainer.ts';

export interface TestRange {
  /** Default: all. */
  steps: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Means over the samples of a test, from the first on, told to the callbacks. */
export async function runTest(
  trainer: Trainer,
  feed: Feed,
  { steps = Number.POSITIVE_INFINITY, signal }: TestRange,
  callbacks: CallbackList,
): Promise<Logs> {
  const compiled = trainer.compiled('evaluate');
  await callbacks.tell('onTestBegin');
  compiled.reset();
  const logs = () => compiled.logs();
  if (!(await feed.begin(0, 0))) throw nothingLeft();
  const singly = callbacks.wantsTestBatches;
  for (let done = 0; done < steps && !signal?.aborted; ) {
    const stretch = await feed.next(singly ? 1 : steps - done, signal);
    if (!stretch) break;
    const before = done;
    const progress = (step: number) => callbacks.progress(before + step, logs);
    if (singly) await callbacks.tellOf('onTestBatchBegin', done);
    const options = singly ? stretch : { ...stretch, signal, progress };
    done += await trainer.runSteps('test', stretch.data, options);
    if (!singly) continue;
    await callbacks.tellOf('onTestBatchEnd', before, logs());
    callbacks.progress(done, logs);
  }
  const found = logs();
  await callbacks.tell('onTestEnd', found);
  return found;
}

function nothingLeft(): TsunoError {
  return new TsunoError('DATA_EMPTY', {
    where: 'evaluate',
    what: 'the data',
    expected: 'must have batches left',
    found: 'an iterator at its end',
    repair: 'Give the generator function itself, which is called for each validation.',
  });
}

/** The loss and metrics of a model on data. @throws TsunoError for impossible data or arguments. */
export async function evaluate(
  trainer: Trainer,
  model: TrainedModel,
  data: Data,
  options: EvaluateOptions,
  callbacks: CallbackList,
): Promise<Logs> {
  const where = 'evaluate';
  trainer.compiled(where);
  const steps = options.steps === undefined ? undefined : whole(where, 'steps', options.steps, 1);
  const verbose = verbosity(where, options.verbose ?? 'auto', 1);
  const supply = supplyOf(data, options, trainer.names, where);
  const batch = batchSizeOf(options.batchSize ?? supply.batchSize, where);
  await supply.inspect(trainer, 'test', where);
  const feed = await supply.open(trainer, { kind: 'test', where, batch });
  try {
    const all = Number.POSITIVE_INFINITY;
    callbacks.attach(model, {
      epochs: 1,
      steps: Math.min(feed.batches ?? all, steps ?? all),
      verbose,
    });
    return await runTest(trainer, feed, { steps }, callbacks);
  } finally {
    await feed.close();
  }
}

/** What single batches may be given. */
export interface BatchOptions {
  sampleWeight?: SampleWeights | undefined;
}

export interface TrainBatchOptions extends BatchOptions {
  /** How much the samples of each class count; default 1. */
  classWeight?: Readonly<Record<number, number>> | undefined;
}

/** One step on one batch. @returns its loss and metrics. */
export async function runBatch(
  kind: 'train' | 'test',
  trainer: Trainer,
  data: Dataset | Tensors,
  options: TrainBatchOptions & { y?: Tensors | undefined },
): Promise<Logs> {
  const where = `${kind}OnBatch`;
  const compiled = trainer.compiled(where);
  const given = columnsOf(data, options, trainer.names, where);
  const columns = withClassWeight(given, options.classWeight, where);
  trainer.check(columns, kind, where);
  await trainer.ready(kind, columns, countOf(columns));
  if (kind === 'train') trainer.seedOnce();
  const loaded = await trainer.load([{ columns }]);
  try {
    compiled.reset();
    const { count } = loaded;
    const nameOf = () => where;
    await trainer.runSteps(kind, loaded, { batch: count, from: 0, to: count, nameOf });
    return compiled.logs();
  } finally {
    trainer.unload(loaded);
  }
}
