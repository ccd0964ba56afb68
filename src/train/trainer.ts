/**
 * @file The trainer of a model: keeps its session and its programs and runs them over columns of data. `fit.ts` has the
 * loop over epochs, `train_run.ts` what happens where a step fails.
 */
import type { EngineOptions } from '../backends/wasm/engine.ts';
import { bytesOf } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { nextSeed } from '../core/seed.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { copyRows, Tensor } from '../core/tensor.ts';
import { isShapeList } from '../layers/layer.ts';
import { type Region, Session } from '../runtime/session.ts';
import type { Network } from '../topology/network.ts';
import { type ColumnNames, type Columns, countOf } from './batches.ts';
import { checkInputs, checkLabels } from './column_checks.ts';
import { Compiled, type CompileOptions } from './compiled.ts';
import { hasBarePixels } from './pixels.ts';
import { Programs, type StepKind, type StepProgram } from './programs.ts';
import { Snapshot } from './snapshot.ts';
import { inputNames, type Randomness, type StepTypes, typesOf } from './step.ts';
import { runTraining } from './train_run.ts';
import { watched } from './watch.ts';

/** Samples to be laid into the engine: columns, and which of their rows; default all. */
export interface Samples {
  columns: Columns;
  rows?: Uint32Array;
}

/** How many samples there are. */
export function countOfSamples({ columns, rows }: Samples): number {
  return rows?.length ?? countOf(columns);
}

/** Samples in the engine. */
export interface LoadedColumns {
  session: Session;
  types: StepTypes;
  count: number;
  /** How many there is room for. */
  capacity: number;
  bindings: Record<string, { region: Region }>;
  /** The numbers 0, 1, …, by which steps find their rows. */
  rows: Region;
}

export interface StepsOptions {
  batch: number;
  /** First sample of the order to visit, and one past the last. */
  from: number;
  to: number;
  progress?: ((stepsDone: number) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Names a step, counted from 0 in this call, in errors. */
  nameOf?: ((step: number) => string) | undefined;
}

export class Trainer {
  readonly network: Network;
  private readonly programs: Programs;
  private compiledNow: Compiled | undefined;
  private session: Promise<Session> | undefined;
  private engineOptions: EngineOptions = {};
  /** The last run asked for: runs wait for each other. */
  private lastRun: Promise<unknown> = Promise.resolve();
  private readonly snapshot = new Snapshot();
  private isTraining = false;
  private isSeeded = false;
  private hasWarned = false;
  /** Calls of {@link close}. */
  private closings = 0;

  constructor(network: Network) {
    this.network = network;
    this.programs = new Programs(network);
  }

  get randomness(): Randomness {
    return this.programs.randomness;
  }

  compile(options: CompileOptions, engine: EngineOptions = {}): void {
    const { network } = this;
    this.compiledNow = new Compiled(options, () =>
      network.kind === 'subclass' && !network.inputSpecs ? undefined : network.outputNames,
    );
    this.programs.forget(true);
    if (JSON.stringify(engine) !== JSON.stringify(this.engineOptions)) this.close();
    this.engineOptions = engine;
  }

  get isCompiled(): boolean {
    return this.compiledNow !== undefined;
  }

  /** @throws TsunoError `STATE` before `compile`. */
  compiled(where: string): Compiled {
    if (this.compiledNow) return this.compiledNow;
    throw new TsunoError('STATE', {
      where: `${where} "${this.network.name}"`,
      what: 'the model',
      expected: 'compiled',
      found: 'no call of compile',
      repair: "Call model.compile({ optimizer: 'adam', loss: … }) first.",
    });
  }

  open(): Promise<Session> {
    this.session ??= Session.open(this.engineOptions).catch((error) => {
      this.session = undefined;
      throw error;
    });
    return this.session;
  }

  /** What the engine runs with; starts it. */
  async engine(): Promise<{ threads: number; arithmetic: string; revectorized: boolean }> {
    const { engine } = await this.open();
    const { threads, arithmetic, revectorized } = engine;
    return { threads, arithmetic, revectorized };
  }

  /** Stops the engine; weights stay. The next call starts another. */
  close(): void {
    const { session } = this;
    this.closings++;
    this.session = undefined;
    this.programs.forget(false);
    session?.then(
      (open) => open.close(),
      () => undefined,
    );
  }

