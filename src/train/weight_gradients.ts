/**
 * @file Gradients of weights as numbers, and the update that an optimizer makes of them on the engine. What
 * `valueAndGrad` gives and `optimizer.apply` takes.
 */
import { TsunoError } from '../core/errors.ts';
import { sameShape, showShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { checkFinite } from '../data/checks.ts';
import { Graph } from '../ir/graph.ts';
import { refuse } from '../layers/checks.ts';
import type { Variable } from '../layers/variable.ts';
import { input, scalar } from '../ops/index.ts';
import type { Session } from '../runtime/session.ts';
import { guard, haltName } from './health.ts';
import type { GradientsToApply, Optimizer } from './optimizers/optimizer.ts';
import type { StepProgram } from './programs.ts';
import { Snapshot } from './snapshot.ts';
import { runTraining } from './train_run.ts';
import type { Trainer } from './trainer.ts';

/**
 * Gradients of a loss by the weights of a model: numbers on the host, to look at, to change, to add up, and to give to
 * `optimizer.apply`. Iterating gives pairs `[variable, gradient]` in the order of the model's trainable weights.
 *
 * @example
 * ```ts
 * const crossentropy = new losses.SparseCategoricalCrossentropy();
 * const step = valueAndGrad(model, (x, y) => crossentropy.call(y, model(x)));
 * const { grads } = await step(images, labels);
 * const half = grads.map((gradient) => tensor(gradient.data.map((one) => one / 2), gradient.shape));
 * half.norm() < grads.norm(); // true
 * await model.optimizer.apply(half);
 * ```
 */
export class Gradients implements GradientsToApply, Iterable<[Variable, Tensor<'float32'>]> {
  /** What was differentiated by. */
  readonly variables: readonly Variable[];
  private readonly values: readonly (Tensor<'float32'> | undefined)[];
  private readonly updates: Updates;

  /** @param values one for each of `variables`; `undefined` where the loss does not depend on it. */
  constructor(
    updates: Updates,
    variables: readonly Variable[],
    values: readonly (Tensor<'float32'> | undefined)[],
  ) {
    this.updates = updates;
    this.variables = variables;
    this.values = values;
  }

  /**
   * The gradient of one weight; `undefined` where the loss does not depend on it, or it is frozen.
   *
   * @param which the variable, or its path: `conv2d/kernel`.
   */
  get(which: Variable | string): Tensor<'float32'> | undefined {
    const i = this.variables.findIndex((one) => one === which || one.path === which);
    return this.values[i];
  }

  *[Symbol.iterator](): Iterator<[Variable, Tensor<'float32'>]> {
    for (const [i, variable] of this.variables.entries()) {
      const value = this.values[i];
      if (value) yield [variable, value];
    }
  }

  /** The Euclidean norm of all gradients together. */
  norm(): number {
    let sum = 0;
    for (const [, { data }] of this) for (const one of data) sum += one * one;
    return Math.sqrt(sum);
  }

  /**
   * Gradients that `change` makes of these, e.g. clipped ones.
   *
   * @throws TsunoError `SHAPE` where a shape changes.
   */
  map(change: (gradient: Tensor<'float32'>, variable: Variable) => Tensor<'float32'>): Gradients {
    const values = this.variables.map((variable, i) => {
      const before = this.values[i];
      if (!before) return undefined;
      const after = change(before, variable);
      if (after instanceof Tensor && sameShape(after.shape, variable.shape)) return after;
      throw new TsunoError('SHAPE', {
        where: 'Gradients.map',
        what: `gradient of "${variable.path}"`,
        expected: `of shape ${showShape(variable.shape)}`,
        found: after instanceof Tensor ? showShape(after.shape) : String(after),
      });
    });
    return new Gradients(this.updates, this.variables, values);
  }

  /**
   * The sums with gradients by the same variables, e.g. of another batch.
   *
   * @throws TsunoError `ARGUMENT` where the variables are others.
   */
  plus(other: Gradients): Gradients {
    const same =
      other.variables.length === this.variables.length &&
      other.variables.every((variable, i) => variable === this.variables[i]);
    if (!same) {
      const names = other.variables.map(({ path }) => path);
      throw refuse('Gradients.plus', 'other', 'by the same variables', names);
    }
    const values = this.values.map((mine, i) => {
      const theirs = other.values[i];
      if (!mine || !theirs) return mine ?? theirs;
      const sum = mine.data.map((one, k) => one + theirs.data[k]!);
      return new Tensor('float32', mine.shape, sum);
    });
    return new Gradients(this.updates, this.variables, values);
  }

  /** What `optimizer.apply` does. */
  applyBy(optimizer: Optimizer): Promise<void> {
    return this.updates.apply(optimizer, this);
  }
}

const gradientName = (i: number) => `gradient${i}`;

/** A program that updates `variables`, in their order. */
interface Update {
  session: Session;
  step: StepProgram;
  variables: readonly Variable[];
}

/** The updates by gradients that come from the host, on the engine of one model. */
export class Updates {
  private readonly trainer: Trainer;
  private readonly made = new WeakMap<Optimizer, Update>();
  private readonly snapshot = new Snapshot();

  constructor(trainer: Trainer) {
    this.trainer = trainer;
  }

  /** @throws TsunoError `NONFINITE_INPUT` for a gradient, `NONFINITE_LOSS` where a weight would not be finite. */
  async apply(optimizer: Optimizer, gradients: Gradients): Promise<void> {
    const where = `apply "${optimizer.name}"`;
    const pairs = [...gradients];
    for (const [{ path }, value] of pairs)
      checkFinite(value.reshape([1, -1]), where, `gradient of ${path}`);
    if (pairs.length === 0) throw refuse(where, 'gradients', 'at least one', 'none');
    await this.trainer.training(where, () =>
      this.trainer.inTurn(async () => {
        const session = await this.trainer.open();
        const update = await this.update(session, optimizer, gradients);
        const regions = pairs.map(([, value]) => session.lend(value));
        try {
          const inputs = Object.fromEntries(
            regions.map((region, i) => [gradientName(i), { region }]),
          );
          await runTraining(
            session,
            {
              made: update.step,
              steps: 1,
              inputsFrom: () => inputs,
              finite: [...update.step.program.plan.graph.updates.keys()] as Variable[],
              snapshot: this.snapshot,
              nameOf: () => where,
              progress: undefined,
              signal: undefined,
            },
            (body) => body(),
          );
        } finally {
          session.release(...regions);
        }
      }),
    );
  }

  private async update(
    session: Session,
    optimizer: Optimizer,
    gradients: Gradients,
  ): Promise<Update> {
    const variables = Array.from(gradients, ([variable]) => variable);
    const known = this.made.get(optimizer);
    if (known?.session === session) {
      const same =
        known.variables.length === variables.length &&
        known.variables.every((variable, i) => variable === variables[i]);
      if (same) return known;
      known.step.program.dispose();
    }
    const graph = new Graph();
    const pairs = variables.map((variable, i) => ({
      variable,
      gradient: input(graph, gradientName(i), variable.shape),
    }));
    optimizer.build(gradients.variables);
    optimizer.update(graph, pairs);
    guard(
      graph,
      scalar(pairs[0]!.gradient, 0),
      pairs.map(({ gradient }) => gradient),
    );
    const program = await session.compile(graph, { halt: haltName });
    const step: StepProgram = { program, checked: variables, secondsPerStep: undefined };
    const update = { session, step, variables };
    this.made.set(optimizer, update);
    return update;
  }
}
