/** @file A smaller learning rate when a value no longer gets better. */
import type { Logs } from '../train/callback.ts';
import type { CallbackState } from '../train/run_state.ts';
import { printMessage } from './messages.ts';
import { MonitorCallback, type MonitorOptions } from './monitor.ts';
import { pythonFloat } from './number_format.ts';

export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** What the rate is multiplied by, below 1; default 0.1. */
  factor?: number | undefined;
  /** Epochs without improvement before the rate falls; default 10. */
  patience?: number | undefined;
  /** 1 says what was done; default 0. */
  verbose?: 0 | 1 | undefined;
  /** Smaller changes are none; default 1e-4. */
  minDelta?: number | undefined;
  /** Epochs after a fall in which nothing is counted; default 0. */
  cooldown?: number | undefined;
  /** The rate does not fall below it; default 0. */
  minLr?: number | undefined;
}

/**
 * Lowers the learning rate when a value has stopped improving; the rate of each epoch is in the logs as `learning_rate`.
 *
 * @example
 * ```ts
 * const plateau = new callbacks.ReduceLROnPlateau({ factor: 0.2, patience: 5, minLr: 1e-4 });
 * await model.fit(training, { validationData: validation, callbacks: [plateau], verbose: 0 });
 * ```
 * @see https://keras.io/api/callbacks/reduce_lr_on_plateau/
 */
export class ReduceLROnPlateau extends MonitorCallback {
  private readonly factor: number;
  private readonly patience: number;
  private readonly verbose: 0 | 1;
  private readonly cooldown: number;
  private readonly minLr: number;
  private wait = 0;
  private cooling = 0;

  /** @throws TsunoError `ARGUMENT` for a factor that does not lower the rate. */
  constructor(options: ReduceLROnPlateauOptions = {}) {
    super({ ...options, minDelta: options.minDelta ?? 1e-4 });
    this.factor = options.factor ?? 0.1;
    this.patience = options.patience ?? 10;
    this.verbose = options.verbose ?? 0;
    this.cooldown = options.cooldown ?? 0;
    this.minLr = options.minLr ?? 0;
    if (!(this.factor > 0 && this.factor < 1))
      throw this.refuse('factor', 'between 0 and 1', this.factor);
  }

  override onTrainBegin(logs: Logs): void {
    super.onTrainBegin(logs);
    this.best = undefined;
    this.wait = 0;
    this.cooling = 0;
  }

  override onEpochEnd(epoch: number, logs: Logs): void {
    logs.learning_rate = this.model.optimizer.learningRate;
    const current = this.monitored(logs, 'Learning rate reduction is conditioned on');
    if (current === undefined) return;
    if (this.cooling > 0) {
      this.cooling--;
      this.wait = 0;
    }
    if (this.improves(current, this.best)) {
      this.best = current;
      this.wait = 0;
    } else if (this.cooling === 0 && ++this.wait >= this.patience && this.reduce(epoch)) {
      this.cooling = this.cooldown;
      this.wait = 0;
    }
  }

  override state(): CallbackState {
    const { best, wait, cooling } = this;
    return { best, wait, cooling };
  }

  override restore(state: CallbackState): void {
    this.best = state.best as number | undefined;
    this.wait = state.wait as number;
    this.cooling = state.cooling as number;
  }

  private reduce(epoch: number): boolean {
    const { optimizer } = this.model;
    const before = optimizer.learningRate;
    if (before <= Math.fround(this.minLr)) return false;
    const after = Math.max(before * this.factor, this.minLr);
    optimizer.learningRate = after;
    if (this.verbose > 0) {
      printMessage(
        `\nEpoch ${epoch + 1}: ReduceLROnPlateau reducing learning rate to ${pythonFloat(after)}.`,
      );
    }
    return true;
  }
}
