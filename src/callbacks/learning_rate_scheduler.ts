/** @file A learning rate for each epoch. */
import { show, TsunoError } from '../core/errors.ts';
import { Callback, type Logs } from '../train/callback.ts';
import { printMessage } from './messages.ts';
import { pythonFloat } from './number_format.ts';

export interface LearningRateSchedulerOptions {
  /** 1 says each rate; default 0. */
  verbose?: 0 | 1 | undefined;
}

/**
 * Sets the learning rate at the beginning of each epoch; it is in the logs as `learning_rate`.
 *
 * @param schedule from the epoch (from 0) and the rate before it to the rate.
 * @throws TsunoError `ARGUMENT` in training, where the schedule gives no number.
 * @example
 * ```ts
 * const halving = new callbacks.LearningRateScheduler((epoch, rate) => (epoch < 2 ? rate : rate / 2));
 * await model.fit(training, { epochs: 4, callbacks: [halving], verbose: 0 });
 * ```
 * @see https://keras.io/api/callbacks/learning_rate_scheduler/
 */
export class LearningRateScheduler extends Callback {
  private readonly schedule: (epoch: number, learningRate: number) => number;
  private readonly verbose: 0 | 1;

  constructor(
    schedule: (epoch: number, learningRate: number) => number,
    { verbose = 0 }: LearningRateSchedulerOptions = {},
  ) {
    super();
    this.schedule = schedule;
    this.verbose = verbose;
  }

  override onEpochBegin(epoch: number): void {
    const { optimizer } = this.model;
    const rate = this.schedule(epoch, optimizer.learningRate);
    if (!Number.isFinite(rate)) {
      throw new TsunoError('ARGUMENT', {
        where: 'LearningRateScheduler',
        what: `the schedule's rate of epoch ${epoch}`,
        expected: 'a finite number',
        found: show(rate),
      });
    }
    optimizer.learningRate = rate;
    if (this.verbose > 0) {
      printMessage(
        `\nEpoch ${epoch + 1}: LearningRateScheduler setting learning rate to ${pythonFloat(rate)}.`,
      );
    }
  }

  override onEpochEnd(_epoch: number, logs: Logs): void {
    logs.learning_rate = this.model.optimizer.learningRate;
  }
}
