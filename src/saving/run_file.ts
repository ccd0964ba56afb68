/**
 * @file A run between two steps as the bytes of one file: the `.keras` archive of its model, which Keras and `loadModel`
 * read as any other, with three members more: `run.json` (place, configuration, what callbacks remember, history),
 * `run.safetensors` (tensors that the JSON names) and `sha256` (of all bytes before it).
 *
 * What reads such a file accepts exactly the bytes that were written: the members are those of the archive's CRC-32 and
 * the SHA-256, and the archive is the one that would be written from them.
 */
import { TsunoError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { Tensor } from '../core/tensor.ts';
import { version } from '../core/version.ts';
import type { RunState, StateValue } from '../train/run_state.ts';
import type { H5Group } from './hdf5.ts';
import { readHdf5 } from './hdf5_read.ts';
import { descriptionMembers, memberNames, weightsMember } from './keras_file.ts';
import type { SavableModel } from './model_config.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { type Json, parseJson, pythonJson } from './strict_json.ts';
import { unzipMember, writeZip, type ZipEntry, zipMembers } from './zip.ts';

const names = { state: 'run.json', tensors: 'run.safetensors', seal: 'sha256' } as const;

/** Of `run.json`; a file of a later format is refused. */
const format = 1;

/** A run as a file has it. */
export interface StoredRun {
  state: RunState;
  /** Weights and the optimizer's variables. */
  weights: H5Group;
}

/**
 * A run as bytes.
 *
 * @throws TsunoError `WEIGHTS_NONFINITE` where a weight is not finite.
 */
export async function serializeRun(
  model: SavableModel,
  state: RunState,
): Promise<Uint8Array<ArrayBuffer>> {
  const tensors = new Map<string, Tensor>();
  const json = {
    format,
    tsuno: version,
    ...(plain({ ...state }, '', tensors) as { [key: string]: Json }),
  };
  const members: ZipEntry[] = [
    ...described(model),
    weightsMember(model),
    [names.state, new TextEncoder().encode(pythonJson(json))],
    [names.tensors, writeSafetensors(tensors)],
  ];
  const sealed = writeZip(members);
  return writeZip([...members, [names.seal, await sealOf(sealed, members)]]);
}

/** A model with a class that no file can name is kept without its description: its weights are enough to go on. */
function described(model: SavableModel): ZipEntry[] {
  try {
    return descriptionMembers(model);
  } catch (error) {
    if (error instanceof TsunoError && error.code === 'UNSUPPORTED') return [];
    throw error;
  }
}

/** The SHA-256 of the members with their records, which begin every archive of them. */
async function sealOf(archive: Uint8Array, members: readonly ZipEntry[]): Promise<Uint8Array> {
  const record = 30;
  const length = members.reduce(
    (sum, [name, bytes]) => sum + record + name.length + bytes.length,
    0,
  );
  return new TextEncoder().encode(await sha256(archive.subarray(0, length)));
}

/**
 * The run in the bytes of a file.
 *
 * @param where the file's name, for messages.
 * @throws TsunoError `CHECKSUM` where the bytes are not exactly those that were written; `UNSUPPORTED` where a later
 * version wrote them.
 */
export async function deserializeRun(bytes: Uint8Array, where: string): Promise<StoredRun> {
  const members = await sealedMembers(bytes, where);
  const member = (name: string): Uint8Array => {
    const found = members.get(name);
    if (found) return found;
    throw damaged(where, `with ${name}`, [...members.keys()].join(', '));
  };
  const json = parseJson(member(names.state), `${where}, ${names.state}`) as {
    [key: string]: Json;
  };
  if (json.format !== format) {
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: 'format of the run',
      expected: `${format}, which tsuno ${version} reads`,
      found: `${json.format}, of tsuno ${json.tsuno}`,
      repair: 'Go on with the version that wrote it.',
    });
  }
  const tensors = readSafetensors(member(names.tensors), `${where}, ${names.tensors}`);
  const { format: _format, tsuno: _tsuno, ...state } = json;
  return {
    state: restored(state, tensors) as unknown as RunState,
    weights: readHdf5(member(memberNames.weights), `${where}, ${memberNames.weights}`),
  };
}

async function sealedMembers(bytes: Uint8Array, where: string): Promise<Map<string, Uint8Array>> {
  const entries: [string, Uint8Array][] = [];
  try {
    for (const [name, member] of zipMembers(bytes, where))
      entries.push([name, await unzipMember(bytes, member, where)]);
  } catch (cause) {
    if (!(cause instanceof TsunoError)) throw cause;
    throw damaged(where, `an archive: ${cause.message}`, 'another', cause);
  }
  const [seal, ...before] = [...entries].reverse();
  const members = before.reverse();
  const isWhole = seal?.[0] === names.seal && same(bytes, writeZip(entries));
  if (!isWhole || !same(seal[1], await sealOf(bytes, members)))
    throw damaged(where, 'of the SHA-256 that it was sealed with', 'others');
  return new Map(members);
}

function damaged(where: string, expected: string, found: string, cause?: unknown): TsunoError {
  return new TsunoError('CHECKSUM', { where, what: 'the bytes', expected, found, cause });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const tensorKey = '$tensor';

/** JSON of a state; tensors go into `tensors`, under the path where they were. */
function plain(value: StateValue, path: string, tensors: Map<string, Tensor>): Json | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Tensor) {
    tensors.set(path, value);
    return { [tensorKey]: path };
  }
  const below = (name: string | number) => (path === '' ? String(name) : `${path}/${name}`);
  if (Array.isArray(value)) return value.map((item, i) => plain(item, below(i), tensors) ?? null);
  if (typeof value !== 'object' || value === null) return value as Json;
  const entries = Object.entries(value as { [name: string]: StateValue }).flatMap(
    ([name, item]) => {
      const json = plain(item, below(name), tensors);
      return json === undefined ? [] : [[name, json] as const];
    },
  );
  return Object.fromEntries(entries);
}

function restored(value: Json, tensors: ReadonlyMap<string, Tensor>): StateValue {
  if (Array.isArray(value)) return value.map((item) => restored(item, tensors));
  if (typeof value !== 'object' || value === null) return value;
  if (typeof value[tensorKey] === 'string') return tensors.get(value[tensorKey]);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, restored(item, tensors)]),
  );
}
