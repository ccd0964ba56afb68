/**
 * @file Training loops of one's own: `valueAndGrad` and `trainStep` make a step of a function over values, as JAX and MLX
 * do. The function is traced once for each kind of inputs; what runs is one program on the engine, as in `fit`.
 */
import { show, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Value } from '../ir/graph.ts';
import type { Variable } from '../layers/variable.ts';
import { Optimizer } from '../train/optimizers/optimizer.ts';
import {
  type StepAnswer,
  type StepInput,
  TracedFunction,
  type TracedOptions,
} from '../train/traced_function.ts';
import type { Trainer } from '../train/trainer.ts';
import { Gradients, Updates } from '../train/weight_gradients.ts';
import { Model, trainerOf } from './model.ts';

/** A function over values: inputs of the step in, a scalar loss out, alone or as `{ loss, … }` with other values. */
export type StepFunction = (...inputs: Value[]) => StepAnswer;

/** A tensor (or a number, for a scalar) for each argument of the function. */
export type StepInputs<F extends StepFunction> = OneEach<Parameters<F>>;
type OneEach<A extends readonly unknown[]> = { [K in keyof A]: StepInput };

/** What the function answered beside the loss. */
export type StepAux<F extends StepFunction> =
  ReturnType<F> extends Value
    ? Readonly<Record<never, never>>
    : { readonly [K in Exclude<keyof ReturnType<F>, 'loss'>]: Tensor };

export interface StepResult<F extends StepFunction> {
  /** The loss, penalties of layers included. */
  value: number;
  /** Values that the function answered beside the loss, by their names. */
  aux: StepAux<F>;
}

export interface GradientStepResult<F extends StepFunction> extends StepResult<F> {
  /** Of the trainable weights, or of the variables asked for. */
  grads: Gradients;
}

export interface InputGradientStepResult<F extends StepFunction> extends StepResult<F> {
  /** One for each argument, of its shape; `undefined` where the loss does not depend on it, or it holds whole numbers. */
  grads: readonly (Tensor<'float32'> | undefined)[];
}

export interface TrainStepOptions {
  /**
   * Whether layers behave as in training: dropout draws, batch normalization takes the statistics of the batch. Default
   * true; where `wrt` is `'inputs'`, false.
   */
  training?: boolean | undefined;
  /** Whether penalties of regularizers and of `addLoss` are added to the loss, as `fit` does; default as `training`. */
  penalties?: boolean | undefined;
  /** Whether weights that do not influence the loss are passed over; default false: they are refused. */
  partial?: boolean | undefined;
}

export interface ValueAndGradOptions extends TrainStepOptions {
  /** What to differentiate by: `'weights'`, the model's trainable ones (default), or variables of your choice. */
  wrt?: 'weights' | readonly Variable[] | undefined;
}

export interface InputGradOptions extends TrainStepOptions {
  /** Differentiates by the arguments; images of bytes count as floats. */
  wrt: 'inputs';
}

/**
 * A step that gives the loss of a batch and its gradients, for training loops of your own.
 *
 * `fn` is called with values, not numbers, once for each kind of inputs (types and shapes), and again after layers were
 * frozen or thawed; each call of the step runs the program made of it. Calls advance random numbers, and where `training`
 * holds they update the moving statistics of normalization. The gradients change nothing until `optimizer.apply`.
 *
 * @param model whose engine is used, and by whose trainable weights is differentiated. `fn` may call other models.
 * @param fn gives a scalar `float32`, or `{ loss, … }` with other values that are wanted as tensors.
 * @returns `(...tensors) => Promise<{ value, grads, aux }>`.
 * @throws TsunoError at the first call for inputs of a kind: `ARGUMENT` or `SHAPE` where `fn` gives no scalar, `STATE`
 * where a weight does not influence the loss. At each call `NONFINITE_LOSS` where loss or a gradient is not finite, and
 * nothing has changed; `NONFINITE_INPUT`, `DATA_EMPTY`.
 * @example
 * ```ts
 * const crossentropy = new losses.SparseCategoricalCrossentropy();
 * const step = valueAndGrad(model, (x, y) => {
 *   const predictions = model(x);
 *   return { loss: crossentropy.call(y, predictions), predictions };
 * });
 * const { value, grads, aux } = await step(images, labels);
 * value > 0;                 // true
 * aux.predictions.length;    // 16
 * await model.optimizer.apply(grads);
 * ```
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.value_and_grad.html
 * @see https://ml-explore.github.io/mlx/build/html/python/nn/_autosummary/mlx.nn.value_and_grad.html
 */
