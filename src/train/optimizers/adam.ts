/** @file Adam and its kin: steps by the mean of gradients over the root of the mean of their squares. */
import type { Value } from '../../ir/graph.ts';
import { atLeast, flag, rate, refuse } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import {
  abs,
  add,
  div,
  intAdd,
  integerPower,
  less,
  logicalAnd,
  maximum,
  mul,
  read,
  reduceSum,
  scalar,
  select,
  sqrt,
  square,
  sub,
} from '../../ops/index.ts';
import { Optimizer, type OptimizerOptions, type Rule, type Slot, type Step } from './optimizer.ts';

export interface BetaOptions extends OptimizerOptions {
  /** How much of the mean of gradients stays at each step, default 0.9. */
  beta1?: number | undefined;
  /** How much of the mean of squares stays at each step, default 0.999. */
  beta2?: number | undefined;
  /** Keeps divisors from 0, default 1e-7; it stands outside of the root. */
  epsilon?: number | undefined;
}

/** `mean` moved toward `value`, of which 1 − `beta` counts. */
export function movedMean(mean: Value, value: Value, beta: number): Value {
  return add(mean, mul(sub(value, mean), 1 - beta));
}

/** βᵗ for this update. */
export function betaPower({ count }: Step, beta: number): Value {
  return integerPower(scalar(count, beta), count);
}

/** What the family of Adam shares: two rates of decay and ε. */
abstract class BetaOptimizer extends Optimizer {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor(className: string, options: BetaOptions) {
    super(className, 0.001, options);
    this.beta1 = rate(this.name, 'beta1', options.beta1 ?? 0.9);
    this.beta2 = rate(this.name, 'beta2', options.beta2 ?? 0.999);
    this.epsilon = atLeast(this.name, 'epsilon', options.epsilon ?? 1e-7, 0);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return [[{ name: 'momentum' }, { name: 'velocity' }]];
  }

  override config(): Config {
    const { beta1, beta2, epsilon } = this;
    return { ...super.config(), beta_1: beta1, beta_2: beta2, epsilon };
  }
}

export interface AdamOptions extends BetaOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** Whether to divide by the largest mean of squares so far (Reddi et al. 2018), default false. */
  amsgrad?: boolean | undefined;
}

/**
 * w − α·m/(√v + ε) with m the mean of gradients, v that of their squares, and α = η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)
 * (Kingma and Ba 2014).
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Adam({ learningRate: 3e-4 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/adam/
 */
export class Adam extends BetaOptimizer {
  static readonly className: string = 'Adam';
  readonly amsgrad: boolean;

  constructor(options: AdamOptions = {}, className = 'Adam') {
    super(className, options);
    this.amsgrad = flag(this.name, 'amsgrad', options.amsgrad ?? false);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return this.amsgrad ? [...super.slots(), [{ name: 'velocity_hat' }]] : super.slots();
  }

  protected override rule(step: Step): Rule {
    const correction = sqrt(sub(1, betaPower(step, this.beta2)));
    const alpha = div(mul(step.learningRate, correction), sub(1, betaPower(step, this.beta1)));
    return (gradient, { weight, momentum, velocity, velocity_hat }) => {
      const m = movedMean(momentum!, gradient, this.beta1);
      const v = movedMean(velocity!, square(gradient), this.beta2);
      const largest = velocity_hat ? maximum(velocity_hat, v) : v;
      return {
        weight: sub(weight!, div(mul(m, alpha), add(sqrt(largest), this.epsilon))),
        momentum: m,
        velocity: v,
        ...(velocity_hat ? { velocity_hat: largest } : {}),
      };
    };
  }

  override config(): Config {
    return { ...super.config(), amsgrad: this.amsgrad };
  }
}

/**
 * {@link Adam} with weight decay, by default 0.004 (Loshchilov and Hutter 2017).
 *
 * @example
 * ```ts
 * const optimizer = new optimizers.AdamW({ learningRate: 3e-4, weightDecay: 0.01 });
 * model.compile({ optimizer, loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/adamw/
 */
export class AdamW extends Adam {
  static override readonly className = 'AdamW';

