/**
 * @file A function of the user's over values of a graph, traced once for each kind of inputs into one program: forward,
 * gradients, and where an optimizer is given its update. What `fit` does with its own step (`step.ts`), for steps that
 * only their author knows; the doors are in `model/custom_training.ts`.
 */
import { TsunoError } from '../core/errors.ts';
import { Recent } from '../core/recent.ts';
import { sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { checkFinite } from '../data/checks.ts';
import { gradients } from '../grad/gradients.ts';
import { Graph, Value } from '../ir/graph.ts';
import { refuse } from '../layers/checks.ts';
import { Trace, tracing } from '../layers/trace.ts';
import type { Variable } from '../layers/variable.ts';
import { add, cast, input, intAdd, read } from '../ops/index.ts';
import { forwardPasses, runPasses } from '../passes/index.ts';
import type { Session } from '../runtime/session.ts';
import { guard, haltName, healthName } from './health.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import { mostPrograms, type StepProgram } from './programs.ts';
import { Snapshot } from './snapshot.ts';
import { Randomness } from './step.ts';
import { runTraining } from './train_run.ts';
import type { Trainer } from './trainer.ts';

/** What a step is given: tensors, or numbers, which become scalars. */
export type StepInput = Tensor | number;

/** What a traced function answers: a scalar, or a scalar `loss` beside values that are wanted as well. */
export type StepAnswer = Value | { readonly loss: Value; readonly [name: string]: Value };

/** How a function is traced. */
export interface TracedOptions {
  /** Names the door in errors. */
  where: string;
  /** Whether layers behave as in training. */
  training: boolean;
  /** Whether penalties of layers are added to what the function answers. */
  penalties: boolean;
  /** What to differentiate by: variables, asked for at each trace, or the inputs that are floats. */
  wrt: (() => readonly Variable[]) | 'inputs';
  /** Whether gradients may be missing where nothing leads from the loss to a variable. */
  partial: boolean;
  /** Updates the variables within the step. */
  optimizer?: Optimizer;
}

/** What a run of the step gave. */
export interface TracedResult {
  value: number;
  /** In the order of `wrt`; none where an optimizer has used them up. */
  gradients: (Tensor<'float32'> | undefined)[];
  /** The variables of `gradients`. */
  variables: readonly Variable[];
  aux: Record<string, Tensor>;
}

const inputName = (i: number) => `argument${i}`;
const gradientName = (i: number) => `gradient${i}`;
const auxName = (name: string) => `aux ${name}`;
const lossName = 'loss';

/** A program, and what must be as it was when it was traced. */
interface Traced {
  step: StepProgram;
  variables: readonly Variable[];
  /** For each input or variable: whether it has a gradient. */
  reached: readonly boolean[];
  aux: readonly string[];
  /** Whether each variable that the trace read trains. */
  trainable: ReadonlyMap<Variable, boolean>;
}

export class TracedFunction {
  private readonly trainer: Trainer;
  private readonly fn: (...inputs: Value[]) => StepAnswer;
  private readonly options: TracedOptions;
  private readonly randomness: Randomness;
  private readonly snapshot = new Snapshot();
  private readonly made = new Recent<Promise<Traced>>(mostPrograms, (old) => {
    old.then(
      ({ step }) => step.program.dispose(),
      () => undefined,
    );
  });
  private madeIn: Session | undefined;
  private calls = 0;

  constructor(trainer: Trainer, fn: (...inputs: Value[]) => StepAnswer, options: TracedOptions) {
    if (typeof fn !== 'function')
      throw refuse(options.where, 'fn', 'a function of values that gives the loss', fn);
    this.trainer = trainer;
    this.fn = fn;
    this.options = options;
    // Outside of training it draws from steps of its own, so that a run of training goes on as if it had not been.
    const { randomness } = trainer;
    this.randomness = options.training ? randomness : new Randomness(randomness.seed);
  }

  /** @throws TsunoError where the inputs, the function or its gradients cannot be; `NONFINITE_LOSS`. */
  async run(given: readonly StepInput[]): Promise<TracedResult> {
    const { trainer, options } = this;
    const inputs = given.map((one, i) => inputOf(one, i, options.where));
    const body = () =>
      trainer.inTurn(async () => {
        const session = await trainer.open();
        trainer.seedOnce();
        return this.runOnce(session, await this.traced(session, inputs), inputs);
      });
    return options.training ? trainer.training(options.where, body) : body();
  }

  private async traced(session: Session, inputs: readonly Tensor[]): Promise<Traced> {
    if (session !== this.madeIn) this.made.clear();
    this.madeIn = session;
    const key = JSON.stringify(inputs.map(({ dtype, shape }) => [dtype, shape]));
    const known = await this.made.get(key);
    if (known && this.holds(known)) return known;
    known?.step.program.dispose();
    const made = this.make(session, inputs);
    this.made.set(key, made);
    made.catch(() => this.made.delete(key, made));
    return made;
  }

  /** Whether a trace now would be the same: layers may have been frozen or thawed. */
  private holds({ variables, trainable }: Traced): boolean {
    const { wrt } = this.options;
    const wanted = wrt === 'inputs' ? variables : wrt();
    return (
      wanted.length === variables.length &&
      wanted.every((variable, i) => variable === variables[i]) &&
      [...trainable].every(([variable, then]) => variable.trainable === then)
    );
  }

  private async make(session: Session, inputs: readonly Tensor[]): Promise<Traced> {
    const { wrt, optimizer, training } = this.options;
    const { graph: traced, aux } = this.trace(inputs);
    const trainable = new Map(
      Array.from(traced.variables.keys() as Iterable<Variable>, (one) => [one, one.trainable]),
    );
    const graph = runPasses(traced, forwardPasses);
    const loss = graph.outputs.get(lossName)!;
    graph.outputs.delete(lossName);
    const variables = wrt === 'inputs' ? [] : wrt();
    const sources =
      wrt === 'inputs'
        ? inputs.map((_, i) => takeOutput(graph, inputName(i)))
        : variables.map((variable) => graph.variables.get(variable));
    const wanted = sources.filter((value) => value !== undefined);
    const scaled = optimizer ? optimizer.scaleLoss(loss) : loss;
    const found = gradients(scaled, wanted);
    const all = sources.map((value) => value && found[wanted.indexOf(value)]);
    const checked = this.checkReached(all, variables);
    const given = all.filter((gradient) => gradient !== undefined);
    if (optimizer) {
      const pairs = variables.flatMap((variable, i) =>
        all[i] ? [{ variable, gradient: all[i] }] : [],
      );
      optimizer.build(variables);
      optimizer.update(graph, pairs);
    } else {
      all.forEach((gradient, i) => {
        if (gradient) graph.outputs.set(gradientName(i), gradient);
      });
    }
    guard(graph, loss, given);
    if (training || this.draws(graph)) {
      const { step } = this.randomness;
      graph.updates.set(step, intAdd(read(graph, step), 1));
    }
    const program = await session.compile(graph, { halt: haltName });
    const step: StepProgram = { program, checked, secondsPerStep: undefined };
    const reached = all.map((gradient) => gradient !== undefined && !optimizer);
    return { step, variables, reached, aux, trainable };
  }

  /** Runs the function on values. @throws TsunoError `ARGUMENT`, `SHAPE` for answers that cannot be differentiated. */
  private trace(inputs: readonly Tensor[]): { graph: Graph; aux: string[] } {
    const { where, training, penalties, wrt } = this.options;
    const graph = new Graph();
    const values = inputs.map(({ dtype, shape }, i) => input(graph, inputName(i), shape, dtype));
    const random = {
      seed: read(graph, this.randomness.seed),
      step: read(graph, this.randomness.step),
    };
    const trace = new Trace(graph, training, random);
    if (wrt === 'inputs') {
      // Pixels are bytes as a rule; as floats they have gradients.
      values.forEach((value, i) => {
        if (value.dtype === 'uint8') values[i] = cast(value, 'float32');
        graph.outputs.set(inputName(i), values[i]!);
      });
    }
    const aux: string[] = [];
    tracing(trace, () => {
      const { loss, ...others } = answerOf(this.fn(...values), graph, where);
      const added = penalties ? trace.losses.map((one) => cast(one, 'float32')) : [];
      graph.outputs.set(
        lossName,
        added.reduce((sum, one) => add(sum, one), loss),
      );
      for (const [name, value] of Object.entries(others)) {
        graph.outputs.set(auxName(name), value);
        aux.push(name);
      }
    });
    return { graph, aux };
  }

  /** @returns the variables that have gradients. @throws TsunoError `STATE` where none, or too few, do. */
  private checkReached(
    found: readonly (Value | undefined)[],
    variables: readonly Variable[],
  ): Variable[] {
    const { where, partial, wrt } = this.options;
    const fail = (what: string, expected: string, unreached: string, repair: string) =>
      new TsunoError('STATE', { where, what, expected, found: unreached, repair });
    if (found.every((gradient) => gradient === undefined)) {
      const what = wrt === 'inputs' ? 'inputs' : 'trainable weights';
      const repair = 'Use them in fn, and nothing that no gradient flows through.';
      throw fail(what, 'must influence the loss', 'none that do', repair);
    }
    const missing = variables.find((_, i) => found[i] === undefined);
    if (missing && !partial) {
      const repair = 'Freeze its layer, or say { partial: true }.';
      const what = `weight "${missing.path}"`;
      throw fail(what, 'must influence the loss', 'one that does not', repair);
    }
    return variables.filter((_, i) => found[i] !== undefined);
  }

  private draws(graph: Graph): boolean {
    const step = graph.variables.get(this.randomness.step);
    return step !== undefined && graph.nodes.some(({ inputs }) => inputs.includes(step));
  }

  /** One step, alone on the engine, and its results before anyone else's overwrite them. */
  private async runOnce(
    session: Session,
    { step, variables, reached, aux }: Traced,
    inputs: readonly Tensor[],
  ): Promise<TracedResult> {
    const { engine } = session;
    const { graph, inputs: wanted, outputs } = step.program.plan;
    const regions = new Map(
      wanted.map(({ name }) => [name, session.lend(inputs[argumentOf(name)]!)]),
    );
    const bindings = Object.fromEntries(
      Array.from(regions, ([name, region]) => [name, { region }]),
    );
    const call = ++this.calls;
    try {
      const updated = [...graph.updates.keys()] as Variable[];
      await runTraining(
        session,
        {
          made: step,
          steps: 1,
          inputsFrom: () => bindings,
          finite: updated,
          snapshot: this.snapshot,
          nameOf: () => `${this.options.where}, call ${call}`,
          progress: undefined,
          signal: undefined,
        },
        (body) => body(),
      );
      const tensorOf = (name: string): Tensor => {
        const { dtype, shape } = graph.outputs.get(name)!;
        const place = outputs.get(name);
        // What the function was given and hands on lies where it was.
        if (place?.region === 'input')
          return inputs[argumentOf(wanted[place.index]!.name)]!.reshape(shape);
        const data = engine.output(step.program, name).slice();
        return new Tensor(dtype, shape, data as Tensor['data']);
      };
      return {
        value: engine.output(step.program, healthName)[0]!,
        gradients: reached.map((has, i) =>
          has ? (tensorOf(gradientName(i)) as Tensor<'float32'>) : undefined,
        ),
        variables,
        aux: Object.fromEntries(aux.map((name) => [name, tensorOf(auxName(name))])),
      };
    } finally {
      session.release(...regions.values());
    }
  }
}

const argumentOf = (name: string) => Number(name.slice(inputName(0).length - 1));

/** The output `name`, taken off; `undefined` for whole numbers, which have no gradient. */
function takeOutput(graph: Graph, name: string): Value | undefined {
  const value = graph.outputs.get(name)!;
  graph.outputs.delete(name);
  return value.dtype === 'float32' ? value : undefined;
}

function inputOf(given: StepInput, i: number, where: string): Tensor {
  if (typeof given === 'number') return inputOf(numberTensor(given), i, where);
  if (!(given instanceof Tensor)) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: `argument ${i}`,
      expected: 'a Tensor or a number',
      found: describe(given),
      repair: 'Use tensor(values, shape).',
    });
  }
  if (sizeOf(given.shape) === 0) {
    throw new TsunoError('DATA_EMPTY', {
      where,
      what: `argument ${i}`,
      expected: 'must have one element at least',
      found: 'none',
    });
  }
  checkFinite(given.rank === 0 ? given.reshape([1]) : given, where, `argument ${i}`);
  return given;
}

