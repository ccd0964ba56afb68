/**
 * @file What an optimizer is: variables of its own, and how they and the weights change by the gradients of a step.
 * Clipping, weight decay, accumulation, averages and constraints are here; a class has only its rule for one weight.
 */
import type { DType, TypedArrays } from '../../core/dtype.ts';
import { TsunoError } from '../../core/errors.ts';
import { snakeCase, uniqueName } from '../../core/names.ts';
import type { Shape } from '../../core/shape.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import {
  atLeast,
  finiteNumber,
  flag,
  optional,
  positive,
  rate,
  refuse,
  text,
} from '../../layers/checks.ts';
import { classNameOf } from '../../layers/layer.ts';
import { type Config, isSerialized, type Serialized, serialized } from '../../layers/serialized.ts';
import { Variable } from '../../layers/variable.ts';
import {
  add,
  cast,
  div,
  equal,
  floor,
  intAdd,
  mul,
  read,
  scalar,
  select,
  sub,
} from '../../ops/index.ts';
import * as schedules from '../schedules/index.ts';
import { clipped } from './clipping.ts';

export interface OptimizerOptions {
  /** A number, default that of the class, or a schedule, a function of the iterations. */
  learningRate?: number | schedules.Schedule | Serialized | undefined;
  /** Part of each weight, times the learning rate, that is taken away at each step; default none. */
  weightDecay?: number | null | undefined;
  /** Largest norm of the gradient of each weight; default none. */
  clipnorm?: number | null | undefined;
  /** Largest size of each element of a gradient; default none. */
  clipvalue?: number | null | undefined;
  /** Largest norm of all gradients together; default none. */
  globalClipnorm?: number | null | undefined;
  /** Whether to keep moving averages of the weights, default false. */
  useEma?: boolean | undefined;
  /** How much of the average stays at each step, default 0.99. */
  emaMomentum?: number | undefined;
  /** Steps after which the weights become their averages; default `null`: only at the end of `fit`. */
  emaOverwriteFrequency?: number | null | undefined;
  /** The loss is multiplied by it and the gradients divided; default none. */
  lossScaleFactor?: number | null | undefined;
  /** Number of steps whose gradients are averaged for one update; default none: each step is an update. */
  gradientAccumulationSteps?: number | null | undefined;
  name?: string | undefined;
}

/** A weight, or another state of an update: values by name, `weight` among them. */
export type State = Readonly<Record<string, Value>>;

/** Added and taken away again, it leaves nothing of numbers below 2⁻¹¹⁶, and all of those from 2⁻⁶⁶ on. */
const coarse = 2 ** -92;

/**
 * `x`, or 0 where it is all but 0. A mean that only decays, as those of the weights behind a pixel that is always black,
 * would come to rest among the subnormal numbers, with which processors compute many times slower: an epoch of a dense
 * network on MNIST takes 1.5 times as long. What is left out is less than the rounding of any weight.
 */
function settled(x: Value): Value {
  return sub(add(x, coarse), coarse);
}

/** How one weight and its slots change by its gradient. What the answer leaves out stays as it is. */
export type Rule = (gradient: Value, state: State, variable: Variable) => State;

/** What the rule of every weight shares in a step. */
export interface Step {
  graph: Graph;
  /** A scalar. */
  learningRate: Value;
  /** Number of this update, an `int32` scalar: 1 in the first. */
  count: Value;
  /** Changes a variable of the optimizer that belongs to no weight. */
  update(variable: Variable, value: Value): void;
}

/** A variable for each weight, named by Keras's name for it. */
export interface Slot {
  name: string;
  /** First value of the elements, default 0; or from the weight. */
  initial?: number | ((variable: Variable) => Float32Array);
  /** Default: the weight's. */
  shape?(variable: Variable): Shape;
  /** Which weights have it, default all. */
  of?(variable: Variable): boolean;
  /** Whether Keras calls it by the weight's name alone. */
  unnamed?: true;
}

export interface WeightGradient {
  variable: Variable;
  gradient: Value;
}

/** Gradients with the engine they come from; what `valueAndGrad` gives. */
export interface GradientsToApply {
  applyBy(optimizer: Optimizer): Promise<void>;
}

/**
 * Base of all optimizers; one of yours extends it with `rule`, and with `slots` if it remembers something.
 *
 * @example
 * ```ts no-run
 * class SignDescent extends Optimizer {
 *   static readonly className = 'SignDescent';
 *   constructor(options: OptimizerOptions = {}) {
 *     super('SignDescent', 0.001, options);
 *   }
 *   rule({ learningRate }: Step): Rule {
 *     return (gradient, { weight }) => ({ weight: ops.sub(weight, ops.mul(ops.sign(gradient), learningRate)) });
 *   }
 * }
 * ```
 * @see https://keras.io/api/optimizers/
 */
