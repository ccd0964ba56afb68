/**
 * @file A strict reader of safetensors files for tests, independent of the one users have: an 8-byte length, a JSON
 * header of names, types, shapes and offsets, then the elements, little-endian and without gaps.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { readFileSync } from 'node:fs';
import { bytesOf, type DType, viewOf } from '../../src/core/dtype.ts';
import { show, TsunoError } from '../../src/core/errors.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { Tensor } from '../../src/core/tensor.ts';

const longestHeader = 100_000_000; // bytes
const dtypes: ReadonlyMap<unknown, DType> = new Map([
  ['F32', 'float32'],
  ['I32', 'int32'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

/**
 * The tensors of a safetensors file by name, in the order of their bytes.
 *
 * @throws TsunoError `FILE` where the file is not exactly what the format says, or has a type tensors lack.
 * @example
 * ```ts
 * readSafetensors('conv2d_00.safetensors').get('output')!.shape; // [3, 4, 4, 1]
 * ```
 */
export function readSafetensors(path: string): Map<string, Tensor> {
  return parseSafetensors(readFileSync(path), path);
}

/** As {@link readSafetensors}, from bytes; `where` names them in errors. */
export function parseSafetensors(bytes: Uint8Array, where: string): Map<string, Tensor> {
  const [header, data] = split(bytes, where);
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readEntry(name, entry, where))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let next = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== next) refuse(where, `offset of ${show(name)}`, String(next), String(begin));
    next = end;
  }
  if (next !== data.length) refuse(where, 'data', `${next} bytes`, `${data.length} bytes`);
  return new Map(
    entries.map(({ name, dtype, shape, begin, end }) => {
      const { buffer } = Uint8Array.from(data.subarray(begin, end)); // a copy is aligned
      return [name, new Tensor(dtype, shape, viewOf(dtype, buffer, 0, sizeOf(shape)))];
    }),
  );
}

interface Entry {
  name: string;
  dtype: DType;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** The parsed header and the bytes after it. */
function split(bytes: Uint8Array, where: string): [Record<string, unknown>, Uint8Array] {
  if (bytes.length < 8) refuse(where, 'file', 'at least 8 bytes long', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  const most = Math.min(longestHeader, bytes.length - 8);
  if (length > most) refuse(where, 'length of the header', `at most ${most}`, String(length));
  const start = 8 + Number(length);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start));
  const header: unknown = JSON.parse(text);
  if (!isRecord(header)) return refuse(where, 'header', 'a JSON object', show(header));
  return [header, bytes.subarray(start)];
}

function readEntry(name: string, entry: unknown, where: string): Entry {
  const { dtype: type, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const dtype = dtypes.get(type);
  if (dtype === undefined)
    return refuse(
      where,
      `type of ${show(name)}`,
      `one of ${[...dtypes.keys()].join(', ')}`,
      show(type),
    );
  if (!isCounts(shape))
    return refuse(where, `shape of ${show(name)}`, 'a list of counts', show(shape));
  if (!isCounts(offsets) || offsets.length !== 2)
    return refuse(where, `offsets of ${show(name)}`, 'two counts', show(offsets));
  const [begin, end] = offsets as [number, number];
  const size = sizeOf(shape) * bytesOf(dtype);
  if (end - begin !== size)
    refuse(where, `${show(name)} of shape ${show(shape)}`, `${size} bytes`, `${end - begin} bytes`);
  return { name, dtype, shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function refuse(where: string, what: string, expected: string, found: string): never {
  throw new TsunoError('FILE', { where, what, expected, found });
}
