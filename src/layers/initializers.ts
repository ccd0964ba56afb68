/**
 * @file First values of weights, with the distributions of Keras. A random initializer has a seed from when it is made,
 * so that equal programs with equal global seeds start from equal weights; called twice it gives the same values.
 *
 * @see https://keras.io/api/layers/initializers/
 */
import { show, TsunoError } from '../core/errors.ts';
import { RandomSequence, streams } from '../core/random.ts';
import { nextSeed } from '../core/seed.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import {
  atLeast,
  axisList,
  axisOf,
  finiteNumber,
  integer,
  oneOf,
  optional,
  refuse,
} from './checks.ts';
import { type Config, Family, isSerialized, type Serialized, serialized } from './serialized.ts';

/** Gives the first values of a weight: `values(shape)`, row-major. */
export abstract class Initializer {
  abstract values(shape: Shape): Float32Array;
  /** The arguments, under Keras's names. */
  config(): Config {
    return {};
  }
  serialize(): Serialized {
    const { className } = this.constructor as unknown as { className: string };
    return serialized('keras.initializers', className, this.config());
  }
}

/** A function from a shape to its values. */
export type InitializerFunction = (shape: Shape) => ArrayLike<number>;
/** A name (`'he_normal'`), an initializer, a function, or a config of Keras. */
export type InitializerLike = string | Initializer | InitializerFunction | Serialized;

interface Seeded {
  /** Default: from the global seed. */
  seed?: number | null;
}

abstract class RandomInitializer extends Initializer {
  private readonly given: number | null;
  private readonly used: number;

  constructor({ seed }: Seeded) {
    super();
    this.given = optional(integer, 'initializer', 'seed', seed);
    this.used = this.given ?? nextSeed();
  }

  override config(): Config {
    return { seed: this.given };
  }

  /** `shape` filled with what `draw` makes of a fresh sequence. */
  protected fill(shape: Shape, draw: (random: RandomSequence) => number): Float32Array {
    const random = new RandomSequence(this.used, streams.initializer);
    return Float32Array.from({ length: sizeOf(shape) }, () => draw(random));
  }
}

/** Standard normal without its tails: drawn again beyond two. */
function truncatedNormal(random: RandomSequence): number {
  for (;;) {
    const x = random.normal();
    if (Math.abs(x) <= 2) return x;
  }
}

/**
 * All 0.
 *
 * @example
 * ```ts
 * new initializers.Zeros().values([2]); // [0, 0]
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class Zeros extends Initializer {
  static readonly className = 'Zeros';
  override values(shape: Shape): Float32Array {
    return new Float32Array(sizeOf(shape));
  }
}

/**
 * All 1.
 *
 * @example
 * ```ts
 * new initializers.Ones().values([2]); // [1, 1]
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class Ones extends Initializer {
  static readonly className = 'Ones';
  override values(shape: Shape): Float32Array {
    return new Float32Array(sizeOf(shape)).fill(1);
  }
}

/**
 * All `value`, default 0.
 *
 * @example
 * ```ts
 * new initializers.Constant({ value: 3 }).values([2]); // [3, 3]
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class Constant extends Initializer {
  static readonly className = 'Constant';
  private readonly value: number;
  constructor({ value = 0 }: { value?: number } = {}) {
    super();
    this.value = finiteNumber('Constant', 'value', value);
  }
  override values(shape: Shape): Float32Array {
    return new Float32Array(sizeOf(shape)).fill(this.value);
  }
  override config(): Config {
    return { value: this.value };
  }
}

/** `gain` on the diagonal of a matrix, zeros beside it. */
export class IdentityInitializer extends Initializer {
  static readonly className = 'Identity';
  private readonly gain: number;
  constructor({ gain = 1 }: { gain?: number } = {}) {
    super();
    this.gain = finiteNumber('Identity', 'gain', gain);
  }
  override values(shape: Shape): Float32Array {
    if (shape.length !== 2) throw shapeError('Identity', 'of rank 2', shape);
    const [rows, columns] = shape as [number, number];
    const values = new Float32Array(rows * columns);
    for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = this.gain;
    return values;
  }
  override config(): Config {
    return { gain: this.gain };
  }
}

