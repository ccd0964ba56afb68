/** @file Predictions: what a model gives for samples, all of them together. */
import type { Tensor } from '../core/tensor.ts';
import { batchSizeOf, type Data } from './batches.ts';
import type { CallbackList, TrainedModel } from './callback.ts';
import { type Feed, stepsOf } from './feed.ts';
import { type PredictOptions, verbosity, whole } from './fit_options.ts';
import { joinedTensors } from './stream_feed.ts';
import { inputSupply } from './supplies.ts';
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
  data: Data,
  options: PredictOptions,
  callbacks: CallbackList,
  showsBar: boolean,
): Promise<Tensor<'float32'>[]> {
  const where = 'predict';
  const verbose = verbosity(where, options.verbose ?? 'auto', showsBar ? 1 : 0);
  const steps = options.steps === undefined ? undefined : whole(where, 'steps', options.steps, 1);
  const supply = inputSupply(data, trainer.names, where);
  const batch = batchSizeOf(options.batchSize ?? supply.batchSize, where);
  await supply.inspect(trainer, 'predict', where);
  const feed = await supply.open(trainer, { kind: 'predict', where, batch });
  try {
    const all = Number.POSITIVE_INFINITY;
    const most = Math.min(feed.batches ?? all, steps ?? all);
    callbacks.attach(model, { epochs: 1, steps: most, verbose });
    await callbacks.tell('onPredictBegin');
    const outputs = await runPredict(trainer, feed, most, callbacks);
    await callbacks.tell('onPredictEnd');
    return outputs;
  } finally {
    await feed.close();
  }
}

async function runPredict(
  trainer: Trainer,
  feed: Feed,
  steps: number,
  callbacks: CallbackList,
): Promise<Tensor<'float32'>[]> {
  const parts: Tensor<'float32'>[][] = [];
  const singly = callbacks.wantsPredictBatches;
  await feed.begin(0, 0);
  for (let done = 0; done < steps; ) {
    const stretch = await feed.next(singly ? 1 : steps - done);
    if (!stretch) break;
    const before = done;
    const progress = (step: number) => callbacks.progress(before + step, () => ({}));
    if (singly) await callbacks.tellOf('onPredictBatchBegin', before);
    const outputs = await trainer.predict(stretch.data, { ...stretch, progress });
    if (singly) await callbacks.tellPredicted(before, outputs);
    parts.push(outputs);
    done += stepsOf(stretch);
  }
  return parts[0]!.map((_, i) => joinedTensors(parts.map((outputs) => outputs[i]!)));
}