  /** @throws TsunoError `ARGUMENT` for a weight decay of `null`. */
  constructor(options: AdamOptions = {}) {
    const { weightDecay = 0.004 } = options;
    if (weightDecay === null) throw refuse('AdamW', 'weightDecay', 'a number', weightDecay);
    super({ ...options, weightDecay }, 'AdamW');
  }
}

/**
 * w − η·m/((1 − β₁ᵗ)·(u + ε)) with u ← max(β₂·u, |g|): Adam with the largest gradient for the root of the mean square.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Adamax({ learningRate: 0.002 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/adamax/
 */
export class Adamax extends BetaOptimizer {
  static readonly className = 'Adamax';

  constructor(options: BetaOptions = {}) {
    super('Adamax', options);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return [[{ name: 'momentum' }, { name: 'norm' }]];
  }

  protected override rule(step: Step): Rule {
    const alpha = div(step.learningRate, sub(1, betaPower(step, this.beta1)));
    return (gradient, { weight, momentum, norm }) => {
      const m = movedMean(momentum!, gradient, this.beta1);
      const u = maximum(mul(norm!, this.beta2), abs(gradient));
      return {
        weight: sub(weight!, div(mul(m, alpha), add(u, this.epsilon))),
        momentum: m,
        norm: u,
      };
    };
  }
}

/**
 * Adam with Nesterov's momentum (Dozat 2016): μₜ = β₁·(1 − ½·0.96ᵗ), and the running product of the μ corrects the bias.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Nadam({ learningRate: 3e-4 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/Nadam/
 */
export class Nadam extends BetaOptimizer {
  static readonly className = 'Nadam';
  private product: Variable<'float32'> | undefined;

  constructor(options: BetaOptions = {}) {
    super('Nadam', options);
  }

  protected override buildOwn(): void {
    this.product = this.scalarVariable('u_product', 'float32', Float32Array.of(1));
  }

  private momentumAt(count: Value): Value {
    const decay = integerPower(scalar(count, 0.96), count);
    return mul(sub(1, mul(decay, 0.5)), this.beta1);
  }

  protected override rule(step: Step): Rule {
    const now = this.momentumAt(step.count);
    const next = this.momentumAt(intAdd(step.count, 1));
    const product = mul(read(step.graph, this.product!), now);
    step.update(this.product!, product);
    const ofMean = div(next, sub(1, mul(product, next)));
    const ofGradient = div(sub(1, now), sub(1, product));
    const correction = sub(1, betaPower(step, this.beta2));
    return (gradient, { weight, momentum, velocity }) => {
      const m = movedMean(momentum!, gradient, this.beta1);
      const v = movedMean(velocity!, square(gradient), this.beta2);
      const mean = add(mul(m, ofMean), mul(gradient, ofGradient));
      const divisor = add(sqrt(div(v, correction)), this.epsilon);
      return {
        weight: sub(weight!, div(mul(mean, step.learningRate), divisor)),
        momentum: m,
        velocity: v,
      };
    };
  }
}

/**
 * Adam with each weight's step as long as the weight, times η (You et al. 2019), for large batches.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Lamb({ learningRate: 0.01 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/lamb/
 */
export class Lamb extends BetaOptimizer {
  static readonly className = 'Lamb';

  constructor(options: BetaOptions = {}) {
    super('Lamb', options);
  }

  protected override rule(step: Step): Rule {
    const correction1 = sub(1, betaPower(step, this.beta1));
    const correction2 = sub(1, betaPower(step, this.beta2));
    return (gradient, { weight, momentum, velocity }) => {
      const m = movedMean(momentum!, gradient, this.beta1);
      const v = movedMean(velocity!, square(gradient), this.beta2);
      const root = sqrt(div(v, correction2));
      const change = div(div(m, correction1), add(root, this.epsilon));
      const ratio = lengthRatio(weight!, change);
      return {
        weight: sub(weight!, mul(change, mul(ratio, step.learningRate))),
        momentum: m,
        velocity: v,
      };
    };
  }
}

/** The length of `a` over that of `b`; 1 where one of them is 0. */
function lengthRatio(a: Value, b: Value): Value {
  const [long, short] = [a, b].map((x) => sqrt(reduceSum(square(x)))) as [Value, Value];
  const both = logicalAnd(less(0, long), less(0, short));
  return select(both, div(long, select(both, short, 1)), 1);
}