/**
 * Uniform in [`minval`, `maxval`), default ±0.05.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.RandomUniform({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class RandomUniform extends RandomInitializer {
  static readonly className = 'RandomUniform';
  private readonly low: number;
  private readonly high: number;
  constructor(options: Seeded & { minval?: number; maxval?: number } = {}) {
    super(options);
    this.low = finiteNumber('RandomUniform', 'minval', options.minval ?? -0.05);
    this.high = finiteNumber('RandomUniform', 'maxval', options.maxval ?? 0.05);
  }
  override values(shape: Shape): Float32Array {
    const width = this.high - this.low;
    return this.fill(shape, (random) => this.low + width * random.uniform());
  }
  override config(): Config {
    return { ...super.config(), minval: this.low, maxval: this.high };
  }
}

/**
 * Normal with `mean` (default 0) and standard deviation `stddev` (default 0.05).
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.RandomNormal({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class RandomNormal extends RandomInitializer {
  static readonly className: string = 'RandomNormal';
  private readonly mean: number;
  private readonly stddev: number;
  constructor(options: Seeded & { mean?: number; stddev?: number } = {}) {
    super(options);
    this.mean = finiteNumber('RandomNormal', 'mean', options.mean ?? 0);
    this.stddev = atLeast('RandomNormal', 'stddev', options.stddev ?? 0.05, 0);
  }
  override values(shape: Shape): Float32Array {
    return this.fill(shape, (random) => this.mean + this.stddev * this.standard(random));
  }
  override config(): Config {
    return { ...super.config(), mean: this.mean, stddev: this.stddev };
  }
  protected standard(random: RandomSequence): number {
    return random.normal();
  }
}

/**
 * As `RandomNormal`, drawn again where more than two standard deviations from the mean.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.TruncatedNormal({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class TruncatedNormal extends RandomNormal {
  static override readonly className = 'TruncatedNormal';
  protected override standard(random: RandomSequence): number {
    return truncatedNormal(random);
  }
}

interface ScalingOptions extends Seeded {
  /** Axes that count as inputs and outputs; default: the last two, times the extents before them. */
  inputAxes?: readonly number[] | null;
  outputAxes?: readonly number[] | null;
}

const modes = ['fan_in', 'fan_out', 'fan_avg'] as const;
const distributions = ['truncated_normal', 'untruncated_normal', 'uniform'] as const;
type Mode = (typeof modes)[number];
type Distribution = (typeof distributions)[number];

/** Standard deviation of the standard normal cut off at ±2. */
const truncatedDeviation = 0.87962566103423978;

/** Numbers of inputs and outputs of a unit: of a kernel [kh, kw, in, out], kh·kw·in and kh·kw·out. */
export function fans(shape: Shape, options: ScalingOptions = {}): [number, number] {
  const { inputAxes, outputAxes } = options;
  if (inputAxes && outputAxes) {
    const over = (axes: readonly number[]) =>
      sizeOf(axes.map((axis) => shape[axisOf('initializer', 'axis', axis, shape)]!));
    return [over(inputAxes), over(outputAxes)];
  }
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0]!, shape[0]!];
  const field = sizeOf(shape.slice(0, -2));
  return [field * shape.at(-2)!, field * shape.at(-1)!];
}

/** A distribution whose variance is `scale` divided by the number of inputs, outputs, or their mean. */
abstract class Scaling extends RandomInitializer {
  private readonly scale: number;
  private readonly mode: Mode;
  private readonly distribution: Distribution;
  private readonly axes: ScalingOptions;

