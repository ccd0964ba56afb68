/**
 * @file Trying and comparing: variants of a network, or of how it is trained, over several seeds. All variants get seed
 * after seed, so that what is there when it is stopped can be compared.
 */
import { show, TsunoError } from '../core/errors.ts';
import { nextSeed, setRandomSeed } from '../core/seed.ts';
import { Model } from '../model/model.ts';
import { Callback, type Logs } from '../train/callback.ts';
import { onInterrupt } from '../train/interrupt.ts';
import { Comparison } from './comparison.ts';
import { LiveTable, type Shown } from './live_table.ts';
import {
  type CompareOptions,
  choicesOf,
  newOptimizer,
  type Plan,
  planOf,
  type Variant,
} from './options.ts';
import type { RunFailure, RunResult, VariantResult } from './results.ts';
import type { Running } from './table.ts';

/**
 * Trains each variant with each seed and says which is better, and how sure that is.
 *
 * Runs are paired: with the same seed all variants see the samples in the same order, and weights of the same shape and
 * place in the network begin with the same draw. On a terminal one table is redrawn in place, elsewhere each run leaves a
 * line; the table with mean ± standard deviation over the seeds and what it says in words come last. A variant that
 * cannot be built or diverges becomes a row with its reason. Ctrl-C, or the signal, ends the run at hand and gives what
 * there is.
 *
 * A difference is called one where Welch's t interval over the seeds, for what is monitored after the last epoch, does not
 * hold 0; see {@link Comparison}. Two seeds hardly ever show a difference, three show large ones, five are better.
 *
 * @param variants each a name, a function that builds a model, and what it has of its own of the options below.
 * @param options `training` and `validation` data, `seeds` (default 3), `epochs` (default 5), `batchSize` (as in `fit`),
 * `optimizer` (default `'adam'`), `loss`, `metrics`, `monitor` (default `val_accuracy`), `baseline` (default the first).
 * @returns rows, differences, `best`, `history`, `table()`, `chart()`.
 * @throws TsunoError `ARGUMENT` where the options cannot be; for a `monitor` that there is not, after the first run.
 * @example
 * ```ts
 * const build = (filters: number) => () =>
 *   new Sequential([
 *     Input({ shape: [28, 28, 1] }),
 *     layers.conv2d(filters, 3, { activation: 'relu' }),
 *     layers.globalAveragePooling2d(),
 *     layers.dense(10, { activation: 'softmax' }),
 *   ]);
 * const found = await compare(
 *   [
 *     { name: 'narrow', model: build(4) },
 *     { name: 'wide', model: build(8), optimizer: 'sgd', learningRate: 0.1 },
 *   ],
 *   { training, validation, epochs: 1, seeds: 2, verbose: 0 },
 * );
 * found.variants.map(({ parameters }) => parameters); // [90,170]
 * ```
 */
