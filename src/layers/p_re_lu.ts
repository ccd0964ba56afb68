/** @file The rectified linear unit with a learned slope. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, mul, neg, relu } from '../ops/index.ts';
import { integers, knownExtent } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import { type Recipe, type RecipeOptions, recipeConfig, recipeOf } from './recipe.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

export interface PReLUOptions extends LayerOptions, RecipeOptions<'alpha'> {
  /** Axes (from 1) along which all elements share a slope: `[1, 2]` for one slope a channel; default none. */
  sharedAxes?: number | readonly number[] | null | undefined;
}

export class PReLU extends Layer {
  static readonly className = 'PReLU';
  readonly sharedAxes: readonly number[] | undefined;
  readonly alphaRecipe: Recipe;
  alpha!: Variable;

  constructor(options: PReLUOptions = {}) {
    super(options);
    const { sharedAxes } = options;
    const list = typeof sharedAxes === 'number' ? [sharedAxes] : (sharedAxes ?? undefined);
    this.sharedAxes = list && integers(this.where, 'sharedAxes', list, 1);
    this.alphaRecipe = recipeOf(this.where, 'alpha', options, 'zeros');
  }

  override build(inputShape: PartialShape): void {
    const shape = inputShape
      .slice(1)
      .map((_, i) =>
        this.sharedAxes?.includes(i + 1) ? 1 : knownExtent(this.where, i + 1, inputShape),
      );
    const own = shape.flatMap((extent, i) =>
      this.sharedAxes?.includes(i + 1) ? [] : [[i + 1, extent]],
    );
    this.inputSpec = { rank: inputShape.length, axes: Object.fromEntries(own) };
    this.alpha = this.addWeight({ name: 'alpha', shape, ...this.alphaRecipe });
  }

  override call(x: Value): Value {
    return add(relu(x), neg(mul(this.read(this.alpha), relu(neg(x)))));
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }

  override config(): Config {
    return {
      ...super.config(),
      ...recipeConfig('alpha', this.alphaRecipe),
      shared_axes: this.sharedAxes ? [...this.sharedAxes] : null,
    };
  }
}

/**
 * x above 0, a learned multiple of x below (He and others 2015).
 *
 * @see https://keras.io/api/layers/activation_layers/prelu/
 * @example
 * ```ts
 * const x = Input({ shape: [8, 8, 3] });
 * prelu({ sharedAxes: [1, 2] })(x).shape; // [null, 8, 8, 3]
 * ```
 */
export function prelu(options: PReLUOptions = {}): PReLU {
  return new PReLU(options);
}