  constructor(scale: number, mode: Mode, distribution: Distribution, options: ScalingOptions) {
    super(options);
    optional(axisList, 'initializer', 'inputAxes', options.inputAxes);
    optional(axisList, 'initializer', 'outputAxes', options.outputAxes);
    this.scale = scale;
    this.mode = mode;
    this.distribution = distribution;
    this.axes = options;
  }

  override values(shape: Shape): Float32Array {
    const [fanIn, fanOut] = fans(shape, this.axes);
    const fan = { fan_in: fanIn, fan_out: fanOut, fan_avg: (fanIn + fanOut) / 2 }[this.mode];
    const variance = this.scale / Math.max(1, fan);
    const deviation = Math.sqrt(variance);
    const limit = Math.sqrt(3 * variance);
    const draws: Record<Distribution, (random: RandomSequence) => number> = {
      truncated_normal: (random) => (deviation / truncatedDeviation) * truncatedNormal(random),
      untruncated_normal: (random) => deviation * random.normal(),
      uniform: (random) => limit * (2 * random.uniform() - 1),
    };
    return this.fill(shape, draws[this.distribution]);
  }

  override config(): Config {
    return {
      ...super.config(),
      input_axes: this.axes.inputAxes ?? null,
      output_axes: this.axes.outputAxes ?? null,
    };
  }
}

/**
 * Random with a variance of `scale` (default 1) over the number of inputs (`mode: 'fan_in'`, the default), of outputs
 * (`'fan_out'`) or their mean (`'fan_avg'`), drawn from `distribution`: `'truncated_normal'` (default),
 * `'untruncated_normal'` or `'uniform'`.
 *
 * @throws TsunoError `ARGUMENT` for a scale not above 0, an unknown mode or distribution.
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.VarianceScaling({ scale: 2, mode: 'fan_out' }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class VarianceScaling extends Scaling {
  static readonly className = 'VarianceScaling';
  private readonly arguments: Config;
  constructor(
    options: ScalingOptions & { scale?: number; mode?: Mode; distribution?: string } = {},
  ) {
    const where = 'VarianceScaling';
    const scale = finiteNumber(where, 'scale', options.scale ?? 1);
    if (scale <= 0) throw refuse(where, 'scale', 'a positive number', scale);
    const mode = oneOf(where, 'mode', options.mode ?? 'fan_in', modes);
    const normal = options.distribution === 'normal' ? 'truncated_normal' : options.distribution;
    const distribution = oneOf(where, 'distribution', normal ?? 'truncated_normal', distributions);
    super(scale, mode, distribution, options);
    this.arguments = { scale, mode, distribution };
  }
  override config(): Config {
    return { ...super.config(), ...this.arguments };
  }
}

/**
 * Uniform within √(6/(in + out)) (Glorot and Bengio 2010).
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.GlorotUniform({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class GlorotUniform extends Scaling {
  static readonly className = 'GlorotUniform';
  constructor(options: ScalingOptions = {}) {
    super(1, 'fan_avg', 'uniform', options);
  }
}

/**
 * Truncated normal with variance 2/(in + out).
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.GlorotNormal({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class GlorotNormal extends Scaling {
  static readonly className = 'GlorotNormal';
  constructor(options: ScalingOptions = {}) {
    super(1, 'fan_avg', 'truncated_normal', options);
  }
}

/**
 * Truncated normal with variance 2/in (He and others 2015), for rectifiers.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.HeNormal({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class HeNormal extends Scaling {
  static readonly className = 'HeNormal';
  constructor(options: ScalingOptions = {}) {
    super(2, 'fan_in', 'truncated_normal', options);
  }
}

/**
 * Uniform within √(6/in).
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.HeUniform({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class HeUniform extends Scaling {
  static readonly className = 'HeUniform';
  constructor(options: ScalingOptions = {}) {
    super(2, 'fan_in', 'uniform', options);
  }
}

/**
 * Truncated normal with variance 1/in (LeCun and others 1998), for SELU.
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.LecunNormal({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class LecunNormal extends Scaling {
  static readonly className = 'LecunNormal';
  constructor(options: ScalingOptions = {}) {
    super(1, 'fan_in', 'truncated_normal', options);
  }
}

/**
 * Uniform within √(3/in).
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.LecunUniform({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class LecunUniform extends Scaling {
  static readonly className = 'LecunUniform';
  constructor(options: ScalingOptions = {}) {
    super(1, 'fan_in', 'uniform', options);
  }
}

/**
 * A matrix with orthonormal rows or columns, times `gain` (Saxe and others 2014); kernels as [kh·kw·in, out].
 *
 * @example
 * ```ts
 * layers.dense(10, { kernelInitializer: new initializers.Orthogonal({ seed: 1 }) });
 * ```
 * @see https://keras.io/api/layers/initializers/
 */
