/** @file A penalty on what passes through. */
import type { Value } from '../ir/graph.ts';
import type { LayerOptions } from './layer.ts';
import { L1L2 } from './regularizers.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';

export interface ActivityRegularizationOptions extends LayerOptions {
  /** Times Σ|x|, default 0. */
  l1?: number | undefined;
  /** Times Σx², default 0. */
  l2?: number | undefined;
}

export class ActivityRegularization extends SameShapeLayer {
  static readonly className = 'ActivityRegularization';
  readonly l1: number;
  readonly l2: number;

  constructor(options: ActivityRegularizationOptions = {}) {
    const { l1 = 0, l2 = 0 } = options;
    super({ ...options, activityRegularizer: new L1L2({ l1, l2 }) });
    this.l1 = l1;
    this.l2 = l2;
  }

  override call(x: Value): Value {
    return x;
  }

  override config(): Config {
    const { activity_regularizer: _, ...base } = super.config();
    return { ...base, l1: this.l1, l2: this.l2 };
  }
}

/**
 * Gives its input and adds `l1`·Σ|x| + `l2`·Σx², divided by the batch, to the loss.
 *
 * @see https://keras.io/api/layers/regularization_layers/activity_regularization/
 * @example
 * ```ts
 * const x = Input({ shape: [10] });
 * activityRegularization({ l2: 0.01 })(x).shape; // [null, 10]
 * ```
 */
export function activityRegularization(
  options: ActivityRegularizationOptions = {},
): ActivityRegularization {
  return new ActivityRegularization(options);
}