export async function compare(
  variants: readonly Variant[],
  options: CompareOptions,
): Promise<Comparison> {
  const run = new Runs(planOf(variants, options));
  // The random numbers of the program go on as if two had been drawn.
  const seedAfter = nextSeed();
  const interrupt = onInterrupt(options.signal);
  try {
    return await run.all(interrupt.signal);
  } finally {
    interrupt.release();
    setRandomSeed(seedAfter);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Row = Mutable<Omit<VariantResult, 'runs'>> & { runs: RunResult[] };

class Runs {
  private readonly plan: Plan;
  private readonly rows: Row[];
  private readonly live: LiveTable | undefined;
  private running: Running | undefined;
  private direction: 'up' | 'down' | undefined;
  private monitor: string | undefined;
  private interrupted = false;

  constructor(plan: Plan) {
    this.plan = plan;
    this.rows = plan.variants.map((variant) => ({
      name: variant.name,
      parameters: undefined,
      epochs: choicesOf(variant, plan.options).epochs,
      runs: [],
    }));
    this.live = plan.options.verbose === 0 ? undefined : new LiveTable();
  }

  async all(signal: AbortSignal): Promise<Comparison> {
    for (const seed of this.plan.seeds) {
      for (const [i, variant] of this.plan.variants.entries()) {
        if (signal.aborted) break;
        const row = this.rows[i]!;
        // What could not be built with one seed cannot with another.
        const isHopeless = row.parameters === undefined && row.runs.length > 0;
        if (isHopeless) continue;
        const result = await this.one(variant, row, seed, signal);
        this.running = undefined;
        row.runs.push(result);
        this.checkMonitor(result);
        this.live?.ended(this.shown(), row);
      }
    }
    this.interrupted = signal.aborted;
    const comparison = this.comparison();
    this.live?.finish(comparison.table());
    return comparison;
  }

  private async one(
    variant: Variant,
    row: Row,
    seed: number,
    signal: AbortSignal,
  ): Promise<RunResult> {
    const { options } = this.plan;
    const { training, validation, threads } = options;
    const watcher = new Watcher((now) => this.see(row.name, seed, now));
    const started = performance.now();
    let model: Model | undefined;
    const result = (failure?: RunFailure): RunResult => ({
      seed,
      epoch: watcher.epoch,
      history: watcher.history,
      msPerStep: model?.history?.msPerStep ?? 0,
      seconds: (performance.now() - started) / 1000,
      complete: !failure && model?.history?.interrupted === false,
      ...(failure ? { failure } : {}),
    });
    try {
      const choices = choicesOf(variant, options);
      setRandomSeed(seed);
      model = checkedModel(variant, variant.model());
      const optimizer = newOptimizer(choices.optimizer, choices.learningRate);
      const { loss, metrics, batchSize, epochs } = choices;
      // Messages would tear the table; what is wrong with the data shows in the numbers.
      const quiet = this.live ? { warn: () => undefined } : {};
      model.compile({ optimizer, loss, metrics, threads, ...quiet });
      watcher.onReady = (built) => {
        row.parameters = built.countParams();
        this.learn(built);
      };
      await model.fit(training, {
        validationData: validation,
        epochs,
        batchSize,
        seed,
        signal,
        verbose: 0,
        callbacks: [...choices.callbacks(), watcher.of(model)],
      });
      return result();
    } catch (error) {
      row.parameters ??= model?.weights.length ? model.countParams() : undefined;
      return result(failureOf(error));
    } finally {
      model?.close();
    }
  }

  private learn(model: Model): void {
    if (this.direction) return;
    const { monitor } = this.plan.options;
    if (monitor) this.direction = model.directionOf(monitor.replace(/^val_/, ''));
  }

  /** @throws TsunoError `ARGUMENT` where what should decide is not there: better now than after the last run. */
  private checkMonitor({ complete, history }: RunResult): void {
    const { monitor } = this.plan.options;
    if (!complete || monitor === undefined || monitor in history) return;
    throw new TsunoError('ARGUMENT', {
      where: 'compare',
      what: 'monitor',
      expected: `one of ${Object.keys(history).join(', ')}`,
      found: show(monitor),
    });
  }

  /** A run has come to a new point. */
  private see(variant: string, seed: number, now: Omit<Running, 'variant' | 'seed'>): void {
    this.running = { variant, seed, ...now };
    this.live?.update(this.shown());
  }

  private get decides(): string {
    const { monitor } = this.plan.options;
    if (monitor) return monitor;
    if (this.monitor) return this.monitor;
    const names = this.rows.flatMap(({ runs }) =>
      runs.flatMap(({ history }) => Object.keys(history)),
    );
    const known = names.length > 0;
    const found = ['val_accuracy', 'val_loss'].find((name) => names.includes(name));
    if (known) this.monitor = found ?? names[0];
    return this.monitor ?? 'val_accuracy';
  }

  private comparison(): Comparison {
    const { baseline, confidence, seeds } = this.plan;
    const monitor = this.decides;
    const direction = this.direction ?? (/loss|error/.test(monitor) ? 'down' : 'up');
    const { rows: variants, interrupted } = this;
    return new Comparison({
      variants,
      monitor,
      direction,
      baseline,
      confidence,
      seeds,
      interrupted,
    });
  }

  private shown(): Shown {
    const { plan, rows, running } = this;
    const seeds = plan.seeds.length;
    const ended = rows.reduce((sum, { runs }) => sum + runs.length, 0);
    const hopeless = rows.filter(
      ({ parameters, runs }) => parameters === undefined && runs.length > 0,
    );
    const all = rows.length * seeds - hopeless.length * (seeds - 1);
    const part = running
      ? (running.epoch + (running.steps > 0 ? running.step / running.steps : 0)) /
        Math.max(1, rows.find(({ name }) => name === running.variant)!.epochs)
      : 0;
    const comparison = this.comparison();
    return {
      variants: rows,
      options: { monitor: comparison.monitor, running, seeds, best: comparison.best?.name },
      done: Math.min(1, (ended + part) / all),
      runs: { ended, all },
    };
  }
}

/** Follows a run for the table, and keeps its history also where it fails. */
class Watcher extends Callback {
  readonly epoch: number[] = [];
  readonly history: Record<string, number[]> = {};
  /** Called when the model has its weights. */
  onReady: (model: Model) => void = () => undefined;
  private readonly told: (now: Omit<Running, 'variant' | 'seed'>) => void;
  private logs: Logs = {};
  private isTesting = false;
  private subject: Model | undefined;

  constructor(told: (now: Omit<Running, 'variant' | 'seed'>) => void) {
    super();
    this.told = told;
  }

  of(model: Model): this {
    this.subject = model;
    return this;
  }

  override onTrainBegin(): void {
    if (this.subject) this.onReady(this.subject);
    this.tell(0);
  }

  override onTestBegin(): void {
    this.isTesting = true;
  }

  override onTestEnd(): void {
    this.isTesting = false;
  }

  override onProgress(step: number, logs: Logs): void {
    if (this.isTesting) return;
    this.logs = { ...this.logs, ...logs };
    this.tell(step);
  }

  override onEpochEnd(epoch: number, logs: Logs): void {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      this.history[name] ??= [];
      this.history[name].push(value);
    }
    this.logs = { ...logs };
    this.tell(0);
  }

  private tell(step: number): void {
    this.told({ epoch: this.epoch.length, step, steps: this.params.steps, logs: this.logs });
  }
}

function checkedModel(variant: Variant, model: unknown): Model {
  if (model instanceof Model) return model;
  throw new TsunoError('ARGUMENT', {
    where: `compare, variant "${variant.name}"`,
    what: 'what model() gives',
    expected: 'a Model or Sequential',
    found: show(model),
  });
}

function failureOf(error: unknown): RunFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof TsunoError ? error.code : undefined, message };
}
