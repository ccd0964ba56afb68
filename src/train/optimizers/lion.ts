/** @file Lion: steps of one length, by the sign of a mean of gradients. */
import { rate, refuse } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import { add, mul, sign, sub } from '../../ops/index.ts';
import { Optimizer, type OptimizerOptions, type Rule, type Slot, type Step } from './optimizer.ts';

export interface LionOptions extends OptimizerOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** How much the mean counts beside the gradient in a step, default 0.9. */
  beta1?: number | undefined;
  /** How much of the mean stays at each step, default 0.99. */
  beta2?: number | undefined;
}

/**
 * w − η·sign(β₁·m + (1 − β₁)·g) (Chen et al. 2023).
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Lion({ learningRate: 1e-4 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/lion/
 */
export class Lion extends Optimizer {
  static readonly className = 'Lion';
  readonly beta1: number;
  readonly beta2: number;

  /** @throws TsunoError `ARGUMENT` for a `beta1` outside (0, 1]. */
  constructor(options: LionOptions = {}) {
    super('Lion', 0.001, options);
    this.beta1 = rate(this.name, 'beta1', options.beta1 ?? 0.9);
    this.beta2 = rate(this.name, 'beta2', options.beta2 ?? 0.99);
    if (!(this.beta1 > 0 && this.beta1 <= 1))
      throw refuse(this.name, 'beta1', 'above 0 and at most 1', this.beta1);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return [[{ name: 'momentum' }]];
  }

  protected override rule({ learningRate }: Step): Rule {
    return (gradient, { weight, momentum }) => {
      const mixed = (beta: number) => add(mul(momentum!, beta), mul(gradient, 1 - beta));
      return {
        weight: sub(weight!, mul(sign(mixed(this.beta1)), learningRate)),
        momentum: mixed(this.beta2),
      };
    };
  }

  override config(): Config {
    return { ...super.config(), beta_1: this.beta1, beta_2: this.beta2 };
  }
}