export class Orthogonal extends RandomInitializer {
  static readonly className = 'Orthogonal';
  private readonly gain: number;
  constructor(options: Seeded & { gain?: number } = {}) {
    super(options);
    this.gain = finiteNumber('Orthogonal', 'gain', options.gain ?? 1);
  }

  override values(shape: Shape): Float32Array {
    if (shape.length < 2) throw shapeError('Orthogonal', 'of rank 2 or more', shape);
    const columns = shape.at(-1)!;
    const rows = sizeOf(shape.slice(0, -1));
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
    const vectors = orthonormal(
      this.fill([short, long], (random) => random.normal()),
      long,
    );
    return Float32Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      return this.gain * (rows < columns ? vectors[row]![column]! : vectors[column]![row]!);
    });
  }

  override config(): Config {
    return { ...super.config(), gain: this.gain };
  }
}

/** Gram and Schmidt's process, each vector freed of those before it twice, which is enough for full accuracy. */
function orthonormal(elements: Float32Array, length: number): Float64Array[] {
  const vectors: Float64Array[] = [];
  for (let start = 0; start < elements.length; start += length) {
    const vector = Float64Array.from(elements.subarray(start, start + length));
    const dot = (other: Float64Array) => vector.reduce((sum, x, i) => sum + x * other[i]!, 0);
    for (const before of [...vectors, ...vectors]) {
      const along = dot(before);
      for (let i = 0; i < length; i++) vector[i]! -= along * before[i]!;
    }
    const norm = Math.sqrt(dot(vector));
    vectors.push(vector.map((x) => x / norm));
  }
  return vectors;
}

function shapeError(where: string, expected: string, shape: Shape): TsunoError {
  return new TsunoError('SHAPE', { where, what: 'weight', expected, found: show([...shape]) });
}

class FromFunction extends Initializer {
  private readonly make: InitializerFunction;
  constructor(make: InitializerFunction) {
    super();
    this.make = make;
  }
  override values(shape: Shape): Float32Array {
    const values = this.make(shape);
    if (values.length !== sizeOf(shape))
      throw shapeError('initializer', `${values.length} elements`, shape);
    return Float32Array.from(values);
  }
  override serialize(): Serialized {
    return serialized('builtins', 'function', { name: this.make.name });
  }
}

const family = new Family<Initializer>(
  'initializer',
  [
    Zeros,
    Ones,
    Constant,
    RandomUniform,
    RandomNormal,
    TruncatedNormal,
    VarianceScaling,
    GlorotUniform,
    GlorotNormal,
    HeUniform,
    HeNormal,
    LecunUniform,
    LecunNormal,
    Orthogonal,
    IdentityInitializer,
  ],
  { uniform: RandomUniform, normal: RandomNormal },
);

/** Finds an initializer. @throws TsunoError `ARGUMENT` for an unknown name. */
export function initializerOf(where: string, what: string, like: InitializerLike): Initializer {
  if (like instanceof Initializer) return like;
  if (typeof like === 'function') return new FromFunction(like);
  if (typeof like === 'string' || isSerialized(like)) return family.make(where, what, like);
  throw refuse(where, what, 'a name, an initializer or a function', like);
}
