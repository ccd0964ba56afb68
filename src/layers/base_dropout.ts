/** @file Dropout and its relatives: what is set to 0 in training, and how the rest is scaled so that means stay. */
import type { PartialShape, Shape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { lessEqual, mul, select } from '../ops/index.ts';
import { integer, optional, rate, refuse } from './checks.ts';
import type { CallContext, LayerOptions } from './layer.ts';
import { SameShapeLayer } from './same_shape_layer.ts';
import type { Config } from './serialized.ts';
import { currentTrace } from './trace.ts';

export interface NoiseOptions extends LayerOptions {
  /** A seed of the layer's own; default: the run's. */
  seed?: number | null | undefined;
}

export interface DropoutOptions extends NoiseOptions {
  /** The shape of the mask, `null` for the input's extent; extents of 1 share the decision. */
  noiseShape?: PartialShape | null | undefined;
}

export interface DropoutArguments extends DropoutOptions {
  rate: number;
}

/** A layer that is random in training. */
export abstract class NoiseLayer extends SameShapeLayer {
  readonly seed: number | undefined;

  constructor(options: NoiseOptions) {
    super(options);
    this.seed = optional(integer, this.where, 'seed', options.seed) ?? undefined;
  }

  override get trainingDefault(): boolean {
    return false;
  }

  protected uniform(shape: Shape): Value {
    return currentTrace().uniform(shape, this.seed);
  }

  protected normal(shape: Shape): Value {
    return currentTrace().normal(shape, this.seed);
  }

  override config(): Config {
    return { ...super.config(), seed: this.seed ?? null };
  }
}

export abstract class BaseDropout extends NoiseLayer {
  readonly rate: number;
  readonly noiseShape: PartialShape | undefined;

  constructor(options: DropoutArguments) {
    super(options);
    this.rate = rate(this.where, 'rate', options.rate);
    this.noiseShape = options.noiseShape ?? undefined;
    const fits = (extent: unknown) =>
      extent === null || (Number.isSafeInteger(extent) && Number(extent) > 0);
    if (
      this.noiseShape !== undefined &&
      !(Array.isArray(this.noiseShape) && this.noiseShape.every(fits))
    )
      throw refuse(
        this.where,
        'noiseShape',
        'a list of positive integers or null',
        this.noiseShape,
      );
  }

  /** The shape of the mask for inputs of `shape`. */
  protected maskShape(shape: Shape): Shape {
    return shape.map((extent, axis) => this.noiseShape?.[axis] ?? extent);
  }

  /** Kept where a uniform number is not below the rate. */
  protected kept(shape: Shape): Value {
    return lessEqual(this.rate, this.uniform(this.maskShape(shape)));
  }

  override call(x: Value, { training }: CallContext): Value {
    if (!training || this.rate === 0) return x;
    if (this.rate === 1) return mul(x, 0);
    return select(this.kept(x.shape), mul(x, 1 / (1 - this.rate)), 0);
  }

  override config(): Config {
    return {
      ...super.config(),
      rate: this.rate,
      noise_shape: this.noiseShape ? [...this.noiseShape] : null,
    };
  }
}
