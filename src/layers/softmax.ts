/** @file Softmax as a layer. */

import { TsunoError } from '../core/errors.ts';
import type { Value } from '../ir/graph.ts';
import { softmax as softmaxOf } from './activations.ts';
import { axisList } from './checks.ts';
import type { LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';

export interface SoftmaxOptions extends LayerOptions {
  /** Along which the outputs sum to 1, default the last. */
  axis?: number | readonly number[] | undefined;
}

export class Softmax extends SameShapeLayer {
  static readonly className = 'Softmax';
  readonly axis: number;

  constructor(options: SoftmaxOptions = {}) {
    super(options);
    const { axis = -1 } = options;
    const list = [axisList(this.where, 'axis', axis)].flat();
    const only = list.length === 1 ? list[0] : undefined;
    if (only === undefined) {
      throw new TsunoError('UNSUPPORTED', {
        where: this.where,
        what: 'axis',
        expected: 'one axis',
        found: JSON.stringify(axis),
      });
    }
    this.axis = only;
  }

  override get acceptsMask(): boolean {
    return true;
  }

  override call(x: Value): Value {
    return softmaxOf(x, this.axis);
  }

  override config(): Config {
    return { ...super.config(), axis: this.axis };
  }
}

/**
 * eˣ/Σeˣ along `axis`: probabilities from scores.
 *
 * @see https://keras.io/api/layers/activation_layers/softmax/
 * @example
 * ```ts
 * const x = Input({ shape: [10] });
 * softmax()(x).shape; // [null, 10]
 * ```
 */
export function softmax(options: SoftmaxOptions = {}): Softmax {
  return new Softmax(options);
}
