/** @file The schedules: each a formula of the step. */
import {
  atLeast,
  finiteNumber,
  flag,
  numbers,
  optional,
  positive,
  refuse,
  text,
} from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import { Schedule, type StepMath } from './schedule.ts';

export interface DecayOptions {
  initialLearningRate: number;
  /** Steps after which the rate has decayed once. */
  decaySteps: number;
  decayRate: number;
  /** Whether the rate stays between multiples of `decaySteps`; default false. */
  staircase?: boolean | undefined;
  name?: string | undefined;
}

/** What schedules with a rate of decay share. */
abstract class Decay extends Schedule {
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly decayRate: number;
  readonly staircase: boolean;
  readonly name: string;

  constructor(name: string, options: DecayOptions) {
    super();
    this.name = text(name, 'name', options.name ?? name);
    this.initialLearningRate = finiteNumber(
      this.name,
      'initialLearningRate',
      options.initialLearningRate,
    );
    this.decaySteps = positive(this.name, 'decaySteps', options.decaySteps);
    this.decayRate = finiteNumber(this.name, 'decayRate', options.decayRate);
    this.staircase = flag(this.name, 'staircase', options.staircase ?? false);
  }

  /** How often the rate has decayed at `step`. */
  protected decays<T>(k: StepMath<T>, step: T): T {
    const passed = k.div(step, this.decaySteps);
    return this.staircase ? k.floor(passed) : passed;
  }

  override config(): Config {
    return {
      initial_learning_rate: this.initialLearningRate,
      decay_steps: this.decaySteps,
      decay_rate: this.decayRate,
      staircase: this.staircase,
      name: this.name,
    };
  }
}

/**
 * rate·decayRate^(step/decaySteps).
 *
 * @example
 * ```ts
 * const schedule = new schedules.ExponentialDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 0.96 });
 * new optimizers.SGD({ learningRate: schedule });
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/exponential_decay/
 */
export class ExponentialDecay extends Decay {
  static readonly className = 'ExponentialDecay';
  constructor(options: DecayOptions) {
    super('ExponentialDecay', options);
  }
  override formula<T>(k: StepMath<T>, step: T): T {
    return k.mul(this.initialLearningRate, k.exponential(this.decayRate, this.decays(k, step)));
  }
}

/**
 * rate/(1 + decayRate·step/decaySteps).
 *
 * @example
 * ```ts
 * const schedule = new schedules.InverseTimeDecay({ initialLearningRate: 0.1, decaySteps: 1000, decayRate: 1 });
 * schedule.at(1000); // 0.05
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/
 */
export class InverseTimeDecay extends Decay {
  static readonly className = 'InverseTimeDecay';
  constructor(options: DecayOptions) {
    super('InverseTimeDecay', options);
  }
  override formula<T>(k: StepMath<T>, step: T): T {
    const divisor = k.add(1, k.mul(this.decayRate, this.decays(k, step)));
    return k.div(this.initialLearningRate, divisor);
  }
}

export interface PiecewiseOptions {
  /** Steps, ascending, up to and including which each value holds. */
  boundaries: readonly number[];
  /** One more than boundaries. */
  values: readonly number[];
  name?: string | undefined;
}

/**
 * `values[0]` up to step `boundaries[0]`, then `values[1]` up to `boundaries[1]`, and so on.
 *
 * @example
 * ```ts
 * const schedule = new schedules.PiecewiseConstantDecay({ boundaries: [1000, 2000], values: [0.1, 0.01, 0.001] });
 * schedule.at(1500); // 0.01
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/piecewise_constant_decay/
 */
export class PiecewiseConstantDecay extends Schedule {
  static readonly className = 'PiecewiseConstantDecay';
  readonly boundaries: readonly number[];
  readonly values: readonly number[];
  readonly name: string;

  /** @throws TsunoError `ARGUMENT` where there is not one value more than boundaries, or no boundary. */
  constructor({ boundaries, values, name = 'PiecewiseConstant' }: PiecewiseOptions) {
    super();
    numbers(name, 'boundaries', boundaries);
    numbers(name, 'values', values);
    if (boundaries.length === 0 || values.length !== boundaries.length + 1)
      throw refuse(name, 'values', 'one more than the boundaries, of which there is one', values);
    this.boundaries = boundaries;
    this.values = values;
    this.name = text('PiecewiseConstant', 'name', name);
  }

