/** @file A run that cannot be lost: its state is kept between steps, and the next `fit` goes on from it. */
import { internal, show, TsunoError } from '../core/errors.ts';
import { BackupFolder } from '../saving/backup_folder.ts';
import { type BackupStore, Backups } from '../saving/backup_store.ts';
import type { FileSystem } from '../saving/file_system.ts';
import type { SavableModel } from '../saving/model_config.ts';
import { deserializeRun, type StoredRun, serializeRun } from '../saving/run_file.ts';
import { runModel } from '../saving/run_model.ts';
import { assignAll, networkAssignments, optimizerAssignments } from '../saving/weights.ts';
import type { Network } from '../topology/network.ts';
import { Callback } from '../train/callback.ts';
import type {
  Configuration,
  FoundState,
  RunAtHand,
  RunKeeper,
  RunState,
} from '../train/run_state.ts';

export interface BackupAndRestoreOptions {
  /** `'epoch'` (default), or a number of batches, counted over epochs; those between run in one go. */
  saveFreq?: 'epoch' | number | undefined;
  /** Whether backups are removed when the run has come to its end; default true. */
  deleteCheckpoint?: boolean | undefined;
  /** Backups that stay, the newest; default and least 2, so that a damaged one has one before it. */
  keep?: number | undefined;
  /** Whether a run with other settings or data goes on all the same, with a warning that it is not exact; default false. */
  force?: boolean | undefined;
  /** Whether a backup that cannot be written, say on a full disk, ends training; default false: a warning each time. */
  stopOnFailure?: boolean | undefined;
  /** Where files are; default: the disk of this machine. */
  fileSystem?: FileSystem | undefined;
}

/**
 * Keeps the run so that a `fit` that was stopped, by Ctrl-C, `kill -9` or a loss of power, goes on where it was: the same
 * program, started again, ends with the same weights, optimizer and history, to the bit, with any number of threads. A
 * backup is a `.keras` file that `loadModel` reads too.
 *
 * @param place a folder, which is made where it is missing; a path that ends in `.keras`, for files beside it; or a store.
 * @throws TsunoError `ARGUMENT` for options that cannot be; in `fit` `STATE` where the backup is of another run, or another
 * run has the place, `CHECKSUM` where all backups are damaged.
 * @example
 * ```ts no-run
 * const backup = new callbacks.BackupAndRestore('runs/mnist', { saveFreq: 500 });
 * await model.fit(training, { epochs: 20, seed: 1, callbacks: [backup] });
 * ```
 * @see https://keras.io/api/callbacks/backup_and_restore/
 */
export class BackupAndRestore extends Callback {
  constructor(place: string | URL | BackupStore, options: BackupAndRestoreOptions = {}) {
    super();
    const { saveFreq = 'epoch', keep = 2, fileSystem } = options;
    const isCount = (value: unknown, least: number) =>
      Number.isInteger(value) && (value as number) >= least;
    if (saveFreq !== 'epoch' && !isCount(saveFreq, 1))
      throw refuse('saveFreq', "'epoch' or a positive integer", saveFreq);
    if (!isCount(keep, 2)) throw refuse('keep', 'a whole number, 2 or more', keep);
    const isPath = typeof place === 'string' || place instanceof URL;
    if (isPath ? String(place) === '' : typeof place?.write !== 'function')
      throw refuse('place', 'a path or a store', place);
    const store = isPath ? new BackupFolder(place, fileSystem) : place;
    this.keeper = new Keeper(store, options);
  }
}

function refuse(what: string, expected: string, found: unknown): TsunoError {
  return new TsunoError('ARGUMENT', {
    where: 'BackupAndRestore',
    what,
    expected,
    found: show(found),
  });
}

/** What `fit` is told of; see {@link RunKeeper}. */
class Keeper implements RunKeeper {
  readonly every: number | undefined;
  private readonly store: BackupStore;
  private readonly options: BackupAndRestoreOptions;
  private backups: Backups<StoredRun>;
  private run: RunAtHand | undefined;
  private model: Configuration = {};

