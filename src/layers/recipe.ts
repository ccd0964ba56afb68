/** @file How a weight is made: its initializer, regularizer and constraint, read from options and written to configs. */
import { type Constraint, type ConstraintLike, constraintOf } from './constraints.ts';
import { type Initializer, type InitializerLike, initializerOf } from './initializers.ts';
import { type Regularizer, type RegularizerLike, regularizerOf } from './regularizers.ts';
import type { Config } from './serialized.ts';

/** `kernelInitializer`, `kernelRegularizer`, `kernelConstraint` for `kernel`, and so on. */
export type RecipeOptions<Name extends string> = {
  [K in `${Name}Initializer`]?: InitializerLike | undefined;
} & {
  [K in `${Name}Regularizer`]?: RegularizerLike | null | undefined;
} & {
  [K in `${Name}Constraint`]?: ConstraintLike | null | undefined;
};

/** The three, as `addWeight` takes them. */
export interface Recipe {
  readonly initializer: Initializer;
  readonly regularizer: Regularizer | undefined;
  readonly constraint: Constraint | undefined;
}

/** The recipe of weight `name` from a layer's options. */
export function recipeOf<Name extends string>(
  where: string,
  name: Name,
  options: RecipeOptions<Name>,
  defaultInitializer: InitializerLike,
): Recipe {
  const given = options as Record<string, unknown>;
  const take = (part: string) => [`${name}${part}`, given[`${name}${part}`]] as const;
  const [initializerName, initializer] = take('Initializer');
  const [regularizerName, regularizer] = take('Regularizer');
  const [constraintName, constraint] = take('Constraint');
  return {
    initializer: initializerOf(
      where,
      initializerName,
      (initializer as InitializerLike | null | undefined) ?? defaultInitializer,
    ),
    regularizer: regularizerOf(where, regularizerName, regularizer as RegularizerLike | null),
    constraint: constraintOf(where, constraintName, constraint as ConstraintLike | null),
  };
}

/** The entries of a config: Keras has `name` in snake case before each part. */
export function recipeConfig(name: string, recipe: Recipe): Config {
  return {
    [`${name}_initializer`]: recipe.initializer.serialize(),
    [`${name}_regularizer`]: recipe.regularizer?.serialize() ?? null,
    [`${name}_constraint`]: recipe.constraint?.serialize() ?? null,
  };
}
