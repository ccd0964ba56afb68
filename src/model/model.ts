/**
 * @file The model: a network with doors to training and use. Each method is a line or a few; the work is in `topology`,
 * `train`, `callbacks` and `plots`.
 *
 * @see https://keras.io/api/models/
 */
import type { EngineOptions } from '../backends/wasm/engine.ts';
import { History } from '../callbacks/history.ts';
import { ProgbarLogger } from '../callbacks/progbar_logger.ts';
import { terminal } from '../callbacks/terminal.ts';
import { internal, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { Dataset } from '../data/dataset.ts';
import type { Layer } from '../layers/layer.ts';
import { registerLayer } from '../layers/registry.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { ModelDescription } from '../plots/description.ts';
import { type SummaryOptions, summaryText } from '../plots/summary.ts';
import type { LoadOptions } from '../saving/keras_file.ts';
import { configLimits, modelConfig, modelFromConfig } from '../saving/model_config.ts';
import {
  exportModel,
  loadWeights,
  type SaveOptions,
  saveModel,
  saveWeights,
} from '../saving/model_files.ts';
import { parseJson } from '../saving/strict_json.ts';
import type { LoadRules } from '../saving/weights.ts';
import { Network, type NetworkOptions } from '../topology/network.ts';
import type { SerializedLayer } from '../topology/network_config.ts';
import type { Data, Tensors } from '../train/batches.ts';
import { type Callback, CallbackList, type Logs } from '../train/callback.ts';
import type { Compiled, CompileOptions } from '../train/compiled.ts';
import type { Direction } from '../train/directions.ts';
import {
  type BatchOptions,
  evaluate,
  runBatch,
  type TrainBatchOptions,
} from '../train/evaluate.ts';
import { fit } from '../train/fit.ts';
import type { EvaluateOptions, FitOptions, PredictOptions } from '../train/fit_options.ts';
import type { Optimizer } from '../train/optimizers/optimizer.ts';
import { predict } from '../train/predict.ts';
import { Trainer } from '../train/trainer.ts';
import { describeNetwork } from './describe.ts';

type OrUndefined<T> = { [K in keyof T]?: T[K] | undefined };

/** What `compile` takes: Keras's options, and those of the engine. */
export interface ModelCompileOptions extends CompileOptions, OrUndefined<EngineOptions> {}

export interface ModelSummaryOptions extends SummaryOptions {
  /** Where the text goes; default the console. */
  printFn?: (text: string) => void;
}

let readTrainer: (model: Model) => Trainer;

/** What runs the steps of a model: for the other doors of this folder. */
export function trainerOf(model: Model): Trainer {
  return readTrainer(model);
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
  /** That of the last `fit`. */
  history: History | undefined;
  readonly #trainer: Trainer = new Trainer(this);

  static {
    readTrainer = (model) => model.#trainer;
  }

  /**
   * Settles how the model is trained.
   *
   * @param options optimizer (default `'rmsprop'`), loss, metrics; `threads` (default: all processors, at most 8),
   * `arithmetic` and `revectorize` (default: where it is there and checked) of the engine.
   * @throws TsunoError `ARGUMENT` for names that do not exist.
   */
  compile(options: ModelCompileOptions): void {
    const {
      threads,
      arithmetic,
      revectorize,
      watchdog,
      warn = (message) => console.warn(`tsuno: ${message}`),
      ...training
    } = options;
    this.#trainer.compile(training, {
      ...(threads === undefined ? {} : { threads }),
      ...(arithmetic === undefined ? {} : { arithmetic }),
      ...(revectorize === undefined ? {} : { revectorize }),
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

  /** Whether the loss or metric `name` gets better upwards or downwards; `undefined` where not known. */
  directionOf(name: string): Direction | undefined {
    return this.compiled?.directionOf(name);
  }

  /**
   * Trains the model: `fit(dataset, options)`, `fit(x, y, options)`, `fit(x, { y, … })`, or `fit(batches, options)`.
   *
   * @param x a data set, in memory or streamed; inputs: one tensor, or several in a list or by name; or batches `[x, y]`,
   * `[x, y, sampleWeight]` or `{ images, labels }`: an iterable, or a generator function, called for each pass.
   * @param y labels, as inputs.
   * @returns losses and metrics by epoch. Ctrl-C ends it after the step at hand.
   * @throws TsunoError for impossible data before anything changes; `NONFINITE_LOSS` where training diverges.
   * @example
   * ```ts
   * const history = await model.fit(images, labels, { epochs: 2, verbose: 0 });
   * history.epoch; // [0,1]
   * ```
   * @see https://keras.io/api/models/model_training_apis/#fit-method
   */
  fit(x: Data, options?: FitOptions): Promise<History>;
  fit(x: Tensors, y: Tensor | readonly Tensor[], options?: FitOptions): Promise<History>;
  async fit(x: Data, y?: Labels | FitOptions, more?: FitOptions): Promise<History> {
    const options = withLabels(y, more);
    const given = options.callbacks ?? [];
    const history = given.find((one) => one instanceof History) ?? new History();
    const callbacks = given.includes(history) ? given : [...given, history];
    const report = await fit(this.#trainer, this, x, options, withBar(callbacks, options));
    history.report(report);
    this.history = history;
    return history;
  }

  /**
   * Loss and metrics on data, by name: `evaluate(dataset)`, `evaluate(x, y, options)`, `evaluate(x, { y, … })` or
   * `evaluate(batches)`.
   *
   * @throws TsunoError for impossible data.
   * @see https://keras.io/api/models/model_training_apis/#evaluate-method
   */
  evaluate(x: Data, options?: EvaluateOptions): Promise<Logs>;
  evaluate(x: Tensors, y: Tensor | readonly Tensor[], options?: EvaluateOptions): Promise<Logs>;
  async evaluate(x: Data, y?: Labels | EvaluateOptions, more?: EvaluateOptions): Promise<Logs> {
    const options = withLabels(y, more);
    const callbacks = withBar(options.callbacks ?? [], options);
    return evaluate(this.#trainer, this, x, options, callbacks);
  }

  /**
   * What the model gives for `x`, all samples together.
   *
   * @param x inputs; of a data set, its images; of batches, their first part.
   * @returns a tensor `[n, …]`.
   * @throws TsunoError for impossible data, or `UNSUPPORTED` for a model of several outputs: use {@link predictAll}.
   * @see https://keras.io/api/models/model_training_apis/#predict-method
   */
  async predict(x: Data, options: PredictOptions = {}): Promise<Tensor<'float32'>> {
    const outputs = await this.predictAll(x, options);
    if (outputs.length === 1) return outputs[0]!;
    throw new TsunoError('UNSUPPORTED', {
      where: `predict "${this.name}"`,
      what: 'the model',
      expected: 'must have one output',
      found: String(outputs.length),
      repair: 'Use predictAll.',
    });
  }

  /** As {@link predict}, one tensor for each output. */
  async predictAll(x: Data, options: PredictOptions = {}): Promise<Tensor<'float32'>[]> {
    const callbacks = withBar(options.callbacks ?? [], options);
    const { isTerminal } = terminal();
    return predict(this.#trainer, this, x, options, callbacks, isTerminal);
  }

  /**
   * One step of training on one batch.
   *
   * @returns loss and metrics of the batch, before the step.
   * @throws TsunoError as `fit`.
   */
  async trainOnBatch(
    x: Dataset | Tensors,
    y?: Tensors,
    options: TrainBatchOptions = {},
  ): Promise<Logs> {
    return this.#trainer.training('trainOnBatch', () =>
      runBatch('train', this.#trainer, x, { ...options, y }),
    );
  }

  /** Loss and metrics of one batch. */
  async testOnBatch(x: Dataset | Tensors, y?: Tensors, options: BatchOptions = {}): Promise<Logs> {
    return runBatch('test', this.#trainer, x, { ...options, y });
  }

  /** What the model gives for one batch, of one input or several. @throws TsunoError as {@link predict}. */
  async predictOnBatch(x: Dataset | Tensors): Promise<Tensor<'float32'>> {
    const [first] = x instanceof Tensor || x instanceof Dataset ? [x] : Object.values(x);
    return this.predict(x, { batchSize: Math.max(1, first?.length ?? 1), verbose: 0 });
  }

  /** Sets the running means of loss and metrics to zero. */
  resetMetrics(): void {
    this.#trainer.compiled('resetMetrics').reset();
  }

  /**
   * What this model runs on; starts its engine where it has none yet.
   *
   * @returns `threads`, fewer than asked for where memory cannot be shared; `arithmetic`, `'fused'` or `'portable'`; and
   * `revectorized`, whether V8 makes 256-bit operations of pairs.
   * @throws TsunoError `UNSUPPORTED` without WebAssembly SIMD, `COMPILE` where the page's policy forbids WebAssembly.
   * @example
   * ```ts
   * model.compile({ loss: 'mse', threads: 1 });
   * (await model.engine()).threads; // 1
   * ```
   */
  engine(): Promise<{ threads: number; arithmetic: string; revectorized: boolean }> {
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

  /**
   * Writes the model to a `.keras` file, which Keras reads as well: layers, weights, and what it was compiled with.
   *
   * @param path ends in `.keras`.
   * @throws TsunoError `SAVE` where writing failed: what was there before still is.
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<void> {
    await saveModel(this, path, options);
  }

  /** Writes the weights to a `.weights.h5` file, with the optimizer's state, or to a `.safetensors` file. */
  async saveWeights(path: string | URL, options: SaveOptions = {}): Promise<void> {
    await saveWeights(this, path, options);
  }

  /**
   * Takes the weights of a `.weights.h5`, `.keras` or `.safetensors` file, all or none.
   *
   * @param options `skipMismatch`: layers whose weights do not fit keep theirs; default false.
   * @returns the layers that kept theirs.
   * @throws TsunoError `WEIGHTS_MISSING`, `WEIGHTS_EXTRA`, `WEIGHTS_SHAPE` or `WEIGHTS_NONFINITE`; nothing has changed then.
   */
  async loadWeights(path: string | URL, options: LoadRules = {}): Promise<string[]> {
    return loadWeights(this, path, options);
  }

  /**
   * Writes what the model computes at inference to an `.onnx` file (opset 17, the batch open), for other runtimes.
   *
   * @throws TsunoError `UNSUPPORTED` naming the layer, where ONNX has no such operation.
   */
  async export(path: string | URL, options: SaveOptions = {}): Promise<void> {
    await exportModel(this, path, options);
  }

  /** The model without its weights as Keras describes it: what `JSON.stringify(model)` writes. */
  toJSON(): SerializedLayer {
    return modelConfig(this);
  }

  /**
   * The model of a description that `JSON.stringify(model)` or Keras's `model.to_json()` wrote, its weights new.
   *
   * @param options as of `loadModel`.
   * @throws TsunoError `JSON`, `CONFIG` or `UNSUPPORTED`.
   */
  static fromJSON(json: string | SerializedLayer, options: LoadOptions = {}): Model {
    const config = parseJson(
      typeof json === 'string' ? json : JSON.stringify(json),
      'fromJSON',
      configLimits,
    );
    const model = modelFromConfig(config, 'fromJSON', options);
    if (model instanceof Model) return model;
    throw internal(`${model.where} is no Model`);
  }

  /** Stops the threads of this model; weights stay, and the next use starts others. */
  close(): void {
    this.#trainer.close();
  }
}

type Labels = Tensor | readonly Tensor[];

/** Positional labels as options. */
function withLabels<O extends { y?: Tensors | undefined }>(y?: Labels | O, more?: O): O {
  const isLabels = y instanceof Tensor || Array.isArray(y);
  return isLabels ? ({ ...more, y } as unknown as O) : { ...((y ?? {}) as O), ...more };
}

/** The callbacks with Keras's progress bar, unless there is one, or silence is wished. */
function withBar(callbacks: readonly Callback[], { verbose }: { verbose?: unknown }): CallbackList {
  const has = verbose === 0 || callbacks.some((one) => one instanceof ProgbarLogger);
  return new CallbackList(has ? callbacks : [...callbacks, new ProgbarLogger()]);
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
