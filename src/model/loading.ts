/**
 * @file Models out of files. The work is in `saving`, which knows networks alone; here they become models.
 *
 * @see https://keras.io/api/models/model_saving_apis/model_saving_and_loading/
 */
import { internal } from '../core/errors.ts';
import { readWhole } from '../saving/files.ts';
import { refusePickle, refusePickledPath } from '../saving/foreign.ts';
import * as keras from '../saving/keras_file.ts';
import { deserializeLegacy } from '../saving/legacy_file.ts';
import type { SavableModel } from '../saving/model_config.ts';
import type { LoadFileOptions, SaveOptions } from '../saving/model_files.ts';
import { importOnnx, type OnnxOptions } from '../saving/onnx_import.ts';
import { Model } from './model.ts';

/** @throws Error where the registry's model is another. */
function asModel(network: SavableModel): Model {
  if (network instanceof Model) return network;
  throw internal(`${network.where} is no Model`);
}

/** What loading a model from a file takes; `layout` is for `.onnx` alone. */
export interface LoadModelOptions extends LoadFileOptions, OnnxOptions {}

/**
 * The model of a `.keras` file, of tsuno or of Keras: layers, weights, and unless `compile` is false what it was compiled
 * with, so that training goes on where it ended. A path that ends in `.h5` is read as the legacy file of Keras 2 or 3, one
 * that ends in `.onnx` as {@link loadOnnx} does.
 *
 * @param path a path or URL; in a browser a URL.
 * @param options `customObjects`: classes and functions of yours that the file names; `compile`, default true; `layout`
 * of images in a model of ONNX, default `'nhwc'`.
 * @throws TsunoError where the file is not such a file. Nothing in a file is ever run.
 * @example
 * ```ts no-run
 * const model = await loadModel('mnist.keras');
 * await model.fit(training, { epochs: 1 });
 * ```
 * @see https://keras.io/api/models/model_saving_apis/model_saving_and_loading/#loadmodel-function
 */
export async function loadModel(
  path: string | URL,
  options: LoadModelOptions = {},
): Promise<Model> {
  refusePickledPath(path);
  const { fileSystem, layout, ...rest } = options;
  const [bytes, where] = [await readWhole(path, fileSystem), String(path)];
  refusePickle(bytes, where);
  if (/\.onnx$/i.test(where)) return modelOfOnnx(bytes, where, { layout });
  if (/\.(h5|hdf5)$/i.test(where)) return asModel(deserializeLegacy(bytes, where, rest));
  return asModel(await keras.deserializeModel(bytes, rest, where));
}

function modelOfOnnx(bytes: Uint8Array, where: string, options: OnnxOptions): Model {
  const { name, inputs, outputs } = importOnnx(bytes, where, options);
  const only = <T>(list: readonly T[]) => (list.length === 1 ? list[0]! : list);
  return new Model({ name, inputs: only(inputs), outputs: only(outputs) });
}

/**
 * The model in the bytes of an ONNX file, of PyTorch, Keras, tsuno or others, made of tsuno's layers: it predicts what
 * the file computes, and can be trained on. It is not compiled.
 *
 * @param bytes the file; its weights must be in it.
 * @param options `layout`: how the model takes images and gives them, default `'nhwc'`, whatever the file has.
 * @throws TsunoError `UNSUPPORTED` naming the node for an operator that tsuno does not read; `ONNX`, `ONNX_LINK`,
 * `ONNX_LIMIT` where the file is not what the format says, refers to another, or asks for too much.
 * @example
 * ```ts
 * const again = loadOnnx(toOnnx(model));
 * again.inputSpecs?.[0]?.shape; // [null,28,28,1]
 * ```
 * @see https://onnx.ai/onnx/operators/
 */
export function loadOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Model {
  return modelOfOnnx(bytes, '.onnx file', options);
}

/**
 * Writes a model to a `.keras` file, which Keras reads as well: whole, or not at all.
 *
 * @param path ends in `.keras`; its folder must be there.
 * @param options `overwrite`, default true: whether a model that is there is replaced.
 * @throws TsunoError `SAVE` with the code of the operating system where writing failed: what was there before still is.
 * @example
 * ```ts no-run
 * await saveModel(model, 'mnist.keras');
 * ```
 */
export async function saveModel(
  model: Model,
  path: string | URL,
  options: SaveOptions = {},
): Promise<void> {
  await model.save(path, options);
}

/**
 * The bytes of the `.keras` file of a model: for browsers, and wherever there is no disk.
 *
 * @example
 * ```ts
 * const bytes = await serializeModel(model);
 * const again = await deserializeModel(bytes);
 * again.countParams() === model.countParams(); // true
 * ```
 */
export async function serializeModel(model: Model): Promise<Uint8Array<ArrayBuffer>> {
  return keras.serializeModel(model);
}

/** The model in the bytes of a `.keras` file; see {@link loadModel}. */
export async function deserializeModel(
  bytes: Uint8Array,
  options: keras.LoadOptions = {},
): Promise<Model> {
  return asModel(await keras.deserializeModel(bytes, options));
}
