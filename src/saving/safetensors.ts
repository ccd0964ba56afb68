/**
 * @file Safetensors: an 8-byte length, a JSON header of names, types, shapes and offsets, then the elements, little-endian
 * and without gaps. Read strictly: what two programs could understand differently is refused, each rule with a code of
 * its own.
 *
 * @see https://github.com/huggingface/safetensors#format
 */
import { bytesOf, type DType } from '../core/dtype.ts';
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { decodeUtf8 } from './byte_reader.ts';
import { ByteWriter } from './byte_writer.ts';
import {
  byteLength,
  bytesFrom,
  type ElementType,
  isShape,
  tensorFrom,
  typeOf,
} from './elements.ts';
import { type Json, parseJson } from './strict_json.ts';

/** Bytes of the longest header, by the format. */
const longestHeader = 100_000_000;

const little = { bigEndian: false } as const;
const types = new Map<unknown, ElementType>([
  ['F64', { kind: 'float', size: 8, signed: true, ...little }],
  ['F32', { kind: 'float', size: 4, signed: true, ...little }],
  ['F16', { kind: 'float', size: 2, signed: true, ...little }],
  ['BF16', { kind: 'bfloat', size: 2, signed: true, ...little }],
  ['I64', { kind: 'integer', size: 8, signed: true, ...little }],
  ['I32', { kind: 'integer', size: 4, signed: true, ...little }],
  ['I16', { kind: 'integer', size: 2, signed: true, ...little }],
  ['I8', { kind: 'integer', size: 1, signed: true, ...little }],
  ['U64', { kind: 'integer', size: 8, signed: false, ...little }],
  ['U32', { kind: 'integer', size: 4, signed: false, ...little }],
  ['U16', { kind: 'integer', size: 2, signed: false, ...little }],
  ['U8', { kind: 'integer', size: 1, signed: false, ...little }],
  ['BOOL', { kind: 'bool', size: 1, signed: false, ...little }],
]);
const names: Readonly<Record<DType, string>> = {
  float32: 'F32',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};

