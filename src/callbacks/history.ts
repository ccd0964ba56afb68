/** @file The history of training: what `fit` returns. */
import { Callback, type Logs, type TrainingParams } from '../train/callback.ts';

/**
 * Losses and metrics by epoch; every `fit` returns one.
 *
 * @example
 * ```ts no-run
 * const history = await model.fit(training, { epochs: 5, validationData: validation });
 * history.history.val_accuracy; // one number an epoch
 * ```
 * @see https://keras.io/api/callbacks/history/
 */
export class History extends Callback {
  /** Epochs trained, from 0. */
  epoch: number[] = [];
  /** By name, one number for each epoch that had it. */
  history: Record<string, number[]> = {};

  /** Epochs, steps and verbosity of the training. */
  get parameters(): TrainingParams {
    return this.params;
  }

  override onTrainBegin(): void {
    this.epoch = [];
    this.history = {};
  }

  override onEpochEnd(epoch: number, logs: Logs): void {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      this.history[name] ??= [];
      this.history[name].push(value);
    }
  }

  /** The history as JSON, as `history.json` holds it. */
  toJSON(): { epoch: number[]; history: Record<string, number[]> } {
    return { epoch: this.epoch, history: this.history };
  }

  /** The history as comma-separated values: a header, then one line an epoch. */
  toCSV(): string {
    const names = Object.keys(this.history);
    const lines = this.epoch.map((epoch, i) =>
      [epoch, ...names.map((name) => this.history[name]![i] ?? '')].join(','),
    );
    return `${[['epoch', ...names].join(','), ...lines].join('\n')}\n`;
  }
}
