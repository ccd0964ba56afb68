/**
 * @file What a callback is: an object whose methods training calls at its stages. All have empty defaults.
 *
 * @see https://keras.io/api/callbacks/base_callback/
 */
import { TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Layer } from '../layers/layer.ts';
import type { Variable } from '../layers/variable.ts';
import type { Tensors } from './batches.ts';
import type { Direction } from './directions.ts';
import type { Optimizer } from './optimizers/optimizer.ts';

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
  evaluate(data: Dataset | Tensors, options: { y?: Tensors; verbose?: 0 }): Promise<Logs>;
  predict(x: Dataset | Tensors, options: { verbose?: 0 }): Promise<Tensor>;
  save(path: string): Promise<void>;
  saveWeights(path: string): Promise<void>;
}

export interface TrainingParams {
  epochs: number;
  /** Steps an epoch. */
  steps: number;
  verbose: 0 | 1 | 2;
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
  onTestBatchBegin?(batch: number, logs: Logs): Maybe;
  onTestBatchEnd?(batch: number, logs: Logs): Maybe;
  onPredictBegin(_logs: Logs): Maybe {}
  onPredictEnd(_logs: Logs): Maybe {}
  /**
   * A step met a loss, gradient or weight that is not finite; the model is as it was before it.
   *
   * @returns whether training ends in good order, without the error.
   */
  onNonFinite?(batch: number, error: TsunoError): boolean;
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
  | 'onTestBatchEnd';

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
