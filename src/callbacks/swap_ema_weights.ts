/** @file The averages of the weights in their place, wherever the model is judged or kept. */
import { TsunoError } from '../core/errors.ts';
import { Callback } from '../train/callback.ts';
import type { CallbackState } from '../train/run_state.ts';

export interface SwapEMAWeightsOptions {
  /** Whether the averages stay in place from the end of an epoch until the next begins, so that what saves keeps them. */
  swapOnEpoch?: boolean | undefined;
}

/**
 * Validates, evaluates and predicts with the averages that an optimizer with `useEma` keeps; training goes on with the
 * weights. With `swapOnEpoch` give it before a `ModelCheckpoint`, which then keeps averages.
 *
 * @throws TsunoError `STATE` in training, where the optimizer keeps no averages.
 * @example
 * ```ts no-run
 * model.compile({ optimizer: new optimizers.Adam({ useEma: true }), loss: 'mse' });
 * await model.fit(training, { callbacks: [new callbacks.SwapEMAWeights({ swapOnEpoch: true })] });
 * ```
 * @see https://keras.io/api/callbacks/swap_ema_weights/
 */
export class SwapEMAWeights extends Callback {
  private readonly swapOnEpoch: boolean;
  private inPlace = false;

  constructor({ swapOnEpoch = false }: SwapEMAWeightsOptions = {}) {
    super();
    this.swapOnEpoch = swapOnEpoch;
  }

  override onTrainBegin(): void {
    this.inPlace = false;
  }

  override onEpochBegin(): void {
    this.put(false);
  }

  override onEpochEnd(): void {
    if (this.swapOnEpoch) this.put(true);
  }

  override onTestBegin(): void {
    this.put(true);
  }

  override onTestEnd(): void {
    this.put(false);
  }

  override onPredictBegin(): void {
    this.put(true);
  }

  override onPredictEnd(): void {
    this.put(false);
  }

  override state(): CallbackState {
    return { inPlace: this.inPlace };
  }

  override restore(state: CallbackState): void {
    if (state.inPlace !== true) return;
    this.model.optimizer.noteSwapped();
    this.inPlace = true;
    this.put(false);
  }

  /** Whether the averages are to stand in the weights from now on. */
  private put(averages: boolean): void {
    if (averages === this.inPlace) return;
    if (!this.model.optimizer.swapAverages()) {
      throw new TsunoError('STATE', {
        where: 'SwapEMAWeights',
        what: 'optimizer',
        expected: 'one that keeps averages',
        found: `"${this.model.optimizer.name}" without`,
        repair: 'Make it with { useEma: true }.',
      });
    }
    this.inPlace = averages;
  }
}