  /** @returns a check that throws `STATE` where the engine has been closed since: its steps would go on in another. */
  untilClosed(where: string): () => void {
    const { closings } = this;
    return () => {
      if (this.closings === closings) return;
      throw new TsunoError('STATE', {
        where: `${where} "${this.network.name}"`,
        what: 'the model',
        expected: 'must stay open until training has ended',
        found: 'a call of close',
        repair: 'Weights are those after a whole step. To stop in good order, give fit a signal.',
      });
    };
  }

  /** What the network calls its columns. */
  get names(): ColumnNames {
    const { inputSpecs, outputNames } = this.network;
    return { inputs: inputSpecs?.map(({ name }) => name), outputs: outputNames };
  }

  /** Where random numbers of training start. */
  seed(seed: number, step: number): void {
    this.randomness.seed.assign([seed | 0]);
    this.randomness.step.assign([step]);
    this.isSeeded = true;
  }

  /** Seeds from the global seed, unless that has been done. */
  seedOnce(): void {
    if (!this.isSeeded) this.seed(nextSeed(), 0);
  }

  /** Runs `body` as the only training of this model. @throws TsunoError `STATE` where another is at work. */
  async training<T>(where: string, body: () => Promise<T>): Promise<T> {
    if (this.isTraining) {
      throw new TsunoError('STATE', {
        where: `${where} "${this.network.name}"`,
        what: 'the model',
        expected: 'must have ended the training before',
        found: 'one in progress',
        repair: 'Await fit.',
      });
    }
    this.isTraining = true;
    try {
      return await body();
    } finally {
      this.isTraining = false;
    }
  }

  /** Makes weights, where the network learns its inputs only now, and checks the data against it. */
  private prepare({ x }: Columns, where: string): void {
    checkInputs(this.network.inputSpecs, x, where);
    if (!this.network.inputSpecs) this.network.build(openShapes(x));
  }

  /**
   * Checks data before anything changes: the inputs, and for a loss the labels.
   *
   * @param rows numbers of the samples, for messages; default 0, 1, …
   * @throws TsunoError where they are not what the network takes.
   */
  check(columns: Columns, kind: StepKind, where: string, rows?: ArrayLike<number>): void {
    this.prepare(columns, where);
    if (kind !== 'predict') this.checkTargets(columns, where, rows);
  }

  /** Says what the user should know, where `compile` was told to. */
  warn(message: string): void {
    const { warn = (text: string) => console.warn(`tsuno: ${text}`) } = this.engineOptions;
    warn(message);
  }

  /** One warning for pixels from 0 to 255 in a model that does not scale them. */
  warnOfPixels({ x }: Columns): void {
    if (this.hasWarned) return;
    if (!hasBarePixels(this.network, x)) return;
    this.hasWarned = true;
    this.warn(
      `[${this.network.name}] x has values above 1, as pixels from 0 to 255 have, and no layer scales them: networks learn better from 0 to 1. Begin the model with layers.rescaling(1 / 255).`,
    );
  }

  /** @throws TsunoError where labels are not what the losses want, before anything changes. */
  private checkTargets({ x, y }: Columns, where: string, rows?: ArrayLike<number>): void {
    const found = this.network.outputShape(openShapes(x));
    const shapes = isShapeList(found) ? found : [found];
    const outputs = shapes.map((shape) => ({
      shape: shape.map((extent) => extent ?? 1),
      dtype: 'float32' as const,
    }));
    checkLabels(this.compiled(where).lossesFor(y, outputs), y, outputs, where, rows);
  }

  /** Compiles what steps of `batch` samples need, also for the smaller batch at the end of `count` like these. */
  async ready(
    kind: StepKind,
    columns: Columns,
    batch: number,
    count = countOf(columns),
  ): Promise<void> {
    const session = await this.open();
    const sizes = [count >= batch ? batch : 0, count % batch].filter((size) => size > 0);
    for (const size of sizes) await this.program(session, kind, typesOf(columns, size));
  }

  private program(session: Session, kind: StepKind, types: StepTypes): Promise<StepProgram> {
    const compiled = kind === 'predict' ? undefined : this.compiled(kind);
    return this.programs.get(session, kind, types, compiled);
  }