export abstract class Optimizer {
  readonly name: string;
  /** Number of steps taken. */
  readonly iterations: Variable<'int32'>;
  /** Where the rate is no number but follows the iterations. */
  readonly schedule: schedules.Schedule | undefined;
  readonly weightDecay: number | null;
  readonly gradientAccumulationSteps: number | null;
  readonly lossScaleFactor: number | null;
  private readonly rateVariable: Variable<'float32'> | undefined;
  private readonly options: OptimizerOptions;
  private readonly own: Variable[] = [];
  private readonly averages = new Map<Variable, Variable<'float32'>>();
  private readonly accumulators = new Map<Variable, Variable<'float32'>>();
  private readonly slotsOf = new Map<Variable, Record<string, Variable<'float32'>>>();
  /** Whether the averages stand in the weights, and the weights in the averages. */
  private areSwapped = false;
  private readonly undecayed = new Set<Variable>();
  private undecayedNames: readonly (string | RegExp)[] = [];

  /** @throws TsunoError `ARGUMENT` where an option is impossible. */
  constructor(className: string, learningRate: number, options: OptimizerOptions) {
    const given = optional(text, className, 'name', options.name);
    this.name = given ?? uniqueName(snakeCase(className));
    this.options = options;
    this.checkOptions(options);
    this.weightDecay = optional(finiteNumber, this.name, 'weightDecay', options.weightDecay);
    this.gradientAccumulationSteps = options.gradientAccumulationSteps ?? null;
    this.lossScaleFactor = optional(
      positive,
      this.name,
      'lossScaleFactor',
      options.lossScaleFactor,
    );
    this.iterations = this.scalarVariable('iteration', 'int32', Int32Array.of(0));
    const first = options.learningRate ?? learningRate;
    if (first instanceof schedules.Schedule || isSerialized(first)) {
      this.schedule = schedules.get(first);
    } else {
      const initial = Float32Array.of(finiteNumber(this.name, 'learningRate', first));
      this.rateVariable = this.scalarVariable('learning_rate', 'float32', initial);
    }
  }

  private checkOptions(options: OptimizerOptions): void {
    const { clipnorm, clipvalue, globalClipnorm, useEma } = options;
    const clips = Object.entries({ clipnorm, clipvalue, globalClipnorm })
      .map(([what, clip]) => optional(positive, this.name, what, clip))
      .filter((clip) => clip !== null);
    if (clips.length > 1)
      throw refuse(this.name, 'clipnorm, clipvalue, globalClipnorm', 'one at most', clips);
    const steps = options.gradientAccumulationSteps ?? 2;
    if (!(Number.isInteger(steps) && steps >= 2))
      throw refuse(this.name, 'gradientAccumulationSteps', 'a whole number, at least 2', steps);
    if (!flag(this.name, 'useEma', useEma ?? false)) return;
    rate(this.name, 'emaMomentum', options.emaMomentum ?? 0.99);
    const frequency = options.emaOverwriteFrequency ?? 1;
    if (!(Number.isInteger(frequency) && frequency >= 1))
      throw refuse(this.name, 'emaOverwriteFrequency', 'a positive integer', frequency);
  }

  /**
   * The rate now. Where it is a number it can be set at any time, also between the steps of a run.
   *
   * @throws TsunoError `STATE` on setting where the rate follows a schedule.
   */
  get learningRate(): number {
    return this.rateVariable
      ? this.rateVariable.data[0]!
      : this.schedule!.at(this.iterations.data[0]!);
  }

  set learningRate(value: number) {
    if (!this.rateVariable) {
      throw new TsunoError('STATE', {
        where: this.name,
        what: 'learningRate',
        expected: 'a number from the start to be set',
        found: 'a schedule',
        repair: 'Give the optimizer a number and a LearningRateScheduler callback.',
      });
    }
    this.rateVariable.assign([finiteNumber(this.name, 'learningRate', value)]);
  }

  /** All variables of the optimizer in Keras's order, which files keep: iterations, rate, averages, accumulators, slots. */
  get variables(): readonly Variable[] {
    return this.own;
  }

  get built(): boolean {
    return this.slotsOf.size > 0;
  }

  /** Leaves weights out of weight decay: variables, or all whose path contains a name or matches a pattern. */
  excludeFromWeightDecay(which: {
    variables?: readonly Variable[];
    names?: readonly (string | RegExp)[];
  }): void {
    for (const variable of which.variables ?? []) this.undecayed.add(variable);
    this.undecayedNames = which.names ?? [];
  }

