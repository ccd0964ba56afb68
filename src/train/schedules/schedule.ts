/**
 * @file What a learning-rate schedule is: one formula of the step, computed by the host in float64 or written into the
 * graph of a step, so that the rate follows the iterations without the host.
 */
import type { Value } from '../../ir/graph.ts';
import { classNameOf } from '../../layers/layer.ts';
import { type Config, type Serialized, serialized } from '../../layers/serialized.ts';
import {
  add,
  cast,
  cos,
  div,
  floor,
  lessEqual,
  log,
  minimum,
  mul,
  pow,
  power,
  select,
  sub,
} from '../../ops/index.ts';

/** The arithmetic in which a schedule is written; `T` is a number or a value of a graph. */
export interface StepMath<T> {
  add(a: T | number, b: T | number): T;
  sub(a: T | number, b: T | number): T;
  mul(a: T | number, b: T | number): T;
  div(a: T | number, b: T | number): T;
  min(a: T | number, b: T | number): T;
  floor(x: T): T;
  log(x: T): T;
  cos(x: T): T;
  /** Base to a power that depends on the step. */
  exponential(base: number, x: T): T;
  power(x: T, exponent: number): T;
  /** `a ≤ b ? then : otherwise`. */
  ifAtMost(a: T | number, b: T | number, then: T | number, otherwise: T | number): T;
}

const onHost: StepMath<number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  floor: Math.floor,
  log: Math.log,
  cos: Math.cos,
  exponential: (base, x) => base ** x,
  power: (x, exponent) => x ** exponent,
  ifAtMost: (a, b, then, otherwise) => (a <= b ? then : otherwise),
};

const inGraph: StepMath<Value> = {
  add,
  sub,
  mul,
  div,
  min: minimum,
  floor,
  log,
  cos,
  exponential: (base, x) => pow(base, x),
  power,
  ifAtMost: (a, b, then, otherwise) => select(lessEqual(a, b), then, otherwise),
};

/**
 * Base of all schedules; a schedule of yours extends it with `formula`.
 *
 * @example
 * ```ts no-run
 * class Halving extends Schedule {
 *   static readonly className = 'Halving';
 *   formula<T>(k: StepMath<T>, step: T) {
 *     return k.mul(0.1, k.exponential(0.5, step));
 *   }
 *   config() {
 *     return {};
 *   }
 * }
 * ```
 * @see https://keras.io/api/optimizers/learning_rate_schedules/learning_rate_schedule/
 */
export abstract class Schedule {
  /** The rate at `step`, which counts from 0. */
  abstract formula<T>(k: StepMath<T>, step: T): T;

  /** The arguments of the constructor under Keras's names. */
  abstract config(): Config;

  /** The rate at `step`, in float64. */
  at(step: number): number {
    return this.formula(onHost, step);
  }

  /** The rate as a function of `step`, a scalar of whatever type, in the graph of `step`. */
  value(step: Value): Value {
    return this.formula(inGraph, cast(step, 'float32'));
  }

  /** As Keras writes it into a model's file. */
  serialize(): Serialized {
    const className = classNameOf(this.constructor as { name: string; className?: string });
    return serialized('keras.optimizers.schedules', className, this.config());
  }
}