  /**
   * Copies samples into the engine, those of one piece behind those of another.
   *
   * @param spent samples that are no longer needed: their memory is used again, or freed.
   */
  async load(pieces: readonly Samples[], spent?: LoadedColumns): Promise<LoadedColumns> {
    const { columns } = pieces[0]!;
    const count = pieces.reduce((sum, piece) => sum + countOfSamples(piece), 0);
    const session = await this.open();
    const types = typesOf(columns, 0);
    const isRoom =
      spent?.session === session &&
      spent.capacity >= count &&
      JSON.stringify(spent.types) === JSON.stringify(types);
    if (spent && !isRoom) this.unload(spent);
    const loaded = isRoom ? { ...spent, count } : this.reserve(session, columns, count);
    const named = pieces.map((piece) => namedColumns(piece.columns));
    for (const [name, { dtype, shape }] of named[0]!) {
      const { region } = loaded.bindings[name]!;
      const target = session.engine.view(region, dtype, [count, ...shape.slice(1)]);
      let at = 0;
      for (const [i, piece] of pieces.entries()) {
        copyRows(named[i]!.get(name)!, piece.rows, target, at);
        at += countOfSamples(piece);
      }
    }
    return loaded;
  }

  /** Room for `count` samples like those of `columns`. */
  private reserve(session: Session, columns: Columns, count: number): LoadedColumns {
    const bindings: LoadedColumns['bindings'] = {};
    const regions: Region[] = [];
    const reserve = (bytes: number) => {
      const region = session.reserve(bytes);
      regions.push(region);
      return region;
    };
    try {
      for (const [name, { dtype, shape }] of namedColumns(columns))
        bindings[name] = { region: reserve(count * sizeOf(shape.slice(1)) * bytesOf(dtype)) };
      const rows = reserve(count * 4);
      const numbers = session.engine.view(rows, 'int32', [count]);
      for (let i = 0; i < count; i++) numbers[i] = i;
      return { session, types: typesOf(columns, 0), count, capacity: count, bindings, rows };
    } catch (error) {
      session.release(...regions);
      throw error;
    }
  }

  unload({ session, bindings, rows }: LoadedColumns): void {
    session.release(rows, ...Object.values(bindings).map(({ region }) => region));
  }

  /** Lets runs of this model wait for each other, so that a prediction in mid-training comes between two stretches. */
  inTurn<T>(body: () => Promise<T>): Promise<T> {
    const run = this.lastRun.then(body, body);
    this.lastRun = run.catch(() => undefined);
    return run;
  }

  /**
   * Trains or tests on samples `from` … `to` of the order, the last batch smaller where they do not divide.
   *
   * @returns the number of steps done; fewer than asked for where the signal aborted.
   * @throws TsunoError `NONFINITE_LOSS` where a step met numbers that are not finite; variables are those before it.
   */
  async runSteps(
    kind: 'train' | 'test',
    data: LoadedColumns,
    options: StepsOptions,
  ): Promise<number> {
    const { batch, from, to, nameOf = () => kind } = options;
    const watch = watched(options);
    const { signal, progress } = watch;
    const whole = Math.floor((to - from) / batch);
    const rest = (to - from) % batch;
    let done = 0;
    try {
      for (const [size, steps, first] of [
        [batch, whole, from],
        [rest, rest > 0 ? 1 : 0, from + whole * batch],
      ] as const) {
        if (steps === 0 || signal?.aborted) continue;
        const made = await this.program(data.session, kind, { ...data.types, batch: size });
        const before = done;
        const run = {
          made,
          steps,
          inputsFrom: (step: number) => rowsOf(data, first + step * size, size),
          progress: progress && ((now: number) => progress(before + now)),
          signal,
        };
        done += await (kind === 'train'
          ? this.train(data.session, { ...run, nameOf: (step) => nameOf(before + step) })
          : this.test(data.session, run));
      }
    } finally {
      watch.release();
    }
    watch.rethrow();
    return done;
  }

