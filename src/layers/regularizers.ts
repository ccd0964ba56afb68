/**
 * @file Penalties on weights and outputs, added to the loss.
 *
 * @see https://keras.io/api/layers/regularizers/
 */
import { TsunoError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import {
  abs,
  add,
  cast,
  div,
  intEqual,
  iota,
  matmul,
  maximum,
  mul,
  reduceSum,
  reshape,
  select,
  sqrt,
  square,
} from '../ops/index.ts';
import { atLeast, oneOf, refuse } from './checks.ts';
import { type Config, Family, isSerialized, type Serialized, serialized } from './serialized.ts';

/** Gives the penalty of a tensor: a scalar. */
export abstract class Regularizer {
  abstract penalty(x: Value): Value;
  config(): Config {
    return {};
  }
  serialize(): Serialized {
    const { className } = this.constructor as unknown as { className: string };
    return serialized('keras.regularizers', className, this.config());
  }
}

export type RegularizerFunction = (x: Value) => Value;
/** A name (`'l2'`), a regularizer, a function from a tensor to a scalar, or a config of Keras. */
export type RegularizerLike = string | Regularizer | RegularizerFunction | Serialized;

/**
 * `l1`·Σ|x| + `l2`·Σx², both default 0.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelRegularizer: new regularizers.L1L2({ l1: 1e-5, l2: 1e-4 }) });
 * ```
 * @see https://keras.io/api/layers/regularizers/
 */
export class L1L2 extends Regularizer {
  static readonly className: string = 'L1L2';
  protected readonly l1: number;
  protected readonly l2: number;
  constructor({ l1, l2 }: { l1?: number | null; l2?: number | null } = {}) {
    super();
    this.l1 = atLeast('L1L2', 'l1', l1 ?? 0, 0);
    this.l2 = atLeast('L1L2', 'l2', l2 ?? 0, 0);
  }
  override penalty(x: Value): Value {
    const linear = this.l1 === 0 ? undefined : mul(reduceSum(abs(x)), this.l1);
    const quadratic = this.l2 === 0 ? undefined : mul(reduceSum(square(x)), this.l2);
    if (linear && quadratic) return add(linear, quadratic);
    return linear ?? quadratic ?? mul(reduceSum(x), 0);
  }
  override config(): Config {
    return { l1: this.l1, l2: this.l2 };
  }
}

/**
 * `l1`·Σ|x|, default 0.01.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelRegularizer: new regularizers.L1({ l1: 1e-4 }) });
 * ```
 * @see https://keras.io/api/layers/regularizers/
 */
export class L1 extends L1L2 {
  static override readonly className = 'L1';
  constructor({ l1 = 0.01 }: { l1?: number } = {}) {
    super({ l1 });
  }
  override config(): Config {
    return { l1: this.l1 };
  }
}

/**
 * `l2`·Σx², default 0.01.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelRegularizer: new regularizers.L2({ l2: 1e-4 }) });
 * ```
 * @see https://keras.io/api/layers/regularizers/
 */
export class L2 extends L1L2 {
  static override readonly className = 'L2';
  constructor({ l2 = 0.01 }: { l2?: number } = {}) {
    super({ l2 });
  }
  override config(): Config {
    return { l2: this.l2 };
  }
}

/**
 * `factor` (default 0.01) times the mean |cosine| of the angles between rows, or columns, of a matrix.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelRegularizer: new regularizers.OrthogonalRegularizer({ factor: 1e-3 }) });
 * ```
 * @see https://keras.io/api/layers/regularizers/
 */
export class OrthogonalRegularizer extends Regularizer {
  static readonly className = 'OrthogonalRegularizer';
  private readonly factor: number;
  private readonly mode: 'rows' | 'columns';
  constructor({ factor = 0.01, mode = 'rows' }: { factor?: number; mode?: string } = {}) {
    super();
    this.factor = atLeast('OrthogonalRegularizer', 'factor', factor, 0);
    this.mode = oneOf('OrthogonalRegularizer', 'mode', mode, ['rows', 'columns']);
  }
  override penalty(x: Value): Value {
    if (x.shape.length !== 2) {
      throw new TsunoError('SHAPE', {
        where: 'OrthogonalRegularizer',
        what: 'weight',
        expected: 'of rank 2',
        found: showShape(x.shape),
      });
    }
    const rows = this.mode === 'rows';
    const lengths = sqrt(maximum(reduceSum(square(x), [rows ? 1 : 0], true), 1e-12));
    const unit = div(x, lengths);
    const cosines = matmul(unit, unit, !rows, rows);
    const size = cosines.shape[0]!;
    const place = cast(iota(x, size), 'int32');
    const diagonal = intEqual(reshape(place, [size, 1]), place);
    const pairs = (size * (size - 1)) / 2;
    return mul(reduceSum(abs(select(diagonal, 0, cosines))), (this.factor * 0.5) / pairs);
  }
  override config(): Config {
    return { factor: this.factor, mode: this.mode };
  }
}

class FromFunction extends Regularizer {
  private readonly make: RegularizerFunction;
  constructor(make: RegularizerFunction) {
    super();
    this.make = make;
  }
  override penalty(x: Value): Value {
    return this.make(x);
  }
  override serialize(): Serialized {
    return serialized('builtins', 'function', { name: this.make.name });
  }
}

const family = new Family<Regularizer>('regularizer', [L1, L2, L1L2, OrthogonalRegularizer], {
  l1l2: L1L2,
  orthogonal: OrthogonalRegularizer,
});

/** Finds a regularizer; `undefined` for none. @throws TsunoError `ARGUMENT` for an unknown name. */
export function regularizerOf(
  where: string,
  what: string,
  like: RegularizerLike | null | undefined,
): Regularizer | undefined {
  if (like === null || like === undefined) return undefined;
  if (like instanceof Regularizer) return like;
  if (typeof like === 'function') return new FromFunction(like);
  if (typeof like === 'string' || isSerialized(like)) return family.make(where, what, like);
  throw refuse(where, what, 'a name, a regularizer or a function', like);
}
