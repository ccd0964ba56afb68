/** @file The densely connected layer. */
import { type PartialShape, sizeOf } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, matmul, reshape } from '../ops/index.ts';
import { type Activation, type ActivationLike, activationOf } from './activations.ts';
import { absent, flag, knownExtent, positiveInteger } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

export interface DenseOptions extends LayerOptions, RecipeOptions<'kernel'>, RecipeOptions<'bias'> {
  /** Applied to the result; default none. */
  activation?: ActivationLike | null | undefined;
  /** Default true. */
  useBias?: boolean | undefined;
  /** Left out: weights are trained whole, in `float32`. */
  loraRank?: null | undefined;
  loraAlpha?: null | undefined;
  quantizationConfig?: null | undefined;
}

export interface DenseArguments extends DenseOptions {
  units: number;
}

export class Dense extends Layer {
  static readonly className = 'Dense';
  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelRecipe: Recipe;
  readonly biasRecipe: Recipe;
  kernel!: Variable;
  bias: Variable | undefined;

  constructor(options: DenseArguments) {
    super(options);
    for (const what of ['loraRank', 'loraAlpha', 'quantizationConfig'] as const)
      absent(this.where, what, options[what]);
    this.units = positiveInteger(this.where, 'units', options.units);
    this.activation = activationOf(this.where, options.activation);
    this.useBias = flag(this.where, 'useBias', options.useBias ?? true);
    this.kernelRecipe = recipeOf(this.where, 'kernel', options, 'glorot_uniform');
    this.biasRecipe = recipeOf(this.where, 'bias', options, 'zeros');
    this.inputSpec = { minRank: 2 };
  }

  override build(inputShape: PartialShape): void {
    const features = knownExtent(this.where, -1, inputShape);
    this.inputSpec = { minRank: 2, axes: { [-1]: features } };
    const shape = [features, this.units];
    this.kernel = this.addWeight({ name: 'kernel', shape, ...this.kernelRecipe });
    if (this.useBias)
      this.bias = this.addWeight({ name: 'bias', shape: [this.units], ...this.biasRecipe });
  }

  override call(x: Value): Value {
    const lead = x.shape.slice(0, -1);
    const rows = reshape(x, [sizeOf(lead), x.shape.at(-1)!]);
    const product = matmul(rows, this.read(this.kernel));
    const y = this.bias ? add(product, this.read(this.bias)) : product;
    return this.activation.apply(reshape(y, [...lead, this.units]));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return [...inputShape.slice(0, -1), this.units];
  }

  override config(): Config {
    return {
      ...super.config(),
      units: this.units,
      activation: this.activation.serialize(),
      use_bias: this.useBias,
      ...recipeConfig('kernel', this.kernelRecipe),
      ...recipeConfig('bias', this.biasRecipe),
      quantization_config: null,
    };
  }
}

/**
 * Multiplies the last axis by a matrix [features, units] and adds a bias.
 *
 * @param units extent of the last axis of the output.
 * @throws TsunoError `ARGUMENT` for an impossible argument; when built, `MEMORY` where the matrix is too large.
 * @see https://keras.io/api/layers/core_layers/dense/
 * @example
 * ```ts
 * const x = Input({ shape: [784] });
 * dense(10, { activation: 'softmax' })(x).shape; // [null, 10]
 * ```
 */
export function dense(units: number, options: DenseOptions = {}): Dense {
  return new Dense({ ...options, units });
}
