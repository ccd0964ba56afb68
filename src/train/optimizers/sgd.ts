/** @file Gradient descent, with momentum or without. */
import { flag, rate } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import { add, mul, sub } from '../../ops/index.ts';
import { Optimizer, type OptimizerOptions, type Rule, type Slot, type Step } from './optimizer.ts';

export interface SGDOptions extends OptimizerOptions {
  /** Default 0.01. */
  learningRate?: OptimizerOptions['learningRate'];
  /** Part of the last change that is added to the next, from 0 (default) to 1. */
  momentum?: number | undefined;
  /** Whether the gradient counts as if taken one momentum ahead (Nesterov 1983), default false. */
  nesterov?: boolean | undefined;
}

/**
 * w − η·g; with momentum v ← μ·v − η·g and w + v.
 *
 * @example
 * ```ts
 * new optimizers.SGD({ learningRate: 0.05, momentum: 0.9 });
 * ```
 * @see https://keras.io/api/optimizers/sgd/
 */
export class SGD extends Optimizer {
  static readonly className = 'SGD';
  readonly momentum: number;
  readonly nesterov: boolean;

  constructor(options: SGDOptions = {}) {
    super('SGD', 0.01, options);
    this.momentum = rate(this.name, 'momentum', options.momentum ?? 0);
    this.nesterov = flag(this.name, 'nesterov', options.nesterov ?? false);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return this.momentum === 0 ? [] : [[{ name: 'momentum' }]];
  }

  protected override rule({ learningRate }: Step): Rule {
    return (gradient, { weight, momentum }) => {
      const change = mul(gradient, learningRate);
      if (!momentum) return { weight: sub(weight!, change) };
      const next = sub(mul(momentum, this.momentum), change);
      const ahead = this.nesterov ? sub(mul(next, this.momentum), change) : next;
      return { weight: add(weight!, ahead), momentum: next };
    };
  }

  override config(): Config {
    return { ...super.config(), momentum: this.momentum, nesterov: this.nesterov };
  }
}
