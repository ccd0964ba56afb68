/** @file RMSprop, Adagrad, Adadelta, Ftrl: steps divided by how large gradients have been. */

import type { Value } from '../../ir/graph.ts';
import { atLeast, finiteNumber, flag, rate } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  add,
  div,
  maximum,
  minimum,
  mul,
  neg,
  power,
  scalar,
  sqrt,
  square,
  sub,
} from '../../ops/index.ts';
import {
  notNegative,
  Optimizer,
  type OptimizerOptions,
  type Rule,
  type Slot,
  type Step,
} from './optimizer.ts';

/** β·mean + (1 − β)·value. */
function mixed(mean: Value, value: Value, beta: number): Value {
  return add(mul(mean, beta), mul(value, 1 - beta));
}

export interface RMSpropOptions extends OptimizerOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** How much of the mean of squares stays at each step, default 0.9. */
  rho?: number | undefined;
  /** Part of the last change that is added to the next, default 0. */
  momentum?: number | undefined;
  /** Keeps divisors from 0, default 1e-7; it stands inside the root. */
  epsilon?: number | undefined;
  /** Whether to divide by the deviation instead of the root of the mean square, default false. */
  centered?: boolean | undefined;
}

/**
 * w − η·g/√(v + ε) with v the mean of squares (Tieleman and Hinton 2012).
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.RMSprop({ learningRate: 3e-4, momentum: 0.9 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/rmsprop/
 */
export class RMSprop extends Optimizer {
  static readonly className = 'RMSprop';
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;

  constructor(options: RMSpropOptions = {}) {
    super('RMSprop', 0.001, options);
    this.rho = rate(this.name, 'rho', options.rho ?? 0.9);
    this.momentum = rate(this.name, 'momentum', options.momentum ?? 0);
    this.epsilon = atLeast(this.name, 'epsilon', options.epsilon ?? 1e-7, 0);
    this.centered = flag(this.name, 'centered', options.centered ?? false);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return [
      [{ name: 'velocity' }],
      this.momentum > 0 ? [{ name: 'momentum' }] : [],
      this.centered ? [{ name: 'average_gradient' }] : [],
    ];
  }

  protected override rule({ learningRate }: Step): Rule {
    return (gradient, { weight, velocity, momentum, average_gradient }) => {
      const v = mixed(velocity!, square(gradient), this.rho);
      const mean = average_gradient && mixed(average_gradient, gradient, this.rho);
      const spread = mean ? sub(v, square(mean)) : v;
      const step = div(mul(gradient, learningRate), sqrt(add(spread, this.epsilon)));
      const change = momentum ? add(mul(momentum, this.momentum), step) : step;
      return {
        weight: sub(weight!, change),
        velocity: v,
        ...(momentum ? { momentum: change } : {}),
        ...(mean ? { average_gradient: mean } : {}),
      };
    };
  }

  override config(): Config {
    const { rho, momentum, epsilon, centered } = this;
    return { ...super.config(), rho, momentum, epsilon, centered };
  }
}

export interface AdagradOptions extends OptimizerOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** First value of the sum of squares, default 0.1. */
  initialAccumulatorValue?: number | undefined;
  /** Keeps divisors from 0, default 1e-7. */
  epsilon?: number | undefined;
}

/**
 * w − η·g/√(Σ g² + ε) (Duchi et al. 2011).
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Adagrad({ learningRate: 0.01 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/adagrad/
 */
export class Adagrad extends Optimizer {
  static readonly className = 'Adagrad';
  readonly initialAccumulatorValue: number;
  readonly epsilon: number;

  constructor(options: AdagradOptions = {}) {
    super('Adagrad', 0.001, options);
    this.initialAccumulatorValue = atLeast(
      this.name,
      'initialAccumulatorValue',
      options.initialAccumulatorValue ?? 0.1,
      0,
    );
    this.epsilon = atLeast(this.name, 'epsilon', options.epsilon ?? 1e-7, 0);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return [[{ name: 'accumulator', initial: this.initialAccumulatorValue }]];
  }

  protected override rule({ learningRate }: Step): Rule {
    return (gradient, { weight, accumulator }) => {
      const sum = add(accumulator!, square(gradient));
      const change = div(mul(gradient, learningRate), sqrt(add(sum, this.epsilon)));
      return { weight: sub(weight!, change), accumulator: sum };
    };
  }

  override config(): Config {
    const { initialAccumulatorValue, epsilon } = this;
    return {
      ...super.config(),
      initial_accumulator_value: initialAccumulatorValue,
      epsilon,
    };
  }
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Default 0.001; the paper has 1. */
  learningRate?: OptimizerOptions['learningRate'];
  /** How much of the means stays at each step, default 0.95. */
  rho?: number | undefined;
  /** Keeps divisors from 0, default 1e-7. */
  epsilon?: number | undefined;
}

