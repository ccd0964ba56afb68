/** @file Predictions: what a model gives for samples, all of them together. */
import type { Tensor } from '../core/tensor.ts';
import { Dataset } from '../data/dataset.ts';
import { batchSizeOf, columnsOf, countOf, sliceColumns, type Tensors } from './batches.ts';
import type { CallbackList, TrainedModel } from './callback.ts';
import { type PredictOptions, verbosity, whole } from './fit_options.ts';
import type { Trainer } from './trainer.ts';

/**
 * One tensor `[n, …]` for each output.
 *
 * @param showsBar whether `verbose: 'auto'` shows a bar.
 * @throws TsunoError for impossible data or arguments.
 */
export async function predict(
  trainer: Trainer,
  model: TrainedModel,
  data: Dataset | Tensors,
  options: PredictOptions,
  callbacks: CallbackList,
  showsBar: boolean,
): Promise<Tensor<'float32'>[]> {
  const where = 'predict';
  const batch = batchSizeOf(options.batchSize, where);
  const verbose = verbosity(where, options.verbose ?? 'auto', showsBar ? 1 : 0);
  const steps = options.steps === undefined ? undefined : whole(where, 'steps', options.steps, 1);
  const x = data instanceof Dataset ? data.images : data;
  const all = columnsOf(x, {}, trainer.names, where);
  const columns = steps === undefined ? all : sliceColumns(all, 0, steps * batch);
  trainer.prepare(columns, where);
  callbacks.attach(model, { epochs: 1, steps: Math.ceil(countOf(columns) / batch), verbose });
  await callbacks.tell('onPredictBegin');
  const progress = (step: number) => callbacks.progress(step, () => ({}));
  const outputs = await trainer.predict(columns, { batch, progress });
  await callbacks.tell('onPredictEnd');
  return outputs;
}
