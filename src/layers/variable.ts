/**
 * @file Variables: the weights of layers, the slots of optimizers, the sums of metrics. The host copy is the truth until
 * an engine has taken the variable in; from then on reading pulls what the engine has, and assigning pushes.
 */
import { allocate, type DType, type TypedArrays } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { type Shape, sameShape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Value, VariableRef } from '../ir/graph.ts';

/** Adds to the loss: `(weight) => penalty`, a scalar. */
export type Penalty = (weight: Value) => Value;
/** Applied to a weight after each update. */
export type Projection = (weight: Value) => Value;

export interface VariableOptions<D extends DType = DType> {
  name: string;
  shape: Shape;
  dtype?: D;
  /** Default true: the optimizer may change it. */
  trainable?: boolean;
  /** First value; default zeros. */
  initial?: TypedArrays[D];
  regularizer?: Penalty | undefined;
  constraint?: Projection | undefined;
}

/** Who may hold a newer value than the host: an engine's session. */
export interface VariableHolder {
  /** Copies the newest value of `variable` into its host array. */
  pull(variable: Variable): void;
}

export class Variable<D extends DType = DType> implements VariableRef {
  readonly name: string;
  /** Full name within its model, `conv2d/kernel`. */
  path: string;
  readonly shape: Shape;
  readonly dtype: D;
  trainable: boolean;
  readonly regularizer: Penalty | undefined;
  readonly constraint: Projection | undefined;
  /** Grows with each assignment on the host, so that an engine knows when to take the value in anew. */
  version = 0;
  private readonly host: TypedArrays[D];
  private holder: VariableHolder | undefined;

  constructor(options: VariableOptions<D>) {
    const { name, shape, trainable = true, initial } = options;
    this.name = name;
    this.path = name;
    this.shape = Object.freeze([...shape]);
    this.dtype = options.dtype ?? ('float32' as D);
    this.trainable = trainable;
    this.regularizer = options.regularizer;
    this.constraint = options.constraint;
    this.host = initial ?? allocate(this.dtype, sizeOf(shape));
  }

  get size(): number {
    return this.host.length;
  }

  /** The newest value, as a view that later runs may overwrite. */
  get data(): TypedArrays[D] {
    this.holder?.pull(this);
    return this.host;
  }

  /** Its path: what printed graphs show. */
  toString(): string {
    return this.path;
  }

  /** A copy of the newest value. */
  value(): Tensor<D> {
    return new Tensor(this.dtype, this.shape, this.data.slice() as TypedArrays[D]);
  }

  /** @throws TsunoError `SHAPE` where `value` has another shape. */
  assign(value: Tensor | ArrayLike<number>): void {
    const isTensor = value instanceof Tensor;
    const fits = isTensor ? sameShape(value.shape, this.shape) : value.length === this.size;
    if (!fits) {
      throw new TsunoError('SHAPE', {
        where: `variable "${this.path}"`,
        what: 'value',
        expected: `of shape ${show([...this.shape])}`,
        found: isTensor ? show([...value.shape]) : `${value.length} elements`,
      });
    }
    this.host.set(isTensor ? value.data : value);
    this.version++;
  }

  /** Called by an engine that takes the variable in, and with `undefined` when it lets go (after a last pull). */
  holdBy(holder: VariableHolder | undefined): void {
    if (this.holder && this.holder !== holder) {
      this.holder.pull(this);
      this.version++;
    }
    this.holder = holder;
  }

  /** The array behind `data`, without asking the holder: for holders. */
  get hostData(): TypedArrays[D] {
    return this.host;
  }
}
