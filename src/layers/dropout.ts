/** @file Dropout. */
import { BaseDropout, type DropoutArguments, type DropoutOptions } from './base_dropout.ts';

export class Dropout extends BaseDropout {
  static readonly className = 'Dropout';
  constructor(options: DropoutArguments) {
    super(options);
    if (this.noiseShape) this.inputSpec = { rank: this.noiseShape.length };
  }
}

/**
 * In training, sets elements to 0 with probability `rate` and divides the others by 1 − `rate` (Srivastava and others
 * 2014); otherwise gives its input.
 *
 * @param rate from 0 to 1.
 * @throws TsunoError `ARGUMENT` for another rate.
 * @see https://keras.io/api/layers/regularization_layers/dropout/
 * @example
 * ```ts
 * const x = Input({ shape: [1152] });
 * dropout(0.5)(x).shape; // [null, 1152]
 * ```
 */
export function dropout(rate: number, options: DropoutOptions = {}): Dropout {
  return new Dropout({ ...options, rate });
}
