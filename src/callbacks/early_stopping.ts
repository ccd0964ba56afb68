/** @file Stopping when a value no longer gets better. */
import type { Tensor } from '../core/tensor.ts';
import type { Logs } from '../train/callback.ts';
import type { CallbackState } from '../train/run_state.ts';
import { printMessage } from './messages.ts';
import { MonitorCallback, type MonitorOptions } from './monitor.ts';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without improvement before training stops; default 0. */
  patience?: number | undefined;
  /** 1 says what was done; default 0. */
  verbose?: 0 | 1 | undefined;
  /** The value to be better than; default none. */
  baseline?: number | undefined;
  /** Whether the weights become those of the best epoch at the end; default false. */
  restoreBestWeights?: boolean | undefined;
  /** Epochs before the first look; default 0. */
  startFromEpoch?: number | undefined;
}

/**
 * Stops training when a value has stopped improving.
 *
 * @example
 * ```ts
 * const stop = new callbacks.EarlyStopping({ monitor: 'loss', patience: 2, restoreBestWeights: true });
 * await model.fit(training, { epochs: 5, callbacks: [stop], verbose: 0 });
 * ```
 * @see https://keras.io/api/callbacks/early_stopping/
 */
export class EarlyStopping extends MonitorCallback {
  private readonly patience: number;
  private readonly verbose: 0 | 1;
  private readonly baseline: number | undefined;
  private readonly restoreBestWeights: boolean;
  private readonly startFromEpoch: number;
  private wait = 0;
  private bestEpoch = 0;
  private bestWeights: Tensor[] | undefined;
  /** The epoch that training was stopped after, from 0; 0 if it was not, as in Keras. */
  stoppedEpoch = 0;

  constructor(options: EarlyStoppingOptions = {}) {
    super(options);
    this.patience = options.patience ?? 0;
    this.verbose = options.verbose ?? 0;
    this.baseline = options.baseline;
    this.restoreBestWeights = options.restoreBestWeights ?? false;
    this.startFromEpoch = options.startFromEpoch ?? 0;
    if (!(this.patience >= 0)) throw this.refuse('patience', 'at least 0', options.patience);
  }

  override onTrainBegin(logs: Logs): void {
    super.onTrainBegin(logs);
    this.wait = 0;
    this.stoppedEpoch = 0;
    this.best = undefined;
    this.bestWeights = undefined;
    this.bestEpoch = 0;
  }

  override onEpochEnd(epoch: number, logs: Logs): void {
    const current = this.monitored(logs, 'Early stopping conditioned on');
    if (current === undefined || epoch < this.startFromEpoch) return;
    if (this.restoreBestWeights && !this.bestWeights) this.keep(epoch);
    this.wait++;
    if (this.improves(current, this.best)) {
      this.best = current;
      this.bestEpoch = epoch;
      if (this.restoreBestWeights) this.keep(epoch);
      if (this.improves(current, this.baseline)) this.wait = 0;
      return;
    }
    if (this.wait >= this.patience && epoch > 0) {
      this.stoppedEpoch = epoch;
      this.model.stopTraining = true;
    }
  }

  override state(): CallbackState {
    const { wait, best, bestEpoch, bestWeights, stoppedEpoch } = this;
    return { wait, best, bestEpoch, bestWeights, stoppedEpoch };
  }

  override restore(state: CallbackState): void {
    this.wait = state.wait as number;
    this.best = state.best as number | undefined;
    this.bestEpoch = state.bestEpoch as number;
    this.bestWeights = state.bestWeights as Tensor[] | undefined;
    this.stoppedEpoch = state.stoppedEpoch as number;
  }

  private keep(epoch: number): void {
    this.bestWeights = this.model.getWeights();
    this.bestEpoch = epoch;
  }

  override onTrainEnd(): void {
    if (this.stoppedEpoch > 0 && this.verbose > 0)
      printMessage(`Epoch ${this.stoppedEpoch + 1}: early stopping`);
    if (!this.bestWeights) return;
    if (this.verbose > 0) {
      printMessage(
        `Restoring model weights from the end of the best epoch: ${this.bestEpoch + 1}.`,
      );
    }
    this.model.setWeights(this.bestWeights);
  }
}
