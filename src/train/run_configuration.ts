/** @file What of the options and data of `fit` makes a run what it is: a state goes on only where all of it is the same. */
import { version } from '../core/version.ts';
import type { Columns } from './batches.ts';
import { fingerprint } from './fingerprint.ts';
import type { FitNumbers, FitOptions } from './fit_options.ts';
import type { Configuration } from './run_state.ts';
import type { Trainer } from './trainer.ts';

/** Options, data and arithmetic of a fit, by name; neither `epochs` nor the number of threads change what a step is. */
export async function runConfiguration(
  trainer: Trainer,
  options: FitOptions,
  numbers: FitNumbers,
  training: Columns,
  validation: Columns | undefined,
): Promise<Configuration> {
  const { arithmetic } = await trainer.engine();
  const { optimizer } = trainer.compiled('fit');
  const shown = {
    'version of tsuno': version,
    arithmetic,
    batchSize: numbers.batch,
    initialEpoch: numbers.initialEpoch,
    stepsPerEpoch: numbers.stepsPerEpoch ?? 'all',
    shuffle: options.shuffle ?? true,
    validationBatchSize: numbers.validationBatch,
    validationSteps: numbers.validationSteps ?? 'all',
    validationFreq: JSON.stringify(options.validationFreq ?? 1),
    learningRate: optimizer.learningRate,
    'data of training': await fingerprint(training),
    'data of validation': validation ? await fingerprint(validation) : 'none',
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  };
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, String(value)]));
}
