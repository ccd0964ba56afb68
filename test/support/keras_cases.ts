/**
 * @file The cases that Keras computed (test/fixtures/keras, described in its README) as typed values: one layer each,
 * five training steps of a compiled model each, saved models with their predictions, accuracy on MNIST.
 * Nothing here knows the engine; a test brings a case and what it tests together.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Shape } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readSafetensors } from './safetensors.ts';

const root = fileURLToPath(new URL('../../../test/fixtures/keras/', import.meta.url));

/** Arguments as Keras's `get_config` gives them: snake_case, nested descriptions included. */
export type KerasConfig = Readonly<Record<string, unknown>>;

/** An object as Keras serialises it. */
export interface KerasObject {
  readonly module: string;
  readonly class_name: string;
  readonly config: KerasConfig;
  readonly registered_name: string | null;
}

/** A weight of a layer under test, in the order of Keras's `layer.weights`. */
export interface LayerWeight {
  readonly name: string;
  readonly path: string;
  readonly shape: Shape;
  readonly trainable: boolean;
  readonly value: Tensor;
  /** Of the sum of the training output times the cotangent; absent where the weight does not train. */
  readonly gradient?: Tensor;
  /** After one call in training, e.g. moving statistics; absent where the weight trains. */
  readonly updated?: Tensor;
}

/** One layer, and what Keras computed with it. */
export interface LayerCase {
  /** `'conv2d_07'`: the kind and the number. */
  readonly name: string;
  readonly kind: string;
  /** Keras's name of the layer: `'Conv2D'`. */
  readonly className: string;
  readonly config: KerasConfig;
  readonly inputShapes: readonly Shape[];
  readonly weights: readonly LayerWeight[];
  readonly inputs: readonly Tensor[];
  /** Of inference. */
  readonly output: Tensor;
  /** Absent where the layer is random in training. */
  readonly training?: {
    readonly output: Tensor;
    readonly cotangent: Tensor;
    /** Of the sum of the output times the cotangent, one an input. */
    readonly inputGradients: readonly Tensor[];
  };
}

/** One of the five batches of a training case. */
export interface TrainingStep {
  readonly x: Tensor;
  readonly y: Tensor;
  /** One number a sample; absent where none were given. */
  readonly sampleWeight?: Tensor;
  /** Loss and metrics after the step, accumulated since the first. */
  readonly logs: Readonly<Record<string, number>>;
}

/** A compiled model and five `train_on_batch` steps. */
export interface TrainingCase {
  /** `'03_res'`: the number and the kind of network. */
  readonly name: string;
  readonly kind: string;
  /** As `model.to_json()` describes it. */
  readonly model: KerasObject;
  readonly compile: {
    readonly optimizer: KerasObject;
    readonly loss: string | KerasObject;
    readonly metrics: readonly (string | KerasObject)[];
  };
  /** Weight of each class, or null. */
  readonly classWeight: ReadonlyMap<number, number> | null;
  readonly weights: readonly {
    readonly path: string;
    readonly shape: Shape;
    readonly trainable: boolean;
    readonly before: Tensor;
    readonly after: Tensor;
  }[];
  readonly steps: readonly TrainingStep[];
  /** Of the first step's `x`, after the last step. */
  readonly predict: Tensor;
}

/** A model saved by Keras after the steps of the training case of the same name. */
export interface ModelCase {
  readonly name: string;
  readonly kind: string;
  /** Path of the `.keras` file. */
  readonly file: string;
  readonly x: Tensor;
  readonly predict: Tensor;
}

/** The article's network, trained by Keras for two epochs. */
export interface TrainedMnist {
  readonly file: string;
  /** On the 10,000 test images. */
  readonly loss: number;
  readonly accuracy: number;
  /** Of the first 256 test images, pixels 0 to 255: [256, 10]. */
  readonly predict: Tensor;
}

/** The kinds of layer cases: `'activation'`, …, `'conv2d'`, …. */
export function layerKinds(): string[] {
  return [...new Set(namesIn('layers', '.json').map(kindOfLayer))];
}

/**
 * The layer cases of `kinds` (default all), by name.
 *
 * @throws Error for a kind that has no case.
 * @example
 * ```ts
 * for (const { name, className, config } of layerCases(['conv2d', 'dense'])) test(name, …);
 * ```
 */
export function* layerCases(kinds: readonly string[] = layerKinds()): Generator<LayerCase> {
  const known = layerKinds();
  for (const kind of kinds) if (!known.includes(kind)) throw new Error(`no cases of kind ${kind}`);
  for (const name of namesIn('layers', '.json')) {
    if (kinds.includes(kindOfLayer(name))) yield readLayerCase(name);
  }
}

interface LayerFile {
  class_name: string;
  config: KerasConfig;
  input_shapes: Shape[];
  weights: { name: string; path: string; shape: Shape; trainable: boolean }[];
}