  constructor(store: BackupStore, options: BackupAndRestoreOptions) {
    this.store = store;
    this.options = options;
    const { saveFreq = 'epoch' } = options;
    this.every = saveFreq === 'epoch' ? undefined : saveFreq;
    this.backups = this.newBackups();
  }

  private newBackups(): Backups<StoredRun> {
    return new Backups(this.store, this.options.keep ?? 2);
  }

  async open(run: RunAtHand): Promise<FoundState | undefined> {
    this.run = run;
    this.model = runModel(savable(run.network));
    this.backups = this.newBackups();
    try {
      const { force = false } = this.options;
      const stored = await this.backups.open(deserializeRun, run.warn, force);
      return stored && this.checked(run, stored);
    } catch (error) {
      await this.backups.close();
      throw error;
    }
  }

  /** The state of a backup, where it is one of this run. */
  private checked(run: RunAtHand, { state, weights }: StoredRun): FoundState {
    const { force = false } = this.options;
    const here = { ...run.configuration, ...this.model };
    const differences = differencesOf(state, here, run.compiled.optimizer.learningRate);
    if (differences.length > 0 && !force) throw this.another(differences);
    const where = this.store.where;
    const { assignments } = networkAssignments(weights, run.network, where);
    const { optimizer } = run.compiled;
    const ofOptimizer = () => optimizerAssignments(weights, optimizer, run.network, where);
    const all = [...assignments, ...(force ? orNone(ofOptimizer) : ofOptimizer())];
    if (differences.length > 0)
      run.warn(`[${where}] the run goes on, but not exactly: ${list(differences)}.`);
    return { state, apply: () => assignAll(all) };
  }

  private another(differences: readonly string[]): TsunoError {
    return new TsunoError('STATE', {
      where: this.store.where,
      what: 'the backup',
      expected: 'of this run',
      found: `one of another: ${list(differences)}`,
      repair:
        'Make it equal, choose another place or remove the backups; force: true goes on all the same, not exactly.',
    });
  }

  async keep(state: RunState): Promise<void> {
    const { run } = this;
    if (!run) throw internal('a run that was not opened');
    const configuration = { ...state.configuration, ...this.model };
    try {
      const bytes = await serializeRun(savable(run.network), { ...state, configuration });
      await this.backups.add(bytes);
    } catch (error) {
      if (this.options.stopOnFailure) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      run.warn(
        `The run could not be kept: ${reason} Training goes on; backups before it are as they were.`,
      );
    }
  }

  async close(isWhole: boolean): Promise<void> {
    const { deleteCheckpoint = true } = this.options;
    if (isWhole && deleteCheckpoint) await this.backups.clear();
    await this.backups.close();
    this.run = undefined;
  }
}

function savable(network: Network): SavableModel {
  if ('compiled' in network) return network as SavableModel;
  throw internal(`${network.where} is no model`);
}

/** Nothing, where there is something that does not fit. */
function orNone<T>(body: () => T[]): T[] {
  try {
    return body();
  } catch (error) {
    if (error instanceof TsunoError) return [];
    throw error;
  }
}

/** What was otherwise then, with both values. */
function differencesOf(then: RunState, now: Configuration, rate: number): string[] {
  const before = then.configuration;
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  // The rate of a model that was trained before is that of the state, not the one it began with.
  if (rate === then.learningRate) names.delete('learningRate');
  // A seed that is not given is that of the state.
  if (now.seed === undefined || now.seed === String(then.seed)) names.delete('seed');
  return [...names]
    .filter((name) => before[name] !== now[name])
    .map((name) =>
      name === 'seed'
        ? `seed ${then.seed} then, ${now.seed} now`
        : `${name} ${brief(before[name])} then, ${brief(now[name])} now`,
    );
}

function brief(value: string | undefined): string {
  if (value === undefined) return 'none';
  return value.length > 80 ? `${value.slice(0, 77)}…` : value;
}

const mostListed = 12;

function list(differences: readonly string[]): string {
  const rest = differences.length - mostListed;
  const shown = differences.slice(0, mostListed).join('; ');
  return rest > 0 ? `${shown}; and ${rest} more` : shown;
}
