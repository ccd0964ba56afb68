/**
 * @file What a callback is: an object whose methods training calls at its stages. All have empty defaults.
 *
 * @see https://keras.io/api/callbacks/base_callback/
 */

/** Losses and metrics by name; `val_` stands before those of validation. */
export type Logs = Record<string, number>;

/** What callbacks may see and steer of the model in training. */
export interface TrainedModel {
  readonly name: string;
  /** Set it to end training after this batch or epoch. */
  stopTraining: boolean;
}

export interface TrainingParams {
  epochs: number;
  /** Steps an epoch. */
  steps: number;
  verbose: 0 | 1 | 2;
}

/**
 * Base of callbacks; extend it with the stages you want. A stage may be asynchronous: training waits for it. Batch stages
 * cost speed, since the engine then hands back after each batch.
 *
 * @example
 * ```ts no-run
 * class Shout extends callbacks.Callback {
 *   override onEpochEnd(epoch: number, logs: Logs) {
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

  onTrainBegin(_logs: Logs): void | Promise<void> {}
  onTrainEnd(_logs: Logs): void | Promise<void> {}
  onEpochBegin(_epoch: number, _logs: Logs): void | Promise<void> {}
  /** @param logs means over the epoch, those of validation among them. */
  onEpochEnd(_epoch: number, _logs: Logs): void | Promise<void> {}
  onTrainBatchBegin?(batch: number, logs: Logs): void | Promise<void>;
  /** @param logs means over the epoch so far. */
  onTrainBatchEnd?(batch: number, logs: Logs): void | Promise<void>;
  onTestBegin(_logs: Logs): void | Promise<void> {}
  onTestEnd(_logs: Logs): void | Promise<void> {}
  /** About twenty times a second while batches run; `step` of them are done. For displays. */
  onProgress?(step: number, logs: Logs): void;
}

/** Calls a stage of each callback, in order. */
export class CallbackList {
  private readonly list: readonly Callback[];

  constructor(list: readonly Callback[]) {
    this.list = list;
  }

  attach(model: TrainedModel, params: TrainingParams): void {
    for (const callback of this.list) callback.attach(model, params);
  }

  /** Whether batches must be run one by one. */
  get wantsBatches(): boolean {
    return this.list.some((callback) => callback.onTrainBatchBegin || callback.onTrainBatchEnd);
  }

  async each(stage: (callback: Callback) => void | Promise<void>): Promise<void> {
    for (const callback of this.list) await stage(callback);
  }

  progress(step: number, logs: () => Logs): void {
    for (const callback of this.list) callback.onProgress?.(step, logs());
  }
}