  override formula<T>(k: StepMath<T>, step: T): T {
    const { boundaries, values } = this;
    const last = boundaries.length - 1;
    let rate = k.ifAtMost(step, boundaries[last]!, values[last]!, values[last + 1]!);
    for (let i = last - 1; i >= 0; i--) rate = k.ifAtMost(step, boundaries[i]!, values[i]!, rate);
    return rate;
  }

  override config(): Config {
    return { boundaries: [...this.boundaries], values: [...this.values], name: this.name };
  }
}

export interface PolynomialOptions {
  initialLearningRate: number;
  decaySteps: number;
  /** Default 1e-4. */
  endLearningRate?: number | undefined;
  /** Default 1: a straight line. */
  power?: number | undefined;
  /** Whether, at the end, it goes on with twice, thrice … the steps; default false: it stays. */
  cycle?: boolean | undefined;
  name?: string | undefined;
}

/**
 * (rate − end)·(1 − step/decaySteps)^power + end.
 *
 * @example
 * ```ts
 * const schedule = new schedules.PolynomialDecay({ initialLearningRate: 0.1, decaySteps: 1000, endLearningRate: 0.01 });
 * schedule.at(1000); // 0.01
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/polynomial_decay/
 */
export class PolynomialDecay extends Schedule {
  static readonly className = 'PolynomialDecay';
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly endLearningRate: number;
  readonly power: number;
  readonly cycle: boolean;
  readonly name: string;

  constructor(options: PolynomialOptions) {
    super();
    this.name = text('PolynomialDecay', 'name', options.name ?? 'PolynomialDecay');
    this.initialLearningRate = finiteNumber(
      this.name,
      'initialLearningRate',
      options.initialLearningRate,
    );
    this.decaySteps = positive(this.name, 'decaySteps', options.decaySteps);
    this.endLearningRate = finiteNumber(
      this.name,
      'endLearningRate',
      options.endLearningRate ?? 1e-4,
    );
    this.power = finiteNumber(this.name, 'power', options.power ?? 1);
    this.cycle = flag(this.name, 'cycle', options.cycle ?? false);
  }

  override formula<T>(k: StepMath<T>, step: T): T {
    const left = k.power(k.sub(1, this.passed(k, step)), this.power);
    return k.add(
      k.mul(this.initialLearningRate - this.endLearningRate, left),
      this.endLearningRate,
    );
  }

  private passed<T>(k: StepMath<T>, step: T): T {
    if (!this.cycle) return k.div(k.min(step, this.decaySteps), this.decaySteps);
    const begun = k.sub(0, k.floor(k.div(k.sub(0, step), this.decaySteps)));
    const cycles = k.ifAtMost(step, 0, 1, begun);
    return k.div(step, k.mul(this.decaySteps, cycles));
  }

  override config(): Config {
    return {
      initial_learning_rate: this.initialLearningRate,
      decay_steps: this.decaySteps,
      end_learning_rate: this.endLearningRate,
      power: this.power,
      cycle: this.cycle,
      name: this.name,
    };
  }
}

export interface CosineOptions {
  initialLearningRate: number;
  decaySteps: number;
  /** Part of the rate that is left at the end, default 0. */
  alpha?: number | undefined;
  /** Rate to which a straight line leads first; default `null`: no warm-up. */
  warmupTarget?: number | null | undefined;
  /** Steps of the warm-up, default 0. */
  warmupSteps?: number | undefined;
  name?: string | undefined;
}

/**
 * Half a cosine from the rate down to `alpha` of it (Loshchilov and Hutter 2016), perhaps after a warm-up.
 *
 * @example
 * ```ts
 * const schedule = new schedules.CosineDecay({ initialLearningRate: 0.1, decaySteps: 1000 });
 * schedule.at(1000); // 0
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay/
 */
export class CosineDecay extends Schedule {
  static readonly className = 'CosineDecay';
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly alpha: number;
  readonly warmupTarget: number | null;
  readonly warmupSteps: number;
  readonly name: string;

  constructor(options: CosineOptions) {
    super();
    this.name = text('CosineDecay', 'name', options.name ?? 'CosineDecay');
    this.initialLearningRate = finiteNumber(
      this.name,
      'initialLearningRate',
      options.initialLearningRate,
    );
    this.decaySteps = positive(this.name, 'decaySteps', options.decaySteps);
    this.alpha = finiteNumber(this.name, 'alpha', options.alpha ?? 0);
    this.warmupTarget = optional(finiteNumber, this.name, 'warmupTarget', options.warmupTarget);
    this.warmupSteps = atLeast(this.name, 'warmupSteps', options.warmupSteps ?? 0, 0);
  }

