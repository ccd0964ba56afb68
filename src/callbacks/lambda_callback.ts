/** @file Functions as a callback. */
import { Callback } from '../train/callback.ts';

/** Stages as functions; see {@link Callback} for what they are given. */
export type LambdaCallbackOptions = Partial<
  Pick<
    Callback,
    | 'onTrainBegin'
    | 'onTrainEnd'
    | 'onEpochBegin'
    | 'onEpochEnd'
    | 'onTrainBatchBegin'
    | 'onTrainBatchEnd'
    | 'onTestBegin'
    | 'onTestEnd'
    | 'onTestBatchBegin'
    | 'onTestBatchEnd'
    | 'onPredictBegin'
    | 'onPredictEnd'
    | 'onPredictBatchBegin'
    | 'onPredictBatchEnd'
  >
>;

/**
 * A callback out of functions.
 *
 * @example
 * ```ts
 * const losses: number[] = [];
 * const note = new callbacks.LambdaCallback({ onEpochEnd: (_epoch, logs) => void losses.push(logs.loss) });
 * await model.fit(training, { epochs: 2, callbacks: [note], verbose: 0 });
 * losses.length; // 2
 * ```
 * @see https://keras.io/api/callbacks/lambda_callback/
 */
export class LambdaCallback extends Callback {
  constructor(stages: LambdaCallbackOptions) {
    super();
    Object.assign(this, stages);
  }
}