  private async train(
    session: Session,
    run: Omit<Parameters<typeof runTraining>[1], 'finite' | 'snapshot'>,
  ): Promise<number> {
    const { updates } = run.made.program.plan.graph;
    const { optimizer } = this.compiled('fit');
    const finite = [...this.network.weights, ...optimizer.variables].filter((variable) =>
      updates.has(variable),
    );
    const { snapshot } = this;
    return runTraining(session, { ...run, finite, snapshot }, (body) => this.inTurn(body));
  }

  private test(
    session: Session,
    { made, steps, inputsFrom, progress, signal }: TestRun,
  ): Promise<number> {
    return this.inTurn(() =>
      session.run(made.program, {
        steps,
        signal,
        inputs: inputsFrom(0),
        ...(progress ? { progress } : {}),
      }),
    );
  }

  /** Predictions for samples `from` … `to` of the order, one tensor an output. */
  async predict(data: LoadedColumns, options: PredictSteps): Promise<Tensor<'float32'>[]> {
    const { batch, from, to } = options;
    const watch = watched(options);
    const { progress, signal } = watch;
    const { session, types } = data;
    const count = to - from;
    const whole = Math.floor(count / batch);
    const rest = count % batch;
    let outputs: PredictedOutput[] | undefined;
    try {
      for (const [size, steps, first] of [
        [batch, whole, 0],
        [rest, rest > 0 ? 1 : 0, whole * batch],
      ] as const) {
        if (steps === 0) continue;
        const { program } = await this.program(session, 'predict', { ...types, batch: size });
        outputs ??= outputsOf(session, program.plan.graph.outputs, count);
        const targets = outputs.map(({ region, row }, i) => [
          inputNames.prediction(i),
          { region, offset: first * row, stride: size * row },
        ]);
        const inputs = { ...rowsOf(data, from + first, size), ...Object.fromEntries(targets) };
        const show = progress && ((now: number) => progress(Math.floor(first / batch) + now));
        await this.inTurn(() =>
          session.run(program, { steps, inputs, signal, ...(show ? { progress: show } : {}) }),
        );
      }
      watch.rethrow();
      return (outputs ?? []).map(({ shape, region }) => {
        const full = [count, ...shape];
        return new Tensor('float32', full, session.engine.view(region, 'float32', full).slice());
      });
    } finally {
      watch.release();
      session.release(...(outputs ?? []).map(({ region }) => region));
    }
  }
}

/** How samples are predicted. */
export type PredictSteps = Pick<StepsOptions, 'batch' | 'from' | 'to' | 'progress'>;

interface TestRun {
  made: StepProgram;
  steps: number;
  inputsFrom(step: number): Parameters<Session['run']>[1]['inputs'];
  progress: ((stepsDone: number) => void) | undefined;
  signal: AbortSignal | undefined;
}

/** Where the rows of one output of all samples are written. */
interface PredictedOutput {
  /** Of one sample. */
  shape: Shape;
  region: Region;
  /** Bytes a sample. */
  row: number;
}

function outputsOf(
  session: Session,
  values: ReadonlyMap<string, { shape: Shape }>,
  count: number,
): PredictedOutput[] {
  return Array.from(values, (_, i) => {
    const shape = values.get(inputNames.prediction(i))!.shape.slice(1);
    const row = sizeOf(shape) * bytesOf('float32');
    return { shape, region: session.reserve(row * count), row };
  });
}

/** The columns by the names of a step's inputs. */
function namedColumns({ x, y, sampleWeights }: Columns): Map<string, Tensor> {
  const named = new Map<string, Tensor>();
  for (const [i, tensor] of x.entries()) named.set(inputNames.x(i), tensor);
  for (const [i, tensor] of y.entries()) named.set(inputNames.y(i), tensor);
  for (const [i, tensor] of sampleWeights.entries())
    if (tensor) named.set(inputNames.weight(i), tensor);
  return named;
}

/** What steps of `size` samples from sample `first` of the order are fed. */
function rowsOf(data: LoadedColumns, first: number, size: number) {
  const rows = { region: data.rows, offset: first * 4, stride: size * 4 };
  return { ...data.bindings, [inputNames.rows]: rows };
}

function openShapes(x: readonly Tensor[]): (number | null)[] | (number | null)[][] {
  const shapes = x.map(({ shape }) => [null, ...shape.slice(1)]);
  return shapes.length === 1 ? shapes[0]! : shapes;
}
