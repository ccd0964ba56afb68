/**
 * @file What a callback is: an object whose methods training calls at its stages. All have empty defaults.
 *
 * @see https://keras.io/api/callbacks/base_callback/
 */
import { TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Layer } from '../layers/layer.ts';
import type { Variable } from '../layers/variable.ts';
import type { Data, Tensors } from './batches.ts';
import type { Direction } from './directions.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import type { CallbackState, RunKeeper } from './run_state.ts';

/** Losses and metrics by name; `val_` stands before those of validation. */
export type Logs = Record<string, number>;

/** What callbacks may see and steer of the model in training. */
export interface TrainedModel {
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly weights: readonly Variable[];
  readonly optimizer: Optimizer;
  /** Set it to end training after this batch or epoch. */
  stopTraining: boolean;
  getWeights(): Tensor[];
  setWeights(values: readonly Tensor[]): void;
  /** Whether the loss or metric `name` (without `val_`) gets better upwards or downwards; `undefined` where not known. */
  directionOf(name: string): Direction | undefined;
  /** Loss and metrics on other data. Between batches it forgets the running means of the epoch. */
  evaluate(data: Data, options: { y?: Tensors; verbose?: 0 }): Promise<Logs>;
  predict(x: Data, options: { verbose?: 0 }): Promise<Tensor>;
  save(path: string): Promise<void>;
  saveWeights(path: string): Promise<void>;
}

export interface TrainingParams {
  epochs: number;
  /** Steps an epoch; `Infinity` where only the end of the data will tell. */
  readonly steps: number;
  verbose: 0 | 1 | 2;
  /** Where a run goes on that was stopped before: after `batch` steps of `epoch`, both from 0. */
  resumedFrom?: { epoch: number; batch: number };
}

/** What callbacks are told of a batch of predictions. */
export interface PredictionLogs {
  /** A tensor `[batch, …]` for each output. */
  outputs: readonly Tensor<'float32'>[];
}

type Maybe = void | Promise<void>;

/**
 * Base of callbacks; extend it with the stages you want. A stage may be asynchronous: training waits for it. Batch stages
 * cost speed, since the engine then hands back after each batch. What a stage throws ends training with `USER_CODE`.
 *
 * @example
 * ```ts no-run
 * class Shout extends callbacks.Callback {
 *   override onEpochEnd(epoch: number, logs: callbacks.Logs) {
 *     console.log(`epoch ${epoch + 1}: ${logs.loss}`);
 *   }
 * }
 * await model.fit(training, { callbacks: [new Shout()] });
 * ```
 */
export abstract class Callback {
  /** The model in training. */
  protected model!: TrainedModel;
  protected params!: TrainingParams;

  /** Called before everything else. */
  attach(model: TrainedModel, params: TrainingParams): void {
    this.model = model;
    this.params = params;
  }

