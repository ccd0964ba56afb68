/** @file Training as event files that TensorBoard shows. */
import { show, TsunoError } from '../core/errors.ts';
import { Callback, type Logs } from '../train/callback.ts';
import type { CallbackState } from '../train/run_state.ts';
import { fileVersion, histogramEvent, record, scalarEvent } from './event_file.ts';
import { appendFile } from './files.ts';

export interface TensorBoardOptions {
  /** The folder that `tensorboard --logdir` is given; default `logs`. */
  logDir?: string | undefined;
  /** Epochs between histograms of all weights; default 0: none. */
  histogramFreq?: number | undefined;
  /** Whether to write how many steps a second there were; default false. */
  writeStepsPerSecond?: boolean | undefined;
  /** `'batch'` or a number of batches writes loss and metrics so often too; default `'epoch'`. */
  updateFreq?: 'epoch' | 'batch' | number | undefined;
}

/** Files made by this process, so that no two have a name. */
let files = 0;

/** One event file. */
class EventFile {
  private readonly folder: string;
  private path: string | undefined;
  private waiting: Uint8Array[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  add(event: Uint8Array): void {
    this.waiting.push(record(event));
  }

  /** Makes the file. @throws TsunoError `FILE`. */
  async open(): Promise<void> {
    if (this.path) return;
    const now = Date.now() / 1000;
    const { hostname } = await import('node:os');
    const name = `events.out.tfevents.${Math.floor(now)}.${hostname()}.${process.pid}.${files++}.v2`;
    this.path = `${this.folder}/${name}`;
    await appendFile(this.path, record(fileVersion(now)));
  }

  /** Appends what was added. @throws TsunoError `FILE`. */
  async flush(): Promise<void> {
    if (this.waiting.length === 0) return;
    await this.open();
    const content = Buffer.concat(this.waiting);
    this.waiting = [];
    await appendFile(this.path!, content);
  }
}

/**
 * Writes loss, metrics, learning rate and, if wished, the distributions of the weights for TensorBoard: training under
 * `train`, validation under `validation`, named as Keras names them (`epoch_loss`).
 *
 * It writes no graph, no pictures of weights and no profile; docs/not_included.md says what shows those.
 *
 * @example
 * ```ts no-run
 * await model.fit(training, { callbacks: [new callbacks.TensorBoard({ logDir: 'logs/first' })] });
 * // tensorboard --logdir logs
 * ```
 * @see https://keras.io/api/callbacks/tensorboard/
 */
export class TensorBoard extends Callback {
  private readonly logDir: string;
  private readonly histogramFreq: number;
  private readonly writeStepsPerSecond: boolean;
  private train = new EventFile('');
  private validation = new EventFile('');
  private batches = 0;
  private epochStarted = 0;
  private iterationsBefore = 0;

  /** @throws TsunoError `ARGUMENT` for frequencies that are none. */
  constructor(options: TensorBoardOptions = {}) {
    super();
    this.logDir = options.logDir ?? 'logs';
    this.histogramFreq = options.histogramFreq ?? 0;
    this.writeStepsPerSecond = options.writeStepsPerSecond ?? false;
    const { updateFreq = 'epoch' } = options;
    const every = updateFreq === 'batch' ? 1 : updateFreq;
    if (every !== 'epoch' && !(Number.isInteger(every) && every >= 1))
      throw refuse('updateFreq', "'epoch', 'batch' or a positive integer", updateFreq);
    if (!(Number.isInteger(this.histogramFreq) && this.histogramFreq >= 0))
      throw refuse('histogramFreq', 'a whole number, 0 or more', this.histogramFreq);
    if (every !== 'epoch')
      this.onTrainBatchEnd = (_batch: number, logs: Logs) => this.writeBatch(every, logs);
  }

  override async onTrainBegin(): Promise<void> {
    this.train = new EventFile(`${this.logDir}/train`);
    this.validation = new EventFile(`${this.logDir}/validation`);
    this.batches = 0;
    // Whether files can be written shows before the first epoch.
    await this.train.open();
  }

  override onEpochBegin(): void {
    this.epochStarted = performance.now();
    this.iterationsBefore = this.model.optimizer.iterations.data[0]!;
  }

  override state(): CallbackState {
    return { batches: this.batches };
  }

  override restore(state: CallbackState): void {
    this.batches = state.batches as number;
  }

  private async writeBatch(every: number, logs: Logs): Promise<void> {
    this.batches++;
    if (this.batches % every !== 0) return;
    this.scalars(this.train, this.batches, 'batch_', logs);
    await this.train.flush();
  }

  override async onTestEnd(logs: Logs): Promise<void> {
    const step = this.model.optimizer.iterations.data[0]!;
    const seconds = Date.now() / 1000;
    for (const [name, value] of Object.entries(logs)) {
      this.validation.add(scalarEvent(seconds, step, `evaluation_${name}_vs_iterations`, value));
    }
    await this.validation.flush();
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const isValidation = (name: string) => name.startsWith('val_');
    const entries = Object.entries(logs);
    const own = Object.fromEntries(entries.filter(([name]) => !isValidation(name)));
    own.learning_rate = this.model.optimizer.learningRate;
    if (this.writeStepsPerSecond) {
      const steps = this.model.optimizer.iterations.data[0]! - this.iterationsBefore;
      own.steps_per_second = (1000 * steps) / (performance.now() - this.epochStarted);
    }
    this.scalars(this.train, epoch, 'epoch_', own);
    const held = entries.filter(([name]) => isValidation(name));
    const validation = held.map(([name, value]) => [name.slice('val_'.length), value] as const);
    this.scalars(this.validation, epoch, 'epoch_', Object.fromEntries(validation));
    if (this.histogramFreq > 0 && epoch % this.histogramFreq === 0) this.histograms(epoch);
    await this.train.flush();
    await this.validation.flush();
  }

  private scalars(file: EventFile, step: number, prefix: string, logs: Logs): void {
    const seconds = Date.now() / 1000;
    for (const [name, value] of Object.entries(logs))
      file.add(scalarEvent(seconds, step, `${prefix}${name}`, value));
  }

  private histograms(epoch: number): void {
    const seconds = Date.now() / 1000;
    for (const { path, data } of this.model.weights)
      this.train.add(histogramEvent(seconds, epoch, `${path}/histogram`, data));
  }
}

function refuse(what: string, expected: string, found: unknown): TsunoError {
  return new TsunoError('ARGUMENT', { where: 'TensorBoard', what, expected, found: show(found) });
}