export function valueAndGrad<F extends StepFunction>(
  model: Model,
  fn: F,
  options: InputGradOptions,
): (...inputs: StepInputs<F>) => Promise<InputGradientStepResult<F>>;
export function valueAndGrad<F extends StepFunction>(
  model: Model,
  fn: F,
  options?: ValueAndGradOptions,
): (...inputs: StepInputs<F>) => Promise<GradientStepResult<F>>;
export function valueAndGrad<F extends StepFunction>(
  model: Model,
  fn: F,
  options: ValueAndGradOptions | InputGradOptions = {},
): (...inputs: StepInputs<F>) => Promise<GradientStepResult<F> | InputGradientStepResult<F>> {
  const where = 'valueAndGrad';
  const trainer = checkedTrainer(where, model);
  const wrt = sourcesOf(model, options.wrt ?? 'weights');
  const traced = new TracedFunction(trainer, fn, {
    ...modesOf(model, where, options, wrt !== 'inputs'),
    wrt,
  });
  const updates = new Updates(trainer);
  return async (...inputs) => {
    const { value, gradients, variables, aux } = await traced.run(inputs);
    const result = { value, aux: aux as StepAux<F> };
    return wrt === 'inputs'
      ? { ...result, grads: gradients }
      : { ...result, grads: new Gradients(updates, variables, gradients) };
  };
}

/**
 * As {@link valueAndGrad} and `optimizer.apply` in one program: the fastest training step with a loss of your own.
 *
 * @param optimizer updates the model's trainable weights.
 * @param fn as of `valueAndGrad`; `optimizer`'s `lossScaleFactor` is seen to.
 * @returns `(...tensors) => Promise<{ value, aux }>`: the loss before the update.
 * @throws TsunoError as `valueAndGrad`; `NONFINITE_LOSS` also where a weight would not be finite. Weights, optimizer
 * and moving statistics are then those before the step.
 * @example
 * ```ts
 * const crossentropy = new losses.SparseCategoricalCrossentropy();
 * const step = trainStep(model, new optimizers.SGD({ learningRate: 0.1 }), (x, y) =>
 *   crossentropy.call(y, model(x)),
 * );
 * const before = (await step(images, labels)).value;
 * (await step(images, labels)).value < before; // true
 * ```
 */
export function trainStep<F extends StepFunction>(
  model: Model,
  optimizer: Optimizer,
  fn: F,
  options: TrainStepOptions = {},
): (...inputs: StepInputs<F>) => Promise<StepResult<F>> {
  const where = 'trainStep';
  const trainer = checkedTrainer(where, model);
  if (!(optimizer instanceof Optimizer)) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'optimizer',
      expected: 'an optimizer',
      found: show(optimizer),
      repair: 'Make one with new optimizers.Adam(), or take model.optimizer.',
    });
  }
  const traced = new TracedFunction(trainer, fn, {
    ...modesOf(model, where, options, true),
    wrt: () => model.trainableWeights,
    optimizer,
  });
  return async (...inputs) => {
    const { value, aux } = await traced.run(inputs);
    return { value, aux: aux as StepAux<F> };
  };
}

function checkedTrainer(where: string, model: Model): Trainer {
  if (model instanceof Model) return trainerOf(model);
  const expected = 'a Model or Sequential';
  throw new TsunoError('ARGUMENT', { where, what: 'model', expected, found: show(model) });
}

function sourcesOf(
  model: Model,
  wrt: 'weights' | 'inputs' | readonly Variable[],
): TracedOptions['wrt'] {
  if (wrt === 'inputs') return wrt;
  if (wrt === 'weights') return () => model.trainableWeights;
  if (Array.isArray(wrt) && wrt.length > 0) return () => wrt;
  throw new TsunoError('ARGUMENT', {
    where: 'valueAndGrad',
    what: 'wrt',
    expected: "'weights', 'inputs' or a list of variables",
    found: show(wrt),
  });
}

function modesOf(
  model: Model,
  door: string,
  { training, penalties, partial = false }: TrainStepOptions,
  byDefault: boolean,
): Omit<TracedOptions, 'wrt'> {
  const where = `${door} "${model.name}"`;
  const trains = training ?? byDefault;
  return { where, training: trains, penalties: penalties ?? trains, partial };
}
