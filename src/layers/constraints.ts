/**
 * @file What weights are held to: applied to a weight after each step of the optimizer.
 *
 * @see https://keras.io/api/layers/constraints/
 */
import type { Value } from '../ir/graph.ts';
import { add, div, maximum, minimum, mul, reduceSum, sqrt, square } from '../ops/index.ts';
import { atLeast, axisList, axisOf, rate, refuse } from './checks.ts';
import { type Config, Family, isSerialized, type Serialized, serialized } from './serialized.ts';

/** Gives the nearest allowed value of a weight. */
export abstract class Constraint {
  abstract project(weight: Value): Value;
  config(): Config {
    return {};
  }
  serialize(): Serialized {
    const { className } = this.constructor as unknown as { className: string };
    return serialized('keras.constraints', className, this.config());
  }
}

export type ConstraintFunction = (weight: Value) => Value;
/** A name (`'non_neg'`), a constraint, a function from a weight to its new value, or a config of Keras. */
export type ConstraintLike = string | Constraint | ConstraintFunction | Serialized;

/** Axes whose elements form one vector; default 0. For kernels [kh, kw, in, out]: `[0, 1, 2]`. */
type Axis = number | readonly number[];

const epsilon = 1e-7;

function norms(where: string, weight: Value, axis: Axis): Value {
  const along = [axis].flat().map((one) => axisOf(where, 'axis', one, weight.shape));
  return sqrt(reduceSum(square(weight), along, true));
}

/**
 * Norms of at most `maxValue`, default 2.
 *
 * @example
 * ```ts
 * layers.conv2d(32, 3, { kernelConstraint: new constraints.MaxNorm({ maxValue: 3, axis: [0, 1, 2] }) });
 * ```
 * @see https://keras.io/api/layers/constraints/
 */
export class MaxNorm extends Constraint {
  static readonly className = 'MaxNorm';
  private readonly maxValue: number;
  private readonly axis: Axis;
  constructor({ maxValue = 2, axis = 0 }: { maxValue?: number; axis?: Axis } = {}) {
    super();
    this.maxValue = atLeast('MaxNorm', 'maxValue', maxValue, 0);
    this.axis = axisList('MaxNorm', 'axis', axis);
  }
  override project(weight: Value): Value {
    const length = norms('MaxNorm', weight, this.axis);
    return mul(weight, div(minimum(length, this.maxValue), add(length, epsilon)));
  }
  override config(): Config {
    return { max_value: this.maxValue, axis: this.axis };
  }
}

/**
 * Norms between `minValue` (0) and `maxValue` (1), approached by the part `rate` (1) of the way each step.
 *
 * @example
 * ```ts
 * layers.conv2d(32, 3, { kernelConstraint: new constraints.MinMaxNorm({ minValue: 0.5, maxValue: 2, axis: [0, 1, 2] }) });
 * ```
 * @see https://keras.io/api/layers/constraints/
 */
export class MinMaxNorm extends Constraint {
  static readonly className = 'MinMaxNorm';
  private readonly minValue: number;
  private readonly maxValue: number;
  private readonly rate: number;
  private readonly axis: Axis;
  constructor(options: { minValue?: number; maxValue?: number; rate?: number; axis?: Axis } = {}) {
    super();
    this.minValue = atLeast('MinMaxNorm', 'minValue', options.minValue ?? 0, 0);
    this.maxValue = atLeast('MinMaxNorm', 'maxValue', options.maxValue ?? 1, this.minValue);
    this.rate = rate('MinMaxNorm', 'rate', options.rate ?? 1);
    this.axis = axisList('MinMaxNorm', 'axis', options.axis ?? 0);
  }
  override project(weight: Value): Value {
    const length = norms('MinMaxNorm', weight, this.axis);
    const clipped = minimum(maximum(length, this.minValue), this.maxValue);
    const desired =
      this.rate === 1 ? clipped : add(mul(clipped, this.rate), mul(length, 1 - this.rate));
    return mul(weight, div(desired, add(length, epsilon)));
  }
  override config(): Config {
    return {
      min_value: this.minValue,
      max_value: this.maxValue,
      rate: this.rate,
      axis: this.axis,
    };
  }
}

/**
 * No weight below 0.
 *
 * @example
 * ```ts
 * layers.conv2d(32, 3, { kernelConstraint: new constraints.NonNeg() });
 * ```
 * @see https://keras.io/api/layers/constraints/
 */
export class NonNeg extends Constraint {
  static readonly className = 'NonNeg';
  override project(weight: Value): Value {
    return maximum(weight, 0);
  }
}

/**
 * Norms of 1.
 *
 * @example
 * ```ts
 * layers.conv2d(32, 3, { kernelConstraint: new constraints.UnitNorm({ axis: [0, 1, 2] }) });
 * ```
 * @see https://keras.io/api/layers/constraints/
 */
export class UnitNorm extends Constraint {
  static readonly className = 'UnitNorm';
  private readonly axis: Axis;
  constructor({ axis = 0 }: { axis?: Axis } = {}) {
    super();
    this.axis = axisList('UnitNorm', 'axis', axis);
  }
  override project(weight: Value): Value {
    return div(weight, add(norms('UnitNorm', weight, this.axis), epsilon));
  }
  override config(): Config {
    return { axis: this.axis };
  }
}

class FromFunction extends Constraint {
  private readonly make: ConstraintFunction;
  constructor(make: ConstraintFunction) {
    super();
    this.make = make;
  }
  override project(weight: Value): Value {
    return this.make(weight);
  }
  override serialize(): Serialized {
    return serialized('builtins', 'function', { name: this.make.name });
  }
}

const family = new Family<Constraint>('constraint', [MaxNorm, MinMaxNorm, NonNeg, UnitNorm]);

/** Finds a constraint; `undefined` for none. @throws TsunoError `ARGUMENT` for an unknown name. */
export function constraintOf(
  where: string,
  what: string,
  like: ConstraintLike | null | undefined,
): Constraint | undefined {
  if (like === null || like === undefined) return undefined;
  if (like instanceof Constraint) return like;
  if (typeof like === 'function') return new FromFunction(like);
  if (typeof like === 'string' || isSerialized(like)) return family.make(where, what, like);
  throw refuse(where, what, 'a name, a constraint or a function', like);
}
