/** @file The model in a file, after epochs or batches. */
import { TsunoError } from '../core/errors.ts';
import { removeLeftovers } from '../saving/files.ts';
import type { Logs } from '../train/callback.ts';
import type { CallbackState } from '../train/run_state.ts';
import { makeFolderOf, removeFile } from './files.ts';
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
  /** Files of this run that stay, the newest and beside them the best, where their names differ; default: all. */
  keep?: number | undefined;
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
  /** Files that were written and not removed, the oldest first. */
  private files: string[] = [];
  private bestFile: string | undefined;

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
    const { keep = 1 } = options;
    if (!(Number.isInteger(keep) && keep >= 1))
      throw this.refuse('keep', 'a positive integer', keep);
    if (saveFreq !== 'epoch') this.stretch = saveFreq;
  }

  override async onTrainBegin(logs: Logs): Promise<void> {
    this.files = [];
    this.bestFile = undefined;
    const { saveBestOnly, keep } = this.options;
    // Only the best needs to know which way is better.
    if (saveBestOnly || keep) super.onTrainBegin(logs);
    if (!this.filepath.slice(0, this.filepath.lastIndexOf('/')).includes('{'))
      await makeFolderOf(this.filepath);
    await removeLeftovers(this.filepath);
  }

  override onEpochBegin(epoch: number): void {
    this.epoch = epoch;
  }

  override async onStretchEnd(batch: number, logs: Logs): Promise<void> {
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
    this.noteBest(logs, path);
    await this.rotate(path);
  }

  /** Where every file is kept for a while, the best one is known all the same. */
  private noteBest(logs: Logs, path: string): void {
    const { saveBestOnly, keep } = this.options;
    const current = logs[this.monitor];
    if (saveBestOnly) this.bestFile = path;
    else if (keep && current !== undefined && this.improves(current, this.best)) {
      this.best = current;
      this.bestFile = path;
    }
  }

  /** Removes what is neither new nor the best. */
  private async rotate(path: string): Promise<void> {
    this.files = [...this.files.filter((file) => file !== path), path];
    const { keep } = this.options;
    if (keep === undefined) return;
    const old = this.files.slice(0, -keep).filter((file) => file !== this.bestFile);
    for (const file of old) await removeFile(file);
    this.files = this.files.filter((file) => !old.includes(file));
  }

  override state(): CallbackState {
    const { best, bestFile, files } = this;
    return { best, bestFile, files };
  }

  override restore(state: CallbackState): void {
    this.best = state.best as number | undefined;
    this.bestFile = state.bestFile as string | undefined;
    this.files = [...(state.files as string[])];
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
