/** @file The progress bar as a callback. */
import { Callback, type Logs } from '../train/callback.ts';
import { epochLine, Progbar } from './progbar.ts';
import { type Terminal, terminal } from './terminal.ts';

/**
 * Prints Keras's progress bar; every `fit` with `verbose` 1 or 2 has one.
 *
 * @param write where the text goes; default the terminal, or the console of a page.
 * @see https://keras.io/api/callbacks/progbar_logger/
 */
export class ProgbarLogger extends Callback {
  private readonly write: (text: string) => void;
  private readonly where: Terminal;
  private bar: Progbar | undefined;

  constructor(write?: (text: string) => void) {
    super();
    this.where = write ? { ...terminal(), isTerminal: false } : terminal();
    this.write = write ?? writeOut;
  }

  override onEpochBegin(epoch: number): void {
    const { epochs, steps, verbose } = this.params;
    if (verbose === 0) return;
    this.write(epochLine(epoch, epochs));
    const { isTerminal } = this.where;
    this.bar = new Progbar({ target: steps, write: this.write, isTerminal, verbose });
  }

  override onProgress(step: number, logs: Logs): void {
    // The last step is shown by the end of the epoch, with validation.
    if (step > 0 && step < this.params.steps) this.bar?.update(step, logs);
  }

  override onEpochEnd(_epoch: number, logs: Logs): void {
    this.bar?.finish(logs);
  }
}

/** To standard output, or line by line to a page's console. */
export function writeOut(text: string): void {
  if (typeof process !== 'undefined' && process.stdout) process.stdout.write(text);
  else if (text.trim()) console.log(text.trim());
}
