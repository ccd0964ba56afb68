/**
 * @file The trainer of a model: keeps its session, its programs (one for each kind of step and batch size) and runs them
 * over columns of data. `fit.ts` has the loop over epochs.
 */
import type { EngineOptions } from '../backends/wasm/engine.ts';
import { bytesOf } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Variable } from '../layers/variable.ts';
import { type Program, type Region, Session } from '../runtime/session.ts';
import type { Network } from '../topology/network.ts';
import { type Columns, checkInputs, checkLabels } from './batches.ts';
import { Compiled, type CompileOptions } from './compiled.ts';
import { haltName, healthName } from './health.ts';
import {
  inputNames,
  predictStep,
  Randomness,
  type StepTypes,
  testStep,
  trainStep,
  typesOf,
} from './step.ts';

/** Data in the engine, with the order in which rows are visited. */
export interface LoadedColumns {
  columns: Columns;
  count: number;
  bindings: Record<string, { region: Region; stride?: number }>;
  rows: Region;
}

export interface StepsOptions {
  batch: number;
  /** First sample of the order to visit, and one past the last. */
  from: number;
  to: number;
  progress?: ((stepsDone: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

interface TrainProgram {
  program: Program;
  checked: readonly Variable[];
}

export class Trainer {
  readonly network: Network;
  readonly randomness = new Randomness();
  private compiledNow: Compiled | undefined;
  private session: Promise<Session> | undefined;
  private readonly programs = new Map<string, Promise<TrainProgram>>();
  private engineOptions: EngineOptions = {};
  private structure = '';

  constructor(network: Network) {
    this.network = network;
  }

  compile(options: CompileOptions, engine: EngineOptions = {}): void {
    this.compiledNow = new Compiled(options, this.network.outputNames);
    this.forgetPrograms();
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
    this.session ??= Session.open(this.engineOptions);
    return this.session;
  }

  /** What the engine runs with; starts it. */
  async engine(): Promise<{ threads: number; arithmetic: string }> {
    const { engine } = await this.open();
    return { threads: engine.threads, arithmetic: engine.arithmetic };
  }

  /** Stops the engine; weights stay. The next call starts another. */
  close(): void {
    const session = this.session;
    this.session = undefined;
    this.programs.clear();
    session?.then((open) => open.close());
  }

  private forgetPrograms(): void {
    for (const program of this.programs.values())
      program.then(
        (made) => made.program.dispose(),
        () => undefined,
      );
    this.programs.clear();
  }

  /** Makes weights, where the network learns its inputs only now, and checks the data against it. */
  prepare({ x }: Columns, where: string): void {
    checkInputs(this.network.inputSpecs, x, where);
    if (!this.network.inputSpecs) {
      const shapes = x.map(({ shape }) => [null, ...shape.slice(1)]);
      this.network.build(shapes.length === 1 ? shapes[0]! : shapes);
    }
  }

  /** @throws TsunoError where labels are not what the losses want, before anything changes. */
  checkTargets(columns: Columns, where: string): void {
    const shapes = columns.x.map(({ shape }) => [null, ...shape.slice(1)]);
    const outputs = this.network.outputShape(shapes.length === 1 ? shapes[0]! : shapes);
    const list = (Array.isArray(outputs[0]) ? outputs : [outputs]) as (readonly (
      | number
      | null
    )[])[];
    const yPred = list.map((shape) => ({
      shape: shape.map((extent) => extent ?? 1),
      dtype: 'float32' as const,
    }));
    const losses = this.compiled(where).lossesFor(columns.y, yPred);
    checkLabels(losses, columns.y, yPred, where);
  }

  async load(columns: Columns): Promise<LoadedColumns> {
    const session = await this.open();
    const { x, y, sampleWeight } = columns;
    const bindings: LoadedColumns['bindings'] = {};
    const regions: Region[] = [];
    const bind = (name: string, tensor: Tensor) => {
      const region = session.lend(tensor);
      regions.push(region);
      bindings[name] = { region };
    };
    try {
      x.forEach((tensor, i) => {
        bind(inputNames.x(i), tensor);
      });
      y.forEach((tensor, i) => {
        bind(inputNames.y(i), tensor);
      });
      if (sampleWeight) bind(inputNames.weight, sampleWeight);
      const count = x[0]!.length;
      const rows = session.reserve(count * 4);
      const loaded = { columns, count, bindings, rows };
      await this.order(
        loaded,
        Uint32Array.from({ length: count }, (_, i) => i),
      );
      return loaded;
    } catch (error) {
      session.release(...regions);
      throw error;
    }
  }

  /** Sets the order in which rows are visited. */
  async order({ rows }: LoadedColumns, order: Uint32Array): Promise<void> {
    const { engine } = await this.open();
    engine.view(rows, 'int32', [order.length]).set(order);
  }

  async unload({ bindings, rows }: LoadedColumns): Promise<void> {
    const session = await this.open();
    session.release(rows, ...Object.values(bindings).map(({ region }) => region));
  }

  private program(kind: 'train' | 'test' | 'predict', types: StepTypes): Promise<TrainProgram> {
    this.noticeStructure();
    const key = JSON.stringify([kind, types]);
    const known = this.programs.get(key);
    if (known) return known;
    const made = this.makeProgram(kind, types);
    this.programs.set(key, made);
    made.catch(() => this.programs.delete(key));
    return made;
  }

  /** Freezing or thawing layers changes what a training step is. */
  private noticeStructure(): void {
    const structure = this.network.trainableWeights.map(({ path }) => path).join();
    if (structure !== this.structure) this.forgetPrograms();
    this.structure = structure;
  }

  private async makeProgram(
    kind: 'train' | 'test' | 'predict',
    types: StepTypes,
  ): Promise<TrainProgram> {
    const session = await this.open();
    if (kind === 'predict') {
      const graph = predictStep(this.network, types);
      return {
        program: await session.compile(graph, { streamed: [...graph.outputs.keys()] }),
        checked: [],
      };
    }
    const compiled = this.compiled(kind);
    if (kind === 'test') {
      return {
        program: await session.compile(testStep(this.network, compiled, types, this.randomness)),
        checked: [],
      };
    }
    const { graph, checked } = trainStep(this.network, compiled, types, this.randomness);
    return { program: await session.compile(graph, { halt: haltName }), checked };
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
    const { batch, from, to, signal } = options;
    const session = await this.open();
    const whole = Math.floor((to - from) / batch);
    const rest = (to - from) % batch;
    const parts = [
      { size: batch, steps: whole, offset: from * 4 },
      { size: rest, steps: rest > 0 ? 1 : 0, offset: (from + whole * batch) * 4 },
    ];
    let done = 0;
    for (const { size, steps, offset } of parts) {
      if (steps === 0 || signal?.aborted) continue;
      const { program, checked } = await this.program(kind, typesOf(data.columns, size));
      const before = done;
      const rows = { region: data.rows, offset, stride: size * 4 };
      const ran = await session.run(program, {
        steps,
        signal,
        inputs: { ...data.bindings, [inputNames.rows]: rows },
        ...(options.progress ? { progress: (now: number) => options.progress!(before + now) } : {}),
      });
      done += ran;
      if (kind === 'train') this.checkHealth(session, program, checked, before + ran);
    }
    return done;
  }

  private checkHealth(
    session: Session,
    program: Program,
    checked: readonly Variable[],
    step: number,
  ): void {
    const halted = session.engine.output(program, haltName)[0] !== 0;
    if (!halted) return;
    const health = Float32Array.from(session.engine.output(program, healthName));
    const sick = checked.findLast((_, i) => !Number.isFinite(health[i + 1]!));
    throw new TsunoError('NONFINITE_LOSS', {
      where: `fit "${this.network.name}", step ${step}`,
      what: Number.isFinite(health[0]!) ? `the gradient of ${sick?.path}` : 'the loss',
      expected: 'finite',
      found: Number.isFinite(health[0]!)
        ? String(health[checked.indexOf(sick!) + 1])
        : String(health[0]),
      repair: `Weights are those before the step.${sick ? ` The first gradient that is not finite is that of ${sick.path}.` : ''} Try a smaller learning rate.`,
    });
  }

  /** Predictions for all rows, one tensor an output. */
  async predict(
    columns: Columns,
    batch: number,
    progress?: (stepsDone: number) => void,
  ): Promise<Tensor<'float32'>[]> {
    const session = await this.open();
    const data = await this.load(columns);
    const sinks: Region[] = [];
    try {
      const outputs: { shape: readonly number[]; region: Region; row: number }[] = [];
      const whole = Math.floor(data.count / batch);
      const rest = data.count % batch;
      for (const [size, steps, first] of [
        [batch, whole, 0],
        [rest, rest > 0 ? 1 : 0, whole * batch],
      ] as const) {
        if (steps === 0) continue;
        const { program } = await this.program('predict', typesOf(columns, size));
        program.plan.graph.outputs.forEach((value, name) => {
          const i = Number(name.replace(/\D+/g, ''));
          if (outputs[i]) return;
          const row = sizeOf(value.shape.slice(1)) * bytesOf(value.dtype);
          const region = session.reserve(row * data.count);
          sinks.push(region);
          outputs[i] = { shape: value.shape.slice(1), region, row };
        });
        const targets = outputs.map(({ region, row }, i) => [
          inputNames.prediction(i),
          { region, offset: first * row, stride: size * row },
        ]);
        const rows = { region: data.rows, offset: first * 4, stride: size * 4 };
        await session.run(program, {
          steps,
          inputs: { ...data.bindings, [inputNames.rows]: rows, ...Object.fromEntries(targets) },
          ...(progress ? { progress: (now: number) => progress(first / batch + now) } : {}),
        });
      }
      return outputs.map(({ shape, region }) => {
        const full = [data.count, ...shape];
        return new Tensor('float32', full, session.engine.view(region, 'float32', full).slice());
      });
    } finally {
      session.release(...sinks);
      await this.unload(data);
    }
  }
}