  onTrainBegin(_logs: Logs): Maybe {}
  /** @param logs those of the last epoch. */
  onTrainEnd(_logs: Logs): Maybe {}
  /** @param epoch counts from 0. */
  onEpochBegin(_epoch: number, _logs: Logs): Maybe {}
  /** @param logs means over the epoch, those of validation among them; what is added here, later callbacks see. */
  onEpochEnd(_epoch: number, _logs: Logs): Maybe {}
  /** @param batch counts from 0 in each epoch. */
  onTrainBatchBegin?(batch: number, logs: Logs): Maybe;
  /** @param logs means over the epoch so far. */
  onTrainBatchEnd?(batch: number, logs: Logs): Maybe;
  /** Before validation and `evaluate`. */
  onTestBegin(_logs: Logs): Maybe {}
  onTestEnd(_logs: Logs): Maybe {}
  /** Steps, counted from the first epoch on, between two calls of `onStretchEnd`; the engine runs them in one go. */
  stretch?: number;
  /** As `onTrainBatchEnd`, after each `stretch` steps. */
  onStretchEnd?(batch: number, logs: Logs): Maybe;
  onTestBatchBegin?(batch: number, logs: Logs): Maybe;
  onTestBatchEnd?(batch: number, logs: Logs): Maybe;
  onPredictBegin(_logs: Logs): Maybe {}
  onPredictEnd(_logs: Logs): Maybe {}
  onPredictBatchBegin?(batch: number, logs: Logs): Maybe;
  /** @param logs what the model gave for the batch. */
  onPredictBatchEnd?(batch: number, logs: PredictionLogs): Maybe;
  /**
   * A step met a loss, gradient or weight that is not finite; the model is as it was before it.
   *
   * @returns whether training ends in good order, without the error.
   */
  onNonFinite?(batch: number, error: TsunoError): boolean;
  /**
   * What must be remembered over a restart, as JSON and tensors; for `BackupAndRestore`. A callback whose later calls
   * depend on earlier ones needs it and `restore`, or a run that is resumed is not what it would have been.
   */
  state?(): CallbackState;
  /** Takes back what `state` gave, after `onTrainBegin`; in mid-epoch after `onEpochBegin`, which is told again. */
  restore?(state: CallbackState): Maybe;
  /** Where states of the run are kept. */
  keeper?: RunKeeper;
  /** About twenty times a second while batches run; `step` of them are done. For displays. */
  onProgress?(step: number, logs: Logs): void;
}

/** Names of stages that are told logs alone, and of those that are told where training is. */
type LogStage =
  | 'onTrainBegin'
  | 'onTrainEnd'
  | 'onTestBegin'
  | 'onTestEnd'
  | 'onPredictBegin'
  | 'onPredictEnd';
type CountedStage =
  | 'onEpochBegin'
  | 'onEpochEnd'
  | 'onTrainBatchBegin'
  | 'onTrainBatchEnd'
  | 'onTestBatchBegin'
  | 'onTestBatchEnd'
  | 'onPredictBatchBegin';

/** Calls a stage of each callback, in order. */
export class CallbackList {
  private readonly list: readonly Callback[];

  constructor(list: readonly Callback[]) {
    this.list = list;
  }

  attach(model: TrainedModel, params: TrainingParams): void {
    for (const callback of this.list) callback.attach(model, params);
  }

  /** Whether batches of training must be run one by one. */
  get wantsTrainBatches(): boolean {
    return this.list.some((callback) => callback.onTrainBatchBegin || callback.onTrainBatchEnd);
  }

  get wantsTestBatches(): boolean {
    return this.list.some((callback) => callback.onTestBatchBegin || callback.onTestBatchEnd);
  }

  get wantsPredictBatches(): boolean {
    return this.list.some((callback) => callback.onPredictBatchBegin || callback.onPredictBatchEnd);
  }

  /** Steps between two stretches' ends, of each callback that wants to be told. */
  private get stretching(): readonly { callback: Callback; every: number }[] {
    return this.list.flatMap((callback) =>
      callback.stretch && callback.onStretchEnd ? [{ callback, every: callback.stretch }] : [],
    );
  }

  /** How many of the steps after step `count` may run in one go. */
  stretchAfter(count: number): number {
    const lengths = this.stretching.map(({ every }) => every - (count % every));
    return Math.min(Number.POSITIVE_INFINITY, ...lengths);
  }

  /** Tells those whose stretch ends with step `count`, the `batch`-th of its epoch. @throws TsunoError `USER_CODE`. */
  async tellStretch(count: number, batch: number, logs: () => Logs): Promise<void> {
    const due = this.stretching.filter(({ every }) => count % every === 0);
    if (due.length === 0) return;
    const shared = sorted(logs());
    for (const { callback } of due) {
      const tell = () => callback.onStretchEnd?.(batch, shared);
      await guarded(callback, `onStretchEnd of ${batch}`, tell);
    }
  }