  /** Makes the variables for these weights, once; later calls change nothing. */
  build(variables: readonly Variable[]): void {
    if (this.built) return;
    if (this.options.useEma) {
      for (const variable of variables)
        this.averages.set(variable, this.slotVariable(variable, { name: 'average' }));
    }
    for (const variable of variables) {
      this.slotsOf.set(variable, {});
      if (this.gradientAccumulationSteps) {
        const accumulator = this.slotVariable(variable, { name: 'gradient_accumulator' });
        this.accumulators.set(variable, accumulator);
      }
    }
    for (const group of this.slots()) {
      for (const variable of variables) {
        for (const slot of group) {
          if (slot.of && !slot.of(variable)) continue;
          this.slotsOf.get(variable)![slot.name] = this.slotVariable(variable, slot);
        }
      }
    }
    this.buildOwn();
  }

  /** Slots, in groups: those of a group lie side by side for each weight, one group after another. */
  protected slots(): readonly (readonly Slot[])[] {
    return [];
  }

  /** Makes variables that belong to no weight, after the slots. */
  protected buildOwn(): void {}

  /** What a step does to each weight; scalars that all weights share are made once, outside of the answer. */
  protected abstract rule(step: Step): Rule;

  /** The decay of one weight, `null` for none. */
  protected decayOf(_variable: Variable): number | null {
    return this.weightDecay;
  }

  /** The loss as it must be differentiated. */
  scaleLoss(loss: Value): Value {
    return this.lossScaleFactor === null ? loss : mul(loss, this.lossScaleFactor);
  }

  /**
   * Adds one step to `graph`: notes in `graph.updates` what the weights (held to their constraints) and the
   * optimizer's variables become.
   *
   * @param pairs weights with their gradients; weights without a gradient stay as they are.
   */
  update(graph: Graph, pairs: readonly WeightGradient[]): void {
    this.checkKnown(pairs);
    const iterations = read(graph, this.iterations);
    const due = this.isDue(iterations);
    const set = (variable: Variable, value: Value) => {
      graph.updates.set(variable, due ? select(due, value, read(graph, variable)) : value);
    };
    const updates = this.updatesBefore(iterations);
    const step: Step = {
      graph,
      learningRate: this.currentRate(graph, iterations),
      count: intAdd(updates, 1),
      update: set,
    };
    const gradients = clipped(this.accumulated(graph, pairs, due), this.options);
    const rule = this.rule(step);
    pairs.forEach(({ variable }, i) => {
      const slots = this.slotsOf.get(variable)!;
      const state: Record<string, Value> = { weight: this.decayed(variable, step) };
      for (const [name, slot] of Object.entries(slots)) state[name] = read(graph, slot);
      const after = rule(gradients[i]!, state, variable);
      set(variable, after.weight!);
      for (const [name, slot] of Object.entries(slots))
        if (after[name]) set(slot, settled(after[name]));
    });
    if (this.options.useEma) this.average(graph, updates);
    for (const { variable } of pairs) {
      const { constraint } = variable;
      if (constraint) graph.updates.set(variable, constraint(graph.updates.get(variable)!));
    }
    graph.updates.set(this.iterations, intAdd(iterations, 1));
  }

  private checkKnown(pairs: readonly WeightGradient[]): void {
    const unknown = pairs.find(({ variable }) => !this.slotsOf.has(variable));
    if (!unknown) return;
    throw new TsunoError('STATE', {
      where: this.name,
      what: `weight "${unknown.variable.path}"`,
      expected: 'among those that the optimizer was built with',
      found: this.built ? 'another' : 'an optimizer that is not built',
      repair: 'Compile the model with a new optimizer.',
    });
  }

  private currentRate(graph: Graph, iterations: Value): Value {
    return this.schedule ? this.schedule.value(iterations) : read(graph, this.rateVariable!);
  }

  /** Whether this step ends with an update; `undefined`: every step does. */
  private isDue(iterations: Value): Value | undefined {
    const steps = this.gradientAccumulationSteps;
    if (!steps) return undefined;
    const after = cast(intAdd(iterations, 1), 'float32');
    return equal(mul(floor(div(after, steps)), steps), after);
  }

  /** Number of updates before this step. */
  private updatesBefore(iterations: Value): Value {
    const steps = this.gradientAccumulationSteps;
    return steps ? cast(floor(div(cast(iterations, 'float32'), steps)), 'int32') : iterations;
  }

  /** Gradients without the scale of the loss; those of an update that closes an accumulation are its mean. */
  private accumulated(graph: Graph, pairs: readonly WeightGradient[], due?: Value): Value[] {
    return pairs.map(({ variable, gradient }) => {
      const plain = this.lossScaleFactor === null ? gradient : div(gradient, this.lossScaleFactor);
      if (!due) return plain;
      const accumulator = this.accumulators.get(variable)!;
      const sum = add(plain, read(graph, accumulator));
      graph.updates.set(accumulator, select(due, 0, sum));
      return div(sum, this.gradientAccumulationSteps!);
    });
  }

