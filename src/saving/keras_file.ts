/**
 * @file Models as `.keras` files in memory: an archive of `metadata.json`, `config.json` and `model.weights.h5`, as Keras
 * 3 writes and reads it. Works wherever JavaScript does; `files.ts` brings it to disks.
 *
 * @see https://keras.io/api/models/model_saving_apis/model_saving_and_loading/
 */
import { TsunoError } from '../core/errors.ts';
import type { h5Group } from './hdf5.ts';
import { readHdf5 } from './hdf5_read.ts';
import { writeHdf5 } from './hdf5_write.ts';
import {
  type ConfigOptions,
  configLimits,
  modelConfig,
  modelFromConfig,
  type SavableModel,
} from './model_config.ts';
import { parseJson, pythonJson } from './strict_json.ts';
import { assignAll, networkAssignments, optimizerAssignments, weightsTree } from './weights.ts';
import { unzipMember, writeZip, type ZipEntry, zipMembers } from './zip.ts';

export const memberNames = {
  metadata: 'metadata.json',
  config: 'config.json',
  weights: 'model.weights.h5',
} as const;

/** The version of Keras whose files these are. */
const kerasVersion = '3.15.1';

/** What loading a `.keras` file takes. */
export interface LoadOptions extends Omit<ConfigOptions, 'allowance'> {}

/**
 * A model as the bytes of a `.keras` file: layers, weights, and what it was compiled with, the state of its optimizer
 * among it.
 *
 * @param date when it was saved; default now.
 * @throws TsunoError `UNSUPPORTED` for layers of classes that are not registered, `WEIGHTS_NONFINITE` for weights that
 * are not finite.
 */
export async function serializeModel(
  model: SavableModel,
  date = new Date(),
): Promise<Uint8Array<ArrayBuffer>> {
  return writeZip([...descriptionMembers(model, date), weightsMember(model)]);
}

/** The members that describe a model. @throws TsunoError `UNSUPPORTED` for layers of classes that are not registered. */
export function descriptionMembers(model: SavableModel, date = new Date()): ZipEntry[] {
  const encoder = new TextEncoder();
  const metadata = { keras_version: kerasVersion, date_saved: dateOf(date) };
  return [
    [memberNames.metadata, encoder.encode(pythonJson(metadata))],
    [memberNames.config, encoder.encode(pythonJson(modelConfig(model)))],
  ];
}

/** The member with the weights and the state of the optimizer. @throws TsunoError `WEIGHTS_NONFINITE`. */
export function weightsMember(model: SavableModel): ZipEntry {
  return [memberNames.weights, writeHdf5(weightsTree(model, model.compiled?.optimizer))];
}

/** `2026-11-24@04:12:10`. */
function dateOf(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(two).join('-');
  return `${day}@${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

/**
 * The model in the bytes of a `.keras` file, with its weights and, unless `compile` is false, its optimizer's state.
 *
 * @param where the file's name, for messages.
 * @throws TsunoError where the bytes are not exactly such a file; what is wrong is named by the code: `ZIP`, `JSON`,
 * `CONFIG`, `UNSUPPORTED_LAYER`, `HDF5`, `WEIGHTS_MISSING`, ….
 */
export async function deserializeModel(
  bytes: Uint8Array,
  options: LoadOptions = {},
  where = '.keras file',
): Promise<SavableModel> {
  const members = zipMembers(bytes, where);
  const read = async (name: string) => {
    const member = members.get(name);
    return member && unzipMember(bytes, member, where);
  };
  const config = await read(memberNames.config);
  const weights = await read(memberNames.weights);
  if (!config || !weights) {
    throw new TsunoError('ZIP', {
      where,
      what: 'archive',
      expected: `with ${memberNames.config} and ${memberNames.weights}`,
      found: [...members.keys()].slice(0, 8).join(', ') || 'nothing',
    });
  }
  checkMetadata(await read(memberNames.metadata), where);
  const file = `${where}, ${memberNames.weights}`;
  const tree = readHdf5(weights, file);
  const model = modelFromConfig(
    parseJson(config, `${where}, ${memberNames.config}`, configLimits),
    `${where}, ${memberNames.config}`,
    {
      ...options,
      allowance: { bytes: weights.length, reason: memberNames.weights },
    },
  );
  loadTree(tree, model, file);
  return model;
}

/** Takes weights, and the optimizer's state where the model is compiled, from the tree of a file; all or nothing. */
export function loadTree(
  tree: ReturnType<typeof h5Group>,
  model: SavableModel,
  file: string,
  rules: { skipMismatch?: boolean | undefined } = {},
): string[] {
  const { assignments, skipped } = networkAssignments(tree, model, file, rules);
  const optimizer = model.compiled?.optimizer;
  const ofOptimizer =
    optimizer && skipped.length === 0 ? optimizerAssignments(tree, optimizer, model, file) : [];
  assignAll([...assignments, ...ofOptimizer]);
  return skipped;
}

/** Says which version wrote the file, where that is not one this library reads. */
function checkMetadata(bytes: Uint8Array | undefined, where: string): void {
  if (!bytes) return;
  const metadata = parseJson(bytes, `${where}, ${memberNames.metadata}`);
  const version =
    metadata && typeof metadata === 'object' && !Array.isArray(metadata)
      ? metadata.keras_version
      : undefined;
  if (typeof version === 'string' && version.startsWith('3.')) return;
  throw new TsunoError('UNSUPPORTED', {
    where,
    what: 'version of the file',
    expected: 'Keras 3',
    found: typeof version === 'string' ? `Keras ${version}` : 'none',
    repair: 'Load it with Keras 3 and save it again.',
  });
}
