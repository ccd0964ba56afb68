/** @file What of the options and data of `fit` makes a run what it is: a state goes on only where all of it is the same. */
import { version } from '../core/version.ts';
import type { Columns } from './batches.ts';
import { fingerprint } from './fingerprint.ts';
import type { FitNumbers, FitOptions } from './fit_options.ts';
import type { Configuration } from './run_state.ts';
import type { Trainer } from './trainer.ts';

/** Data as far as they have been looked at: of what is not in memory the first samples. */
export interface DataAtHand {
  columns: Columns;
  samples: number | undefined;
}

/** Options, data and arithmetic of a fit, by name; neither `epochs` nor the number of threads change what a step is. */
export async function runConfiguration(
  trainer: Trainer,
  options: FitOptions,
  numbers: FitNumbers,
  { training, validation }: { training: DataAtHand; validation: DataAtHand | undefined },
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
    samples: training.samples ?? 'unknown',
    'samples of validation': validation?.samples ?? 'unknown',
    'data of training': await fingerprint(training.columns),
    'data of validation': validation ? await fingerprint(validation.columns) : 'none',
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  };
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, String(value)]));
}