function numberTensor(value: number): Tensor {
  return new Tensor('float32', [], Float32Array.of(value));
}

/** The parts of an answer. @throws TsunoError where it is not a scalar of this trace, alone or among others. */
function answerOf(
  answer: unknown,
  graph: Graph,
  where: string,
): { loss: Value; [name: string]: Value } {
  const parts = answer instanceof Value ? { loss: answer } : answer;
  const isRecord =
    typeof parts === 'object' && parts !== null && 'loss' in parts && !Array.isArray(parts);
  const refusal = (code: 'ARGUMENT' | 'SHAPE', what: string, expected: string, found: string) =>
    new TsunoError(code, {
      where,
      what,
      expected,
      found,
      ...(code === 'SHAPE'
        ? { repair: 'Use ops.reduceMean or ops.reduceSum, or a loss with a reduction.' }
        : {}),
    });
  if (!isRecord)
    throw refusal(
      'ARGUMENT',
      'what fn answers',
      'a scalar value, or { loss, … } with other values',
      describe(answer),
    );
  for (const [name, value] of Object.entries(parts)) {
    const what = name === 'loss' ? 'the loss' : name;
    if (!(value instanceof Value)) throw refusal('ARGUMENT', what, 'a value', describe(value));
    if (value.graph !== graph)
      throw refusal('ARGUMENT', what, 'made in this call of fn', 'a value of another trace');
  }
  const { loss } = parts as { loss: Value };
  if (loss.shape.length > 0 || loss.dtype !== 'float32')
    throw refusal(
      'SHAPE',
      'the loss',
      'a scalar of type float32',
      `[${loss.shape.join(', ')}] of type ${loss.dtype}`,
    );
  return parts as { loss: Value };
}

function describe(value: unknown): string {
  if (value instanceof Promise) return 'a Promise: fn must not be async';
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return `an object with ${Object.keys(value).join(', ') || 'nothing'}`;
  return Array.isArray(value) ? `a list of ${value.length}` : String(value);
}
