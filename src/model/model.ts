/**
 * @file The model: a network with doors to training and use. Each method is a line or a few; the work is in `topology`,
 * `train`, `callbacks` and `plots`.
 *
 * @see https://keras.io/api/models/
 */
import type { EngineOptions } from '../backends/wasm/engine.ts';
import { History } from '../callbacks/history.ts';
import { Progbar } from '../callbacks/progbar.ts';
import { ProgbarLogger, writeOut } from '../callbacks/progbar_logger.ts';
import { terminal } from '../callbacks/terminal.ts';
import { Tensor } from '../core/tensor.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Layer } from '../layers/layer.ts';
import { registerLayer } from '../layers/registry.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { ModelDescription } from '../plots/description.ts';
import { type SummaryOptions, summaryText } from '../plots/summary.ts';
import { Network, type NetworkOptions } from '../topology/network.ts';
import { batchSizeOf, columnsOf, type Tensors } from '../train/batches.ts';
import type { Callback, Logs } from '../train/callback.ts';
import type { Compiled, CompileOptions } from '../train/compiled.ts';
import { type EvaluateOptions, evaluate, type FitOptions, fit } from '../train/fit.ts';
import type { Optimizer } from '../train/optimizers/optimizer.ts';
import { Trainer } from '../train/trainer.ts';
import { describeNetwork } from './describe.ts';

/** What `compile` takes: Keras's options, and those of the engine. */
export interface ModelCompileOptions extends CompileOptions, EngineOptions {}

export interface PredictOptions {
  /** Samples a step; default 32. */
  batchSize?: number | undefined;
  /** Default 0: silent. 1: a progress bar. */
  verbose?: 0 | 1 | 2 | undefined;
}

export interface ModelSummaryOptions extends SummaryOptions {
  /** Where the text goes; default the console. */
  printFn?: (text: string) => void;
}

/**
 * A model from symbolic inputs and outputs, or a class of yours with `call`.
 *
 * @example
 * ```ts
 * const inputs = Input({ shape: [28, 28, 1] });
 * const x = layers.flatten()(layers.conv2d(8, 3, { activation: 'relu' })(inputs));
 * const model = new Model({ inputs, outputs: layers.dense(10, { activation: 'softmax' })(x) });
 * model.countParams(); // 54170
 * ```
 */
export class Model extends Network {
  static override readonly className: string = 'Model';
  /** Set by callbacks to end training. */
  stopTraining = false;
  readonly #trainer: Trainer = new Trainer(this);