/**
 * w + η·Δ with Δ = −g·√(mean of Δ² + ε)/√(mean of g² + ε) (Zeiler 2012).
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Adadelta({ learningRate: 1 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/adadelta/
 */
export class Adadelta extends Optimizer {
  static readonly className = 'Adadelta';
  readonly rho: number;
  readonly epsilon: number;

  constructor(options: AdadeltaOptions = {}) {
    super('Adadelta', 0.001, options);
    this.rho = rate(this.name, 'rho', options.rho ?? 0.95);
    this.epsilon = atLeast(this.name, 'epsilon', options.epsilon ?? 1e-7, 0);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    return [[{ name: 'accumulated_grad' }, { name: 'accumulated_delta_var' }]];
  }

  protected override rule({ learningRate }: Step): Rule {
    const root = (x: Value) => sqrt(add(x, this.epsilon));
    return (gradient, { weight, accumulated_grad, accumulated_delta_var }) => {
      const squares = mixed(accumulated_grad!, square(gradient), this.rho);
      const change = neg(div(mul(root(accumulated_delta_var!), gradient), root(squares)));
      return {
        weight: add(weight!, mul(change, learningRate)),
        accumulated_grad: squares,
        accumulated_delta_var: mixed(accumulated_delta_var!, square(change), this.rho),
      };
    };
  }

  override config(): Config {
    return { ...super.config(), rho: this.rho, epsilon: this.epsilon };
  }
}

export interface FtrlOptions extends OptimizerOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** Power, not above 0, by which the rate falls with the sum of squares; default −½. */
  learningRatePower?: number | undefined;
  /** First value of the sum of squares, default 0.1. */
  initialAccumulatorValue?: number | undefined;
  /** Strengths of the penalties, default 0. */
  l1RegularizationStrength?: number | undefined;
  l2RegularizationStrength?: number | undefined;
  l2ShrinkageRegularizationStrength?: number | undefined;
  /** Default 0. */
  beta?: number | undefined;
}

/**
 * Follow the regularized leader (McMahan et al. 2013): weights from the sum of gradients, many of them exactly 0.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Ftrl({ l1RegularizationStrength: 0.01 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/ftrl/
 */
export class Ftrl extends Optimizer {
  static readonly className = 'Ftrl';
  readonly learningRatePower: number;
  readonly initialAccumulatorValue: number;
  readonly l1: number;
  readonly l2: number;
  readonly l2Shrinkage: number;
  readonly beta: number;

  /** @throws TsunoError `ARGUMENT` for a strength below 0 or a power above 0. */
  constructor(options: FtrlOptions = {}) {
    super('Ftrl', 0.001, options);
    const strength = (what: keyof FtrlOptions, otherwise: number) =>
      notNegative(this.name, what, (options[what] as number | undefined) ?? otherwise);
    this.learningRatePower = finiteNumber(
      this.name,
      'learningRatePower',
      options.learningRatePower ?? -0.5,
    );
    notNegative(this.name, '−learningRatePower', -this.learningRatePower);
    this.initialAccumulatorValue = strength('initialAccumulatorValue', 0.1);
    this.l1 = strength('l1RegularizationStrength', 0);
    this.l2 = strength('l2RegularizationStrength', 0);
    this.l2Shrinkage = strength('l2ShrinkageRegularizationStrength', 0);
    this.beta = finiteNumber(this.name, 'beta', options.beta ?? 0);
  }

  protected override slots(): readonly (readonly Slot[])[] {
    const initial = this.initialAccumulatorValue;
    return [[{ name: 'accumulator', initial }, { name: 'linear' }]];
  }

  protected override rule({ learningRate }: Step): Rule {
    const { l1 } = this;
    const flatter =
      this.beta === 0 ? scalar(learningRate, 0) : div(this.beta, mul(learningRate, 2));
    const l2 = add(flatter, this.l2);
    const raised = (x: Value) => power(x, -this.learningRatePower);
    return (gradient, { weight, accumulator, linear }) => {
      const shrunk = add(gradient, mul(weight!, 2 * this.l2Shrinkage));
      const sum = add(accumulator!, square(gradient));
      const sigma = div(sub(raised(sum), raised(accumulator!)), learningRate);
      const z = add(linear!, sub(shrunk, mul(sigma, weight!)));
      const quadratic = add(div(raised(sum), learningRate), mul(l2, 2));
      const kept = minimum(maximum(z, -l1), l1);
      return { weight: div(sub(kept, z), quadratic), accumulator: sum, linear: z };
    };
  }

  override config(): Config {
    return {
      ...super.config(),
      learning_rate_power: this.learningRatePower,
      initial_accumulator_value: this.initialAccumulatorValue,
      l1_regularization_strength: this.l1,
      l2_regularization_strength: this.l2,
      l2_shrinkage_regularization_strength: this.l2Shrinkage,
      beta: this.beta,
    };
  }
}
