/** @file The progress bar as a callback. */
import { Callback, type Logs } from '../train/callback.ts';
import { writeOut } from './messages.ts';
import { epochLine, Progbar } from './progbar.ts';
import { type Terminal, terminal } from './terminal.ts';

/**
 * Prints Keras's progress bar; every `fit`, `evaluate` and `predict` with `verbose` 1 or 2 has one. Validation inside
 * `fit` is silent.
 *
 * @param write where the text goes; default the terminal, or the console of a page.
 * @param where what that place can do; default: a terminal if it is one.
 * @see https://keras.io/api/callbacks/progbar_logger/
 */
export class ProgbarLogger extends Callback {
  private readonly write: (text: string) => void;
  private readonly where: Pick<Terminal, 'isTerminal'>;
  private bar: Progbar | undefined;
  private isFit = false;
  private isValidation = false;

  constructor(write?: (text: string) => void, where?: Pick<Terminal, 'isTerminal'>) {
    super();
    this.where = where ?? (write ? { isTerminal: false } : terminal());
    this.write = write ?? writeOut;
  }

  override onTrainBegin(): void {
    this.isFit = true;
  }

  override onEpochBegin(epoch: number): void {
    const { epochs, verbose } = this.params;
    if (verbose > 0) this.write(epochLine(epoch, epochs));
    this.open();
  }

  override onTestBegin(): void {
    this.isValidation = this.isFit;
    if (!this.isFit) this.open();
  }

  override onPredictBegin(): void {
    this.open();
  }

  private open(): void {
    const { steps, verbose } = this.params;
    const { isTerminal } = this.where;
    const target = Number.isFinite(steps) ? steps : undefined;
    this.bar = new Progbar({ target, write: this.write, isTerminal, verbose });
  }

  override onProgress(step: number, logs: Logs): void {
    if (step > 0 && !this.isValidation) this.bar?.update(step, logs);
  }

  override onEpochEnd(_epoch: number, logs: Logs): void {
    this.close(logs);
  }

  override onTestEnd(logs: Logs): void {
    this.isValidation = false;
    if (!this.isFit) this.close(logs);
  }

  override onPredictEnd(): void {
    this.close({});
  }

  override onTrainEnd(): void {
    this.isFit = false;
    this.isValidation = false;
    // An epoch that was interrupted leaves its bar as it is.
    if (this.bar) this.write('\n');
    this.bar = undefined;
  }

  private close(logs: Logs): void {
    this.bar?.finish(logs);
    this.bar = undefined;
  }
}
