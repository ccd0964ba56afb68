/** @file An end without an error where training diverges. */
import type { TsunoError } from '../core/errors.ts';
import { Callback } from '../train/callback.ts';
import { printMessage } from './messages.ts';

export interface TerminateOnNaNOptions {
  /** Whether `fit` throws all the same; default false. */
  raiseError?: boolean | undefined;
}

/**
 * Ends training in good order where a loss, gradient or weight is not finite. Without it `fit` throws `NONFINITE_LOSS`;
 * either way the weights are those before the step.
 *
 * @example
 * ```ts
 * await model.fit(training, { callbacks: [new callbacks.TerminateOnNaN()], verbose: 0 });
 * ```
 * @see https://keras.io/api/callbacks/terminate_on_nan/
 */
export class TerminateOnNaN extends Callback {
  private readonly raiseError: boolean;

  constructor({ raiseError = false }: TerminateOnNaNOptions = {}) {
    super();
    this.raiseError = raiseError;
  }

  override onNonFinite(batch: number, _error: TsunoError): boolean {
    if (this.raiseError) return false;
    printMessage(`Batch ${batch}: Invalid loss, terminating training`);
    this.model.stopTraining = true;
    return true;
  }
}