  /**
   * Settles how the model is trained.
   *
   * @param options optimizer (default `'rmsprop'`), loss, metrics; `threads` (default: all processors, at most 8) and
   * `arithmetic` of the engine.
   * @throws TsunoError `ARGUMENT` for names that do not exist.
   */
  compile(options: ModelCompileOptions): void {
    const {
      threads,
      arithmetic,
      watchdog,
      warn = (message) => console.warn(`tsuno: ${message}`),
      ...training
    } = options;
    this.#trainer.compile(training, {
      ...(threads === undefined ? {} : { threads }),
      ...(arithmetic === undefined ? {} : { arithmetic }),
      ...(watchdog === undefined ? {} : { watchdog }),
      warn,
    });
  }

  /** What `compile` settled; `undefined` before. */
  get compiled(): Compiled | undefined {
    return this.#trainer.isCompiled ? this.#trainer.compiled('model') : undefined;
  }

  /** The optimizer that `compile` settled. @throws TsunoError `STATE` before `compile`. */
  get optimizer(): Optimizer {
    return this.#trainer.compiled('optimizer').optimizer;
  }

  /**
   * Trains the model.
   *
   * @param data a data set, or inputs with `y` in the options.
   * @returns losses and metrics by epoch. Ctrl-C ends it after the step at hand.
   * @throws TsunoError for impossible data before anything changes; `NONFINITE_LOSS` where training diverges.
   */
  async fit(data: Dataset | Tensors, options: FitOptions = {}): Promise<History> {
    const history = new History();
    const shown: Callback[] = options.verbose === 0 ? [] : [new ProgbarLogger()];
    const callbacks = [history, ...(options.callbacks ?? []), ...shown];
    await fit(this.#trainer, this, data, { ...options, callbacks });
    return history;
  }

  /** Loss and metrics on data, by name. @throws TsunoError for impossible data. */
  async evaluate(data: Dataset | Tensors, options: EvaluateOptions = {}): Promise<Logs> {
    const samples =
      data instanceof Tensor
        ? data.length
        : Array.isArray(data)
          ? data[0].length
          : (data as Dataset).length;
    const bar = progressBar(Math.ceil(samples / (options.batchSize ?? 32)), options.verbose ?? 1);
    const logs = await evaluate(this.#trainer, data, options, (step, now) =>
      bar?.update(step, now),
    );
    bar?.finish(logs);
    return logs;
  }

  /**
   * What the model gives for `x`, all samples together.
   *
   * @returns a tensor `[n, …]`.
   * @throws TsunoError for impossible data, or `UNSUPPORTED` for a model of several outputs: use {@link predictAll}.
   */
  async predict(x: Tensors, options: PredictOptions = {}): Promise<Tensor<'float32'>> {
    const outputs = await this.predictAll(x, options);
    return outputs[0]!;
  }

  /** As {@link predict}, one tensor for each output. */
  async predictAll(x: Tensors, options: PredictOptions = {}): Promise<Tensor<'float32'>[]> {
    const batch = batchSizeOf(options.batchSize, 'predict');
    const columns = columnsOf(x, {}, 'predict');
    this.#trainer.prepare(columns, 'predict');
    const bar = progressBar(Math.ceil(columns.x[0]!.length / batch), options.verbose ?? 0);
    const outputs = await this.#trainer.predict(columns, batch, (step) => bar?.update(step));
    bar?.finish();
    return outputs;
  }

  /**
   * What this model runs on; starts its engine where it has none yet.
   *
   * @returns `threads`, fewer than asked for where memory cannot be shared, and `arithmetic`, `'fused'` or `'portable'`.
   * @throws TsunoError `UNSUPPORTED` without WebAssembly SIMD, `COMPILE` where the page's policy forbids WebAssembly.
   * @example
   * ```ts
   * model.compile({ loss: 'mse', threads: 1 });
   * (await model.engine()).threads; // 1
   * ```
   */
  engine(): Promise<{ threads: number; arithmetic: string }> {
    return this.#trainer.engine();
  }

  /** Everything a summary or diagram shows. */
  describe(): ModelDescription {
    const optimizer = this.#trainer.isCompiled ? this.optimizer : undefined;
    return describeNetwork(this, optimizer?.built ? optimizer.variables : undefined);
  }

  /** Prints Keras's table of layers. */
  summary(options: ModelSummaryOptions = {}): void {
    const { printFn = (text) => console.log(text), ...rest } = options;
    const { columns, colour } = terminal();
    printFn(
      summaryText(this.describe(), { columns, colour: options.printFn ? false : colour, ...rest }),
    );
  }

  /** Stops the threads of this model; weights stay, and the next use starts others. */
  close(): void {
    this.#trainer.close();
  }
}

function progressBar(target: number, verbose: 0 | 1 | 2): Progbar | undefined {
  if (verbose === 0) return undefined;
  return new Progbar({ target, verbose, write: writeOut, isTerminal: terminal().isTerminal });
}

export interface SequentialOptions {
  name?: string;
}

/**
 * A stack of layers.
 *
 * @example
 * ```ts
 * const model = new Sequential([Input({ shape: [4] }), layers.dense(3)]);
 * model.countParams(); // 15
 * ```
 * @see https://keras.io/api/models/sequential/
 */
export class Sequential extends Model {
  static override readonly className: string = 'Sequential';

  constructor(
    stack: readonly (Layer | SymbolicTensor)[] | NetworkOptions = [],
    options: SequentialOptions = {},
  ) {
    super(
      Array.isArray(stack)
        ? { layers: stack, ...options }
        : { layers: [], ...(stack as NetworkOptions) },
    );
  }

  /** Appends a layer. */
  add(layer: Layer | SymbolicTensor): void {
    this.addLayer(layer);
  }

  /** Takes the last layer off. */
  pop(): Layer {
    return this.popLayer();
  }
}

registerLayer(Model, 'Functional');
registerLayer(Sequential, 'Sequential');
