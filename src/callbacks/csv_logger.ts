/** @file The logs of each epoch as a line of a file. */
import { Callback, type Logs } from '../train/callback.ts';
import type { CallbackState } from '../train/run_state.ts';
import { appendFile, replaceFile, shortenFile, sizeOfFile } from './files.ts';
import { pythonFloat } from './number_format.ts';

export interface CSVLoggerOptions {
  /** Between values; default a comma. */
  separator?: string | undefined;
  /** Whether a file that is there is added to; default false: it is replaced. */
  append?: boolean | undefined;
}

/**
 * Writes loss and metrics to a file, a line an epoch, to the byte as Keras does: lines end in CR LF, `NA` stands for what
 * an epoch does not have.
 *
 * @param filename folders above it are made.
 * @throws TsunoError `FILE` in training, where the file cannot be written.
 * @example
 * ```ts no-run
 * await model.fit(training, { epochs: 5, callbacks: [new callbacks.CSVLogger('runs/log.csv')] });
 * ```
 * @see https://keras.io/api/callbacks/csv_logger/
 */
export class CSVLogger extends Callback {
  private readonly filename: string;
  private readonly separator: string;
  private readonly append: boolean;
  private keys: string[] | undefined;
  private needsHeader = true;
  /** Bytes of the file after the last line of this run. */
  private size = 0;

  constructor(filename: string, { separator = ',', append = false }: CSVLoggerOptions = {}) {
    super();
    this.filename = filename;
    this.separator = separator;
    this.append = append;
  }

  override async onTrainBegin(): Promise<void> {
    this.keys = undefined;
    const append = this.append || this.params.resumedFrom !== undefined;
    // Whether the file can be written shows before the first epoch.
    await (append ? appendFile(this.filename, '') : replaceFile(this.filename, ''));
    await this.measure();
  }

  private async measure(): Promise<void> {
    this.size = await sizeOfFile(this.filename);
    this.needsHeader = this.size === 0;
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    this.keys ??= keysOf(logs);
    const cells = this.keys.map((key) => (key in logs ? pythonFloat(logs[key]!) : 'NA'));
    const lines = [[String(epoch), ...cells]];
    if (this.needsHeader) lines.unshift(['epoch', ...this.keys]);
    const text = lines.map((line) => `${line.map(this.quoted).join(this.separator)}\r\n`);
    await appendFile(this.filename, text.join(''));
    await this.measure();
  }

  override state(): CallbackState {
    return { keys: this.keys, size: this.size };
  }

  /** Lines of epochs that will come again are cut off. */
  override async restore(state: CallbackState): Promise<void> {
    this.keys = state.keys as string[] | undefined;
    await shortenFile(this.filename, state.size as number);
    await this.measure();
  }

  private readonly quoted = (cell: string): string =>
    cell.includes(this.separator) || /["\r\n]/.test(cell)
      ? `"${cell.replaceAll('"', '""')}"`
      : cell;
}

/** The first epoch's names; a run that does not validate yet may do so later. */
function keysOf(logs: Logs): string[] {
  const keys = Object.keys(logs).sort();
  return keys.some((key) => key.startsWith('val_'))
    ? keys
    : [...keys, ...keys.map((key) => `val_${key}`)];
}