  private decayed(variable: Variable, { graph, learningRate }: Step): Value {
    const weight = read(graph, variable);
    const decay = this.decayOf(variable);
    if (decay === null || this.isUndecayed(variable)) return weight;
    return sub(weight, mul(mul(weight, decay), learningRate));
  }

  private isUndecayed(variable: Variable): boolean {
    if (this.undecayed.has(variable)) return true;
    return this.undecayedNames.some((name) =>
      typeof name === 'string' ? variable.path.includes(name) : name.test(variable.path),
    );
  }

  /** Averages follow the weights; every so many updates the weights become them. */
  private average(graph: Graph, updates: Value): void {
    const { emaMomentum = 0.99, emaOverwriteFrequency } = this.options;
    const before = cast(updates, 'float32');
    const momentum = select(equal(before, 0), 0, scalar(before, emaMomentum));
    const after = add(before, 1);
    const overwrite = emaOverwriteFrequency
      ? equal(mul(floor(div(after, emaOverwriteFrequency)), emaOverwriteFrequency), after)
      : undefined;
    for (const [variable, average] of this.averages) {
      const weight = graph.updates.get(variable) ?? read(graph, variable);
      const value = add(mul(momentum, read(graph, average)), mul(sub(1, momentum), weight));
      graph.updates.set(average, value);
      if (overwrite) graph.updates.set(variable, select(overwrite, value, weight));
    }
  }

  /**
   * One update of the weights, for training loops of your own.
   *
   * @param gradients what a step of `valueAndGrad` gave; they are divided by `lossScaleFactor`, as in Keras.
   * @throws TsunoError `NONFINITE_INPUT` for a gradient that is not finite, `NONFINITE_LOSS` where a weight would not
   * be; `STATE` for weights that the optimizer does not know. Nothing has changed then.
   * @see https://keras.io/api/optimizers/#apply-method
   */
  apply(gradients: GradientsToApply): Promise<void> {
    return gradients.applyBy(this);
  }

  /** The weights become their averages, and the averages the weights. @returns whether there are averages. */
  swapAverages(): boolean {
    for (const [variable, average] of this.averages) {
      const weight = variable.value();
      variable.assign(average.value());
      average.assign(weight);
    }
    this.areSwapped = !this.areSwapped;
    return this.averages.size > 0;
  }

  /** Takes it that weights and averages, read from a file, have changed places. */
  noteSwapped(): void {
    this.areSwapped = true;
  }

  /** At the end of training the weights become their averages, where there are any, or stay so. */
  finalize(): void {
    for (const [variable, average] of this.averages) {
      if (this.areSwapped) average.assign(variable.value());
      else variable.assign(average.value());
    }
    this.areSwapped = false;
  }

  /** The arguments of the constructor under Keras's names. */
  config(): Config {
    const { options } = this;
    return {
      name: this.name,
      learning_rate: this.schedule ? this.schedule.serialize() : this.learningRate,
      weight_decay: this.weightDecay,
      clipnorm: options.clipnorm ?? null,
      global_clipnorm: options.globalClipnorm ?? null,
      clipvalue: options.clipvalue ?? null,
      use_ema: options.useEma ?? false,
      ema_momentum: options.emaMomentum ?? 0.99,
      ema_overwrite_frequency: options.emaOverwriteFrequency ?? null,
      loss_scale_factor: this.lossScaleFactor,
      gradient_accumulation_steps: this.gradientAccumulationSteps,
    };
  }

  /** As Keras writes it into a model's file. */
  serialize(): Serialized {
    const className = classNameOf(this.constructor as { name: string; className?: string });
    return serialized('keras.optimizers', className, this.config());
  }

  /** A new scalar of the optimizer. */
  protected scalarVariable<D extends DType>(
    name: string,
    dtype: D,
    initial: TypedArrays[D],
  ): Variable<D> {
    const variable = new Variable({ name, shape: [], dtype, trainable: false, initial });
    variable.path = `${this.name}/${name}`;
    this.own.push(variable as unknown as Variable);
    return variable;
  }

  private slotVariable(variable: Variable, slot: Slot): Variable<'float32'> {
    const shape = slot.shape ? slot.shape(variable) : variable.shape;
    const name = slot.unnamed
      ? variable.name
      : `${variable.path.replaceAll('/', '_')}_${slot.name}`;
    const made = new Variable({ name, shape, dtype: 'float32', trainable: false });
    if (typeof slot.initial === 'function') made.assign(slot.initial(variable));
    else if (slot.initial) made.hostData.fill(slot.initial);
    made.path = `${this.name}/${name}`;
    this.own.push(made);
    return made;
  }
}

/** A number at least 0. */
export function notNegative(where: string, what: string, value: number): number {
  return atLeast(where, what, value, 0);
}