interface Entry {
  name: string;
  type: ElementType;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * The tensors of a file by name, in the order of their bytes. Floats become `float32`, whole numbers `int32`.
 *
 * @param where the file's name, for messages.
 * @throws TsunoError with a code that begins with `SAFETENSORS_`, where the bytes are not exactly what the format says.
 * @example
 * ```ts
 * const bytes = writeSafetensors({ 'dense/bias': tensor([1, 2]) });
 * readSafetensors(bytes).get('dense/bias')?.toArray(); // [1, 2]
 * ```
 * @see https://huggingface.co/docs/safetensors/index#format
 */
export function readSafetensors(bytes: Uint8Array, where = 'safetensors'): Map<string, Tensor> {
  const refuse = refuserOf(where);
  if (bytes.length < 8)
    throw refuse('SAFETENSORS_LENGTH', 'file', 'at least 8 bytes long', `${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > longestHeader)
    throw refuse(
      'SAFETENSORS_HEADER_LIMIT',
      'header',
      `at most ${longestHeader} bytes`,
      `${length}`,
    );
  const start = 8 + Number(length);
  if (start > bytes.length)
    throw refuse('SAFETENSORS_LENGTH', 'file', `at least ${start} bytes long`, `${bytes.length}`);
  const entries = readHeader(bytes.subarray(8, start), where);
  checkOffsets(entries, bytes.length - start, where);
  return new Map(
    entries.map(({ name, type, shape, begin, end }) => {
      const place = { where, name, code: 'SAFETENSORS_DTYPE' } as const;
      return [name, tensorFrom(bytes.subarray(start + begin, start + end), type, shape, place)];
    }),
  );
}

type Refuser = (code: ErrorCode, what: string, expected: string, found: string) => TsunoError;

function refuserOf(where: string): Refuser {
  return (code, what, expected, found) => new TsunoError(code, { where, what, expected, found });
}

function isRecord(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The entries in the order of their bytes. */
function readHeader(bytes: Uint8Array, where: string): Entry[] {
  const refuse = refuserOf(where);
  const code = 'SAFETENSORS_HEADER';
  const text = decodeUtf8(bytes, () => refuse(code, 'header', 'UTF-8', 'other bytes'));
  if (!text.startsWith('{'))
    throw refuse('SAFETENSORS_HEADER_START', 'header', 'begun with {', show(text.slice(0, 8)));
  const limits = {
    code,
    duplicateCode: 'SAFETENSORS_DUPLICATE',
    size: longestHeader,
    depth: 4,
  } as const;
  const header = parseJson(text, `${where}, header`, limits);
  const { __metadata__: metadata, ...described } = header as { [key: string]: Json };
  const isText = (value: Json) => typeof value === 'string';
  if (metadata !== undefined && !(isRecord(metadata) && Object.values(metadata).every(isText)))
    throw refuse('SAFETENSORS_METADATA', '__metadata__', 'text under names', show(metadata));
  return Object.entries(described)
    .map(([name, entry]) => readEntry(name, entry, refuse))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
}

function readEntry(name: string, entry: Json, refuse: Refuser): Entry {
  const keys = isRecord(entry) ? Object.keys(entry).sort().join() : '';
  if (!isRecord(entry) || keys !== 'data_offsets,dtype,shape')
    throw refuse(
      'SAFETENSORS_ENTRY',
      show(name),
      '{dtype, shape, data_offsets}',
      keys || show(entry),
    );
  const { dtype, shape, data_offsets: offsets } = entry;
  const type = types.get(dtype);
  if (!type) {
    const known = `one of ${[...types.keys()].join(', ')}`;
    throw refuse('SAFETENSORS_DTYPE', `type of ${show(name)}`, known, show(dtype));
  }
  if (!isShape(shape))
    throw refuse('SAFETENSORS_SHAPE', `shape of ${show(name)}`, 'a list of counts', show(shape));
  const [begin, end] =
    isShape(offsets) && offsets.length === 2 ? (offsets as [number, number]) : [1, 0];
  if (begin > end)
    throw refuse('SAFETENSORS_OFFSETS', `offsets of ${show(name)}`, '[begin, end]', show(offsets));
  const size = byteLength(type, shape);
  if (end - begin !== size) {
    const what = `${show(name)} of shape ${show(shape)}`;
    throw refuse('SAFETENSORS_SIZE', what, `${size} bytes`, `${end - begin}`);
  }
  return { name, type, shape, begin, end };
}

/** Tensors must follow each other from the first byte to the last. */
function checkOffsets(entries: readonly Entry[], length: number, where: string): void {
  const refuse = refuserOf(where);
  let next = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== next)
      throw refuse('SAFETENSORS_GAP', `offset of ${show(name)}`, `${next}`, `${begin}`);
    next = end;
  }
  if (next > length)
    throw refuse('SAFETENSORS_LENGTH', 'data', `${next} bytes long`, `${length} bytes`);
  if (next < length)
    throw refuse('SAFETENSORS_END', 'data', `${next} bytes long`, `${length} bytes`);
}

/**
 * Tensors as the bytes of a file, in this order.
 *
 * @param tensors by name; `__metadata__` is no name.
 * @param metadata text under names, kept in the header.
 * @throws TsunoError `ARGUMENT` for that name.
 * @example
 * ```ts
 * const bytes = writeSafetensors({ x: tensor([1, 2, 3]) });
 * bytes.byteLength > 0; // true
 * ```
 * @see https://huggingface.co/docs/safetensors/index#format
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const list: [string, Tensor][] =
    tensors instanceof Map ? [...tensors] : Object.entries(tensors as Record<string, Tensor>);
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let next = 0;
  for (const [name, { dtype, shape, size }] of list) {
    if (name === '__metadata__' || name === '__proto__') {
      const details = { what: 'name of a tensor', expected: 'another', found: show(name) };
      throw new TsunoError('ARGUMENT', { where: 'writeSafetensors', ...details });
    }
    const end = next + size * bytesOf(dtype);
    header[name] = { dtype: names[dtype], shape, data_offsets: [next, end] };
    next = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const writer = new ByteWriter(new Uint8Array(8 + padded + next).fill(0x20, 8, 8 + padded));
  writer
    .u64(padded)
    .put(text)
    .seek(8 + padded);
  for (const [, { dtype, data }] of list) writer.put(bytesFrom(data, typeOf(dtype)));
  return writer.bytes;
}
