/** @file The history of training: what `fit` returns. */
import { Callback, type Logs, type TrainingParams } from '../train/callback.ts';
import type { FitReport } from '../train/fit.ts';
import type { CallbackState, EpochTiming } from '../train/run_state.ts';

/**
 * Losses and metrics by epoch; every `fit` returns one.
 *
 * @example
 * ```ts
 * const history = await model.fit(training, { epochs: 2, validationData: validation, verbose: 0 });
 * Object.keys(history.history); // ["accuracy","loss","val_accuracy","val_loss"]
 * ```
 * @see https://keras.io/api/callbacks/history/
 */
export class History extends Callback {
  /** Epochs trained, from 0; one that was interrupted is not among them. */
  epoch: number[] = [];
  /** By name, sorted as Keras sorts them, one number for each epoch that had it. */
  history: Record<string, number[]> = {};
  /** How long each epoch took. */
  timing: readonly EpochTiming[] = [];
  /** Whether Ctrl-C or the signal ended the training. */
  interrupted = false;

  /** Epochs, steps and verbosity of the training. */
  get parameters(): TrainingParams {
    return this.params;
  }

  /** Milliseconds a step of training, validation and callbacks left out; 0 before any. */
  get msPerStep(): number {
    const steps = this.timing.reduce((sum, epoch) => sum + epoch.steps, 0);
    const seconds = this.timing.reduce((sum, { trainSeconds }) => sum + trainSeconds, 0);
    return steps === 0 ? 0 : (1000 * seconds) / steps;
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

  override state(): CallbackState {
    const { epoch, history } = this;
    return { epoch, history };
  }

  override restore(state: CallbackState): void {
    this.epoch = [...(state.epoch as number[])];
    const names = Object.entries(state.history as Record<string, number[]>);
    this.history = Object.fromEntries(names.map(([name, values]) => [name, [...values]]));
  }

  /** What `fit` adds when it has ended. */
  report({ timing, interrupted }: FitReport): void {
    this.timing = timing;
    this.interrupted = interrupted;
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
