/** @file Models out of files, with the threads and the training that options ask for. */
import { loadModel, type Model, optimizers } from '../src/index.ts';
import { UsageError } from './failure.ts';
import { list, maybeWhole, operand, positive, text } from './options.ts';
import { inFlags } from './repairs.ts';
import type { Streams } from './streams.ts';
import { visible } from './visible.ts';

/** The first word of most verbs. */
export const modelOperand = operand('MODEL', 'the model: a .keras, .h5 or .onnx file');

/** Options of verbs that run a model. */
export const threads = maybeWhole('threads to run on', 'all processors, at most 8', { most: 256 });

/** Options that say what a model is measured by. */
export const measureOptions = {
  loss: text('NAME', 'a loss in place of the model’s own', 'that of the model'),
  metrics: list('NAMES', 'metrics in place of the model’s own, with commas', 'those of the model'),
};

/** Options that say how a model is trained. */
export const trainingOptions = {
  optimizer: text('NAME', 'an optimizer in place of the model’s own', 'that of the model'),
  learningRate: positive('the optimizer’s learning rate', 'as it is'),
  ...measureOptions,
};

export interface RunOptions {
  threads?: number | undefined;
  optimizer?: string | undefined;
  learningRate?: number | undefined;
  loss?: string | undefined;
  metrics?: readonly string[] | undefined;
}

/**
 * The model of a file, ready to run.
 *
 * @param needsLoss whether it is to be trained or measured.
 * @throws UsageError where a loss is needed, and neither file nor options have one.
 */
export async function modelToRun(
  path: string,
  options: RunOptions,
  { err }: Streams,
  needsLoss = true,
): Promise<Model> {
  const model = await loadModel(path);
  const own = model.compiled;
  const { loss = own?.options.loss, metrics = own?.options.metrics } = options;
  if (needsLoss && loss === undefined) {
    throw new UsageError(
      `${path} does not say how it is trained; give --loss NAME (and --metrics NAMES, for fit --optimizer NAME)`,
    );
  }
  const optimizer = options.optimizer ?? own?.optimizer;
  model.compile({
    ...own?.options,
    ...(optimizer === undefined ? {} : { optimizer: optimizers.get(optimizer) }),
    loss,
    metrics,
    threads: options.threads,
    warn: (message) => err.write(`warning: ${visible(inFlags(message))}\n`),
  });
  if (options.learningRate !== undefined) model.optimizer.learningRate = options.learningRate;
  return model;
}
