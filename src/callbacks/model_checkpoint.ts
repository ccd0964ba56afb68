/** @file The model in a file, after epochs or batches. */
import { TsunoError } from '../core/errors.ts';
import type { Logs } from '../train/callback.ts';
import { makeFolderOf } from './files.ts';
import { printMessage, warn } from './messages.ts';
import { MonitorCallback, type MonitorOptions } from './monitor.ts';
import { fixed } from './number_format.ts';
import { formatPath } from './path_format.ts';

export interface ModelCheckpointOptions extends Omit<MonitorOptions, 'minDelta'> {
  /** 1 says what was done; default 0. */
  verbose?: 0 | 1 | undefined;
  /** Whether to save only what is better than the best before; default false. */
  saveBestOnly?: boolean | undefined;
  /** Whether the file holds weights and the optimizer's state without the layers; default false. */
  saveWeightsOnly?: boolean | undefined;
  /** `'epoch'` (default), or a number of batches. */
  saveFreq?: 'epoch' | number | undefined;
  /** The value to be better than at first; default none. */
  initialValueThreshold?: number | undefined;
  /** Whether a file that cannot be written, say on a full disk, ends training; default false: a warning each time. */
  stopOnFailure?: boolean | undefined;
}

/**
 * Saves the model. A file is written whole or not at all, so that the one before is never lost.
 *
 * @param filepath ends in `.keras`, or with `saveWeightsOnly` in `.weights.h5` or `.safetensors`; may have fields for
 * `epoch` (from 1), `batch` and names of the logs: `'{epoch:02d}-{val_loss:.2f}.keras'`. Folders above it are made.
 * @throws TsunoError `ARGUMENT` for a path or option that cannot be; in training `FILE` where its folder cannot be made.
 * @example
 * ```ts no-run
 * const best = new callbacks.ModelCheckpoint('runs/best.keras', { saveBestOnly: true });
 * await model.fit(training, { epochs: 9, validationData: validation, callbacks: [best] });
 * ```
 * @see https://keras.io/api/callbacks/model_checkpoint/
 */
export class ModelCheckpoint extends MonitorCallback {
  private readonly filepath: string;
  private readonly options: ModelCheckpointOptions;
  private epoch = 0;
  private batchesSinceSaving = 0;

  constructor(filepath: string, options: ModelCheckpointOptions = {}) {
    super(options);
    this.filepath = filepath;
    this.options = options;
    this.best = options.initialValueThreshold;
    const { saveFreq = 'epoch', saveWeightsOnly = false } = options;
    const endings = saveWeightsOnly ? ['.weights.h5', '.safetensors'] : ['.keras'];
    if (!endings.some((ending) => filepath.endsWith(ending)))
      throw this.refuse('filepath', `must end in ${endings.join(' or ')}`, filepath);
    if (saveFreq !== 'epoch' && !(Number.isInteger(saveFreq) && saveFreq >= 1))
      throw this.refuse('saveFreq', "'epoch' or a positive integer", saveFreq);
    if (saveFreq !== 'epoch')
      this.onTrainBatchEnd = (batch: number, logs: Logs) => this.countBatch(saveFreq, batch, logs);
  }

  override async onTrainBegin(logs: Logs): Promise<void> {
    // Only the best needs to know which way is better.
    if (this.options.saveBestOnly) super.onTrainBegin(logs);
    this.batchesSinceSaving = 0;
    if (!this.filepath.slice(0, this.filepath.lastIndexOf('/')).includes('{'))
      await makeFolderOf(this.filepath);
  }

  override onEpochBegin(epoch: number): void {
    this.epoch = epoch;
  }

  private async countBatch(every: number, batch: number, logs: Logs): Promise<void> {
    this.batchesSinceSaving++;
    if (this.batchesSinceSaving < every) return;
    this.batchesSinceSaving = 0;
    await this.save(this.epoch, logs, { batch: batch + 1 });
  }

  override async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    if ((this.options.saveFreq ?? 'epoch') === 'epoch') await this.save(epoch, logs, {});
  }

  private async save(epoch: number, logs: Logs, more: Logs): Promise<void> {
    const path = formatPath(this.filepath, { epoch: epoch + 1, ...more, ...logs });
    const { verbose = 0, saveWeightsOnly = false, stopOnFailure = false } = this.options;
    const say = (text: string) => {
      if (verbose > 0) printMessage(`\nEpoch ${epoch + 1}: ${text}`);
    };
    const before = this.best;
    if (!this.isDue(logs, path, say)) return;
    try {
      await makeFolderOf(path);
      await (saveWeightsOnly ? this.model.saveWeights(path) : this.model.save(path));
    } catch (error) {
      // What was not saved is not the best.
      this.best = before;
      const isDisk = error instanceof TsunoError && ['SAVE', 'FILE'].includes(error.code);
      if (!isDisk || stopOnFailure) throw error;
      warn(`${error.message} Training goes on; files that were there are as they were.`);
      return;
    }
    say(`finished saving model to ${path}`);
  }

  private isDue(logs: Logs, path: string, say: (text: string) => void): boolean {
    const { monitor } = this;
    if (!this.options.saveBestOnly) {
      say(`saving model to ${path}`);
      return true;
    }
    const current = logs[monitor];
    if (current === undefined) {
      warn(`Can save best model only with ${monitor} available.`);
      return true;
    }
    const best = this.best === undefined ? 'None' : fixed(this.best, 5);
    if (!this.improves(current, this.best)) {
      say(`${monitor} did not improve from ${best}`);
      return false;
    }
    say(`${monitor} improved from ${best} to ${fixed(current, 5)}, saving model to ${path}`);
    this.best = current;
    return true;
  }
}
