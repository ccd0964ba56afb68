/** @file AdamW without a schedule: steps are taken by one set of weights, and what is trained is mixed of it and its mean. */
import { atLeast, rate } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import { add, cast, div, minimum, mul, sqrt, square, sub } from '../../ops/index.ts';
import { type BetaOptions, betaPower, movedMean } from './adam.ts';
import { Optimizer, type OptimizerOptions, type Rule, type Slot, type Step } from './optimizer.ts';

export interface ScheduleFreeAdamWOptions extends BetaOptions {
  /** Default 0.0025. */
  learningRate?: OptimizerOptions['learningRate'];
  /** How much of the weights is the mean, default 0.9. */
  beta1?: number | undefined;
  /** Keeps divisors from 0, default 1e-8. */
  epsilon?: number | undefined;
  /** Steps in which the rate rises from 0, default 0. */
  warmupSteps?: number | undefined;
}

/**
 * z ← z − η·g/(√v̂ + ε), x ← x + (z − x)/t, and the weights are (1 − β₁)·z + β₁·x (Defazio et al. 2024). The weights and z
 * (called `momentum`) are kept; x follows from them.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.ScheduleFreeAdamW({ learningRate: 0.0025 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/schedule_free_adamw/
 */
export class ScheduleFreeAdamW extends Optimizer {
  static readonly className = 'ScheduleFreeAdamW';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly warmupSteps: number;

  constructor(options: ScheduleFreeAdamWOptions = {}) {
    super('ScheduleFreeAdamW', 0.0025, options);
    this.beta1 = rate(this.name, 'beta1', options.beta1 ?? 0.9);
    this.beta2 = rate(this.name, 'beta2', options.beta2 ?? 0.999);
    this.epsilon = atLeast(this.name, 'epsilon', options.epsilon ?? 1e-8, 0);
    this.warmupSteps = atLeast(this.name, 'warmupSteps', options.warmupSteps ?? 0, 0);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    const initial = (variable: Variable) => (variable.value().data as Float32Array).slice();
    return [[{ name: 'momentum', initial }, { name: 'velocity' }]];
  }

  protected override rule(step: Step): Rule {
    const count = cast(step.count, 'float32');
    const { beta1, beta2, warmupSteps } = this;
    const rate =
      warmupSteps > 0
        ? mul(step.learningRate, minimum(div(count, warmupSteps), 1))
        : step.learningRate;
    const share = div(1, count);
    const correction = sub(1, betaPower(step, beta2));
    return (gradient, { weight, momentum, velocity }) => {
      const v = movedMean(velocity!, square(gradient), beta2);
      const divisor = add(sqrt(div(v, correction)), this.epsilon);
      const z = sub(momentum!, div(mul(gradient, rate), divisor));
      const before = div(sub(weight!, mul(momentum!, 1 - beta1)), beta1);
      const x = add(mul(before, sub(1, share)), mul(z, share));
      return { weight: add(mul(z, 1 - beta1), mul(x, beta1)), momentum: z, velocity: v };
    };
  }

  override config(): Config {
    const { beta1, beta2, epsilon, warmupSteps } = this;
    const own = { beta_1: beta1, beta_2: beta2, epsilon, warmup_steps: warmupSteps };
    return { ...super.config(), ...own };
  }
}
