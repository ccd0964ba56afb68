/** @file Loss and metrics without training: of `evaluate`, of validation, and of single batches. */
import type { Dataset } from '../data/dataset.ts';
import {
  batchSizeOf,
  columnsOf,
  countOf,
  type SampleWeights,
  type Tensors,
  withClassWeight,
} from './batches.ts';
import type { CallbackList, Logs, TrainedModel } from './callback.ts';
import { type EvaluateOptions, verbosity, whole } from './fit_options.ts';
import type { LoadedColumns, Trainer } from './trainer.ts';

export interface TestRange {
  batch: number;
  /** Default: all. */
  steps: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Means over the samples of a test, told to the callbacks. */
export async function runTest(
  trainer: Trainer,
  data: LoadedColumns,
  { batch, steps, signal }: TestRange,
  callbacks: CallbackList,
): Promise<Logs> {
  const compiled = trainer.compiled('evaluate');
  await callbacks.tell('onTestBegin');
  compiled.reset();
  const logs = () => compiled.logs();
  const to = steps === undefined ? data.count : Math.min(data.count, steps * batch);
  if (callbacks.wantsTestBatches) {
    for (let step = 0, from = 0; from < to && !signal?.aborted; step++, from += batch) {
      await callbacks.tellOf('onTestBatchBegin', step);
      await trainer.runSteps('test', data, { batch, from, to: Math.min(to, from + batch) });
      await callbacks.tellOf('onTestBatchEnd', step, logs());
      callbacks.progress(step + 1, logs);
    }
  } else {
    const progress = (step: number) => callbacks.progress(step, logs);
    await trainer.runSteps('test', data, { batch, from: 0, to, signal, progress });
  }
  const found = logs();
  await callbacks.tell('onTestEnd', found);
  return found;
}

/** The loss and metrics of a model on data. @throws TsunoError for impossible data or arguments. */
export async function evaluate(
  trainer: Trainer,
  model: TrainedModel,
  data: Dataset | Tensors,
  options: EvaluateOptions,
  callbacks: CallbackList,
): Promise<Logs> {
  const where = 'evaluate';
  trainer.compiled(where);
  const batch = batchSizeOf(options.batchSize, where);
  const steps = options.steps === undefined ? undefined : whole(where, 'steps', options.steps, 1);
  const verbose = verbosity(where, options.verbose ?? 'auto', 1);
  const columns = columnsOf(data, options, trainer.names, where);
  trainer.prepare(columns, where);
  trainer.checkTargets(columns, where);
  const loaded = await trainer.load(columns);
  try {
    const batches = Math.ceil(loaded.count / batch);
    callbacks.attach(model, { epochs: 1, steps: Math.min(batches, steps ?? batches), verbose });
    return await runTest(trainer, loaded, { batch, steps }, callbacks);
  } finally {
    trainer.unload(loaded);
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
  trainer.prepare(columns, where);
  trainer.checkTargets(columns, where);
  await trainer.ready(kind, columns, countOf(columns));
  if (kind === 'train') trainer.seedOnce();
  const loaded = await trainer.load(columns);
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