  /** Who keeps states of the run. @throws TsunoError `ARGUMENT` for several. */
  get keeper(): RunKeeper | undefined {
    const keepers = this.list.flatMap(({ keeper }) => keeper ?? []);
    if (keepers.length <= 1) return keepers[0];
    throw new TsunoError('ARGUMENT', {
      where: 'fit',
      what: 'callbacks',
      expected: 'must have one BackupAndRestore at most',
      found: String(keepers.length),
    });
  }

  /** Callbacks that have a state, by class and order: `EarlyStopping`, `EarlyStopping 2`. */
  private get stateful(): Map<string, Callback> {
    const found = new Map<string, Callback>();
    for (const callback of this.list) {
      if (!callback.state) continue;
      const { name } = callback.constructor;
      let key = name;
      for (let i = 2; found.has(key); i++) key = `${name} ${i}`;
      found.set(key, callback);
    }
    return found;
  }

  get statefulNames(): string[] {
    return [...this.stateful.keys()];
  }

  /** What callbacks remember. @throws TsunoError `USER_CODE`. */
  async states(): Promise<Record<string, CallbackState>> {
    const states: Record<string, CallbackState> = {};
    for (const [key, callback] of this.stateful) {
      await guarded(callback, 'state', () => {
        states[key] = callback.state!();
      });
    }
    return states;
  }

  /** Gives callbacks back what they remembered. @throws TsunoError `USER_CODE`. */
  async restore(states: Readonly<Record<string, CallbackState>>): Promise<void> {
    for (const [key, callback] of this.stateful) {
      const state = states[key];
      if (state) await guarded(callback, 'restore', () => callback.restore?.(state));
    }
  }

  /** All callbacks get the same logs, sorted by name as Keras sorts them. @throws TsunoError `USER_CODE`. */
  async tell(stage: LogStage, logs: Logs = {}): Promise<void> {
    const shared = sorted(logs);
    for (const callback of this.list) {
      await guarded(callback, stage, () => callback[stage](shared));
    }
  }

  /** As {@link tell}, of epoch or batch `count`. */
  async tellOf(stage: CountedStage, count: number, logs: Logs = {}): Promise<void> {
    const shared = sorted(logs);
    for (const callback of this.list) {
      await guarded(callback, `${stage} of ${count}`, () => callback[stage]?.(count, shared));
    }
  }

  /** Tells what the model gave for a batch. @throws TsunoError `USER_CODE`. */
  async tellPredicted(batch: number, outputs: PredictionLogs['outputs']): Promise<void> {
    for (const callback of this.list) {
      const tell = () => callback.onPredictBatchEnd?.(batch, { outputs });
      await guarded(callback, `onPredictBatchEnd of ${batch}`, tell);
    }
  }

  /** Whether a callback takes it upon itself that a step was not finite. */
  takesNonFinite(batch: number, error: TsunoError): boolean {
    return this.list.some((callback) => callback.onNonFinite?.(batch, error));
  }

  /** @throws TsunoError `USER_CODE`. */
  progress(step: number, logs: () => Logs): void {
    const listeners = this.list.filter((callback) => callback.onProgress);
    if (listeners.length === 0) return;
    const now = logs();
    for (const callback of listeners) {
      try {
        callback.onProgress?.(step, now);
      } catch (cause) {
        throw userError(callback, 'onProgress', cause);
      }
    }
  }
}

function sorted(logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function guarded(callback: Callback, stage: string, body: () => Maybe): Promise<void> {
  try {
    await body();
  } catch (cause) {
    throw userError(callback, stage, cause);
  }
}

/** Refusals of ours, such as a file that cannot be written, stay what they are. */
function userError(callback: Callback, stage: string, cause: unknown): TsunoError {
  if (cause instanceof TsunoError) return cause;
  return new TsunoError('USER_CODE', {
    where: `callback ${callback.constructor.name}, ${stage}`,
    what: 'code of yours',
    expected: 'must not throw',
    found: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    repair: 'The model is as it was after its last whole step; the original error is the cause.',
    cause,
  });
}
