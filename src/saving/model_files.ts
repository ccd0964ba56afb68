/**
 * @file Models and weights in files: which bytes go where. `keras_file.ts` makes the bytes, `files.ts` brings them to the
 * disk.
 */
import { show, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { FileSystem } from './file_system.ts';
import { readWhole, type WriteOptions, writeWhole } from './files.ts';
import { refusePickle, refusePickledPath } from './foreign.ts';
import { readHdf5 } from './hdf5_read.ts';
import { writeHdf5 } from './hdf5_write.ts';
import { type LoadOptions, loadTree, serializeModel } from './keras_file.ts';
import type { SavableModel } from './model_config.ts';
import { toOnnx } from './onnx.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { assignAll, checkFinite, type LoadRules, weightsTree } from './weights.ts';
import { unzipMember, zipMembers } from './zip.ts';

export interface SaveOptions {
  /** Whether a file that is there may be replaced; default true. */
  overwrite?: boolean | undefined;
  /** Whether that holds for a file of another kind, too; default false. */
  anyKind?: boolean | undefined;
  /** Where files are; default: the disk of this machine. */
  fileSystem?: FileSystem | undefined;
}

export interface LoadFileOptions extends LoadOptions {
  /** Where files are; default: the disk of this machine. */
  fileSystem?: FileSystem | undefined;
}

const isArchive = (head: Uint8Array) => head[0] === 0x50 && head[1] === 0x4b;
const isHdf5 = (head: Uint8Array) => head[0] === 0x89 && head[1] === 0x48;
/** The first field of an ONNX file is its version. */
const isOnnx = (head: Uint8Array) => head[0] === 0x08;
const isSafetensors = (head: Uint8Array) => head[8] === 0x7b;

/** The kinds of files, by how paths end. */
const endings = {
  model: ['.keras'],
  weights: ['.weights.h5', '.safetensors'],
  onnx: ['.onnx'],
} as const;

/** Which of `allowed` a path ends in, in letters of either case. @throws TsunoError `ARGUMENT` for none of them. */
function endingOf(path: string | URL, where: string, allowed: readonly string[]): string {
  const found = allowed.find((ending) => String(path).toLowerCase().endsWith(ending));
  if (found) return found;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'path',
    expected: `must end in ${allowed.join(' or ')}`,
    found: show(String(path)),
  });
}

/** Writes a model to a `.keras` file: whole, or not at all. */
export async function saveModel(
  model: SavableModel,
  path: string | URL,
  options: SaveOptions = {},
): Promise<void> {
  endingOf(path, 'saveModel', endings.model);
  const bytes = await serializeModel(model);
  await writeWhole(path, bytes, { ...options, isKind: isArchive });
}

/**
 * Writes the weights of a model: to `.weights.h5` as Keras does, the state of the optimizer among them, or to
 * `.safetensors`, under their paths (`conv2d/kernel`).
 */
export async function saveWeights(
  model: SavableModel,
  path: string | URL,
  options: SaveOptions = {},
): Promise<void> {
  const ending = endingOf(path, 'saveWeights', endings.weights);
  checkBuilt(model, 'saveWeights');
  const write = (bytes: Uint8Array, isKind: WriteOptions['isKind']) =>
    writeWhole(path, bytes, { ...options, isKind });
  if (ending === '.weights.h5')
    await write(writeHdf5(weightsTree(model, model.compiled?.optimizer)), isHdf5);
  else await write(writeSafetensors(weightsByPath(model), { format: 'tsuno' }), isSafetensors);
}

/**
 * Takes the weights of a file, all or none: of `.weights.h5` and `.keras` by class and order of layers, with the state of
 * the optimizer where the model is compiled; of `.safetensors` by their paths.
 *
 * @returns the layers that kept their weights, where `skipMismatch` allows it.
 */
export async function loadWeights(
  model: SavableModel,
  path: string | URL,
  { fileSystem, ...rules }: LoadRules & { fileSystem?: FileSystem | undefined } = {},
): Promise<string[]> {
  refusePickledPath(path);
  const ending = endingOf(path, 'loadWeights', [...endings.weights, ...endings.model]);
  checkBuilt(model, 'loadWeights');
  const bytes = await readWhole(path, fileSystem);
  const file = String(path);
  refusePickle(bytes, file);
  if (ending === '.safetensors')
    return loadByPath(model, readSafetensors(bytes, file), file, rules);
  const stored = ending === '.keras' ? await weightsMember(bytes, file) : bytes;
  return loadTree(readHdf5(stored, file), model, file, rules);
}

async function weightsMember(bytes: Uint8Array, file: string): Promise<Uint8Array> {
  const member = zipMembers(bytes, file).get('model.weights.h5');
  if (member) return unzipMember(bytes, member, file);
  throw new TsunoError('ZIP', {
    where: file,
    what: 'archive',
    expected: 'with model.weights.h5',
    found: 'none',
  });
}

/** Writes what a model computes at inference to an `.onnx` file. */
export async function exportModel(
  model: SavableModel,
  path: string | URL,
  options: SaveOptions = {},
): Promise<void> {
  endingOf(path, 'export', endings.onnx);
  await writeWhole(path, toOnnx(model), { ...options, isKind: isOnnx });
}

function checkBuilt(model: SavableModel, where: string): void {
  if (model.built) return;
  throw new TsunoError('STATE', {
    where: `${where} "${model.name}"`,
    what: 'the model',
    expected: 'built',
    found: 'one that does not know its inputs yet',
    repair: 'Call model.build(shape), or give the model data first.',
  });
}

function weightsByPath(model: SavableModel): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const weight of model.weights) {
    if (tensors.has(weight.path)) {
      throw new TsunoError('UNSUPPORTED', {
        where: model.where,
        what: 'paths of weights',
        expected: 'must differ to be saved by name',
        found: `"${weight.path}" twice`,
        repair: 'Save to .weights.h5.',
      });
    }
    checkFinite(weight.data, model.where, weight);
    tensors.set(weight.path, weight.value());
  }
  return tensors;
}

function loadByPath(
  model: SavableModel,
  stored: ReadonlyMap<string, Tensor>,
  file: string,
  { skipMismatch }: LoadRules,
): string[] {
  const skipped: string[] = [];
  const assignments = model.weights.flatMap((variable) => {
    const value = stored.get(variable.path);
    const where = `${file}, ${show(variable.path)}`;
    const fits =
      value && value.dtype === variable.dtype && `${value.shape}` === `${variable.shape}`;
    if (fits) {
      checkFinite(value.data, where, variable);
      return [{ variable, value: value.data }];
    }
    if (skipMismatch) {
      skipped.push(variable.path);
      return [];
    }
    throw new TsunoError(value ? 'WEIGHTS_SHAPE' : 'WEIGHTS_MISSING', {
      where: file,
      what: `"${variable.path}"`,
      expected: `${variable.dtype} of shape ${show([...variable.shape])}`,
      found: value
        ? `${value.dtype} of shape ${show([...value.shape])}`
        : `none of that name among ${[...stored.keys()].slice(0, 6).join(', ')}`,
    });
  });
  const known = new Set(model.weights.map(({ path }) => path));
  const extra = [...stored.keys()].find((name) => !known.has(name));
  if (extra !== undefined && !skipMismatch) {
    throw new TsunoError('WEIGHTS_EXTRA', {
      where: file,
      what: 'tensors',
      expected: 'must be weights of the model',
      found: show(extra),
    });
  }
  assignAll(assignments);
  return skipped;
}