  override formula<T>(k: StepMath<T>, step: T): T {
    const { initialLearningRate: initial, warmupTarget: target, warmupSteps } = this;
    if (target === null) return this.decayed(k, step, initial);
    const later = this.decayed(k, k.sub(step, warmupSteps), target);
    if (warmupSteps === 0) return later;
    const rising = k.add(k.mul(k.div(step, warmupSteps), target - initial), initial);
    return k.ifAtMost(warmupSteps, step, later, rising);
  }

  private decayed<T>(k: StepMath<T>, step: T, from: number): T {
    const passed = k.div(k.min(step, this.decaySteps), this.decaySteps);
    const cosine = k.mul(0.5, k.add(1, k.cos(k.mul(passed, Math.PI))));
    return k.mul(from, k.add(k.mul(1 - this.alpha, cosine), this.alpha));
  }

  override config(): Config {
    return {
      initial_learning_rate: this.initialLearningRate,
      decay_steps: this.decaySteps,
      alpha: this.alpha,
      name: this.name,
      warmup_target: this.warmupTarget,
      warmup_steps: this.warmupSteps,
    };
  }
}

export interface RestartOptions {
  initialLearningRate: number;
  /** Steps of the first period. */
  firstDecaySteps: number;
  /** How much longer each period is than the one before, default 2. */
  tMul?: number | undefined;
  /** How much of the rate each restart begins with, default 1. */
  mMul?: number | undefined;
  /** Part of the rate that is left at the end of a period, default 0. */
  alpha?: number | undefined;
  name?: string | undefined;
}

/**
 * {@link CosineDecay} again and again, in periods that grow.
 *
 * @example
 * ```ts
 * const schedule = new schedules.CosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 1000 });
 * schedule.at(1000); // 0.1
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay_restarts/
 */
export class CosineDecayRestarts extends Schedule {
  static readonly className = 'CosineDecayRestarts';
  readonly initialLearningRate: number;
  readonly firstDecaySteps: number;
  readonly tMul: number;
  readonly mMul: number;
  readonly alpha: number;
  readonly name: string;

  constructor(options: RestartOptions) {
    super();
    this.name = text('SGDRDecay', 'name', options.name ?? 'SGDRDecay');
    this.initialLearningRate = finiteNumber(
      this.name,
      'initialLearningRate',
      options.initialLearningRate,
    );
    this.firstDecaySteps = positive(this.name, 'firstDecaySteps', options.firstDecaySteps);
    this.tMul = finiteNumber(this.name, 'tMul', options.tMul ?? 2);
    this.mMul = finiteNumber(this.name, 'mMul', options.mMul ?? 1);
    this.alpha = finiteNumber(this.name, 'alpha', options.alpha ?? 0);
  }

  override formula<T>(k: StepMath<T>, step: T): T {
    const { restarts, passed } = this.period(k, k.div(step, this.firstDecaySteps));
    const wave = k.add(1, k.cos(k.mul(passed, Math.PI)));
    const cosine = k.mul(k.mul(0.5, k.exponential(this.mMul, restarts)), wave);
    return k.mul(this.initialLearningRate, k.add(k.mul(1 - this.alpha, cosine), this.alpha));
  }

  /** Which period `time` (in first periods) lies in, and how much of it has passed. */
  private period<T>(k: StepMath<T>, time: T): { restarts: T; passed: T } {
    if (this.tMul === 1) {
      const restarts = k.floor(time);
      return { restarts, passed: k.sub(time, restarts) };
    }
    // Period i begins at (1 − tⁱ)/(1 − t) and is tⁱ long. The allowance keeps a rounded logarithm from falling short.
    const growth = k.sub(1, k.mul(time, 1 - this.tMul));
    const restarts = k.floor(k.add(k.div(k.log(growth), Math.log(this.tMul)), 1e-6));
    const length = k.exponential(this.tMul, restarts);
    const begin = k.div(k.sub(1, length), 1 - this.tMul);
    return { restarts, passed: k.div(k.sub(time, begin), length) };
  }

  override config(): Config {
    return {
      initial_learning_rate: this.initialLearningRate,
      first_decay_steps: this.firstDecaySteps,
      t_mul: this.tMul,
      m_mul: this.mMul,
      alpha: this.alpha,
      name: this.name,
    };
  }
}