function readLayerCase(name: string): LayerCase {
  const file = readJson<LayerFile>(`layers/${name}.json`);
  const arrays = new Arrays(`layers/${name}.safetensors`);
  const isRandom = !arrays.has('output_training');
  return {
    name,
    kind: kindOfLayer(name),
    className: file.class_name,
    config: file.config,
    inputShapes: file.input_shapes,
    weights: file.weights.map((weight, i) => ({
      ...weight,
      value: arrays.of(`weights.${i}`, weight.shape),
      ...(weight.trainable &&
        !isRandom && { gradient: arrays.of(`weight_grads.${i}`, weight.shape) }),
      ...(!weight.trainable &&
        !isRandom && { updated: arrays.of(`updated_weights.${i}`, weight.shape) }),
    })),
    inputs: file.input_shapes.map((shape, i) => arrays.of(`inputs.${i}`, shape)),
    output: arrays.of('output'),
    ...(!isRandom && {
      training: {
        output: arrays.of('output_training'),
        cotangent: arrays.of('cotangent'),
        inputGradients: file.input_shapes.map((shape, i) => arrays.of(`input_grads.${i}`, shape)),
      },
    }),
  };
}

/** The training cases, by number. */
export function* trainingCases(): Generator<TrainingCase> {
  for (const name of namesIn('training', '.json')) yield readTrainingCase(name);
}

interface TrainingFile {
  model: KerasObject;
  compile: TrainingCase['compile'];
  class_weight: Record<string, number> | null;
  steps: number;
  logs_after_each_step: Record<string, number>[];
  weights: { path: string; shape: Shape; trainable: boolean }[];
}

function readTrainingCase(name: string): TrainingCase {
  const file = readJson<TrainingFile>(`training/${name}.json`);
  const arrays = new Arrays(`training/${name}.safetensors`);
  const isWeighted = arrays.has('sample_weight.0');
  const classWeight = Object.entries(file.class_weight ?? {});
  return {
    name,
    kind: kindOfModel(name),
    model: file.model,
    compile: file.compile,
    classWeight:
      file.class_weight && new Map(classWeight.map(([c, weight]) => [Number(c), weight])),
    weights: file.weights.map((weight, i) => ({
      ...weight,
      before: arrays.of(`weights.${i}`, weight.shape),
      after: arrays.of(`final_weights.${i}`, weight.shape),
    })),
    steps: file.logs_after_each_step.map((logs, s) => ({
      x: arrays.of(`x.${s}`),
      y: arrays.of(`y.${s}`),
      ...(isWeighted && { sampleWeight: arrays.of(`sample_weight.${s}`) }),
      logs,
    })),
    predict: arrays.of('predict'),
  };
}

/** The saved models of the training cases, by number. */
export function* modelCases(): Generator<ModelCase> {
  for (const name of namesIn('models', '.keras')) {
    if (name === trainedMnistName) continue;
    const arrays = new Arrays(`models/${name}.safetensors`);
    const file = `${root}models/${name}.keras`;
    yield { name, kind: kindOfModel(name), file, x: arrays.of('x'), predict: arrays.of('predict') };
  }
}

const trainedMnistName = 'mnist_cnn_trained';

/** The article's network after two epochs of Keras, and what it reached. */
export function trainedMnist(): TrainedMnist {
  const path = `models/${trainedMnistName}`;
  const facts = readJson<{ evaluate_mnist_test: [number, number] }>(`${path}.json`);
  const [loss, accuracy] = facts.evaluate_mnist_test;
  const predict = new Arrays(`${path}.safetensors`).of('predict', [256, 10]);
  return { file: `${root}${path}.keras`, loss, accuracy, predict };
}

/** Mean and sample standard deviation over seeds. */
export interface Spread {
  readonly mean: number;
  readonly standardDeviation: number;
}

/** What Keras reaches on the MNIST test images with the article's network after five epochs. */
export function mnistAccuracy(): {
  readonly seeds: readonly number[];
  readonly loss: Spread;
  readonly accuracy: Spread;
} {
  interface SpreadFile {
    mean: number;
    standard_deviation: number;
  }
  const facts = readJson<{
    runs: { seed: number }[];
    test_loss: SpreadFile;
    test_accuracy: SpreadFile;
  }>('accuracy.json');
  const spread = ({ mean, standard_deviation }: SpreadFile): Spread => {
    return { mean, standardDeviation: standard_deviation };
  };
  const seeds = facts.runs.map(({ seed }) => seed);
  return { seeds, loss: spread(facts.test_loss), accuracy: spread(facts.test_accuracy) };
}

/** The arrays of a case; asking for one that is missing, or has another shape, is an error. */
class Arrays {
  readonly #file: string;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(file: string) {
    this.#file = file;
    this.#tensors = readSafetensors(root + file);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  of(name: string, shape?: Shape): Tensor {
    const found = this.#tensors.get(name);
    if (!found) throw new Error(`${this.#file} has no ${name}`);
    if (shape && String(shape) !== String(found.shape)) {
      throw new Error(`${this.#file}: ${name} is [${found.shape}], the JSON says [${shape}]`);
    }
    return found;
  }
}

/** Names without the ending, in order. */
function namesIn(folder: string, ending: string): string[] {
  return readdirSync(root + folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(root + file, 'utf8')) as T;
}

/** `'conv2d'` of `'conv2d_07'`. */
function kindOfLayer(name: string): string {
  return name.replace(/_\d+$/, '');
}

/** `'res'` of `'03_res'`. */
function kindOfModel(name: string): string {
  return name.replace(/^\d+_/, '');
}
