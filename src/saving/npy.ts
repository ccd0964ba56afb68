/**
 * @file NumPy's arrays: `.npy` files of one array and `.npz` archives of several. Read strictly; arrays of Python objects
 * are refused, since reading them runs code.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import type { DType } from '../core/dtype.ts';
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { ByteReader } from './byte_reader.ts';
import { ByteWriter } from './byte_writer.ts';
import {
  byteLength,
  bytesFrom,
  type ElementType,
  isShape,
  tensorFrom,
  typeOf,
} from './elements.ts';
import { unzipMember, writeZip, zipMembers } from './zip.ts';

const magic = '\x93NUMPY';
/** Bytes of the longest header; NumPy's own limit for files it does not trust. */
const longestHeader = 10_000;
const descriptions: Readonly<Record<DType, string>> = {
  float32: '<f4',
  int32: '<i4',
  uint8: '|u1',
  bool: '|b1',
};

/**
 * The array of an `.npy` file. Floats become `float32`, whole numbers `int32`; arrays in Fortran's order are transposed.
 *
 * @param where the file's name, for messages.
 * @throws TsunoError `NPY` where the bytes are not exactly what the format says, `NPY_OBJECTS` for Python objects.
 * @example
 * ```ts
 * readNpy(writeNpy(tensor([[1, 2], [3, 4]]))).shape; // [2, 2]
 * ```
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(bytes: Uint8Array, where = 'npy'): Tensor {
  const reader = new ByteReader(bytes, where, 'NPY');
  const { type, fortran, shape, data } = npyHeader(reader);
  const size = byteLength(type, shape);
  if (reader.length - data !== size)
    throw reader.error(
      data,
      `data of shape ${show(shape)}`,
      `${size} bytes`,
      `${reader.length - data}`,
    );
  const place = { where, name: 'array', code: 'NPY' } as const;
  const stored = tensorFrom(reader.slice(data, size, 'data'), type, shape, place);
  return fortran && shape.length > 1 ? rowMajor(stored) : stored;
}

/** Bytes at the beginning of a file among which its header is. */
export const longestNpyHeader = longestHeader + 12;

/** What an array is, and at which byte of the file its elements begin. @throws TsunoError `NPY`, `NPY_OBJECTS`. */
export function npyHeader(reader: ByteReader): NpyHeader & { data: number } {
  const found = reader.slice(0, 6, 'file');
  if (String.fromCharCode(...found) !== magic) throw notAnArray(reader, found);
  const version = reader.u8(6, 'version');
  if (version < 1 || version > 3 || reader.u8(7, 'version') !== 0)
    throw reader.error(6, 'version', '1.0, 2.0 or 3.0', `${version}.${reader.u8(7, 'version')}`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? reader.u16(8, 'length') : reader.u32(8, 'length');
  if (length > longestHeader)
    throw reader.error(8, 'length of the header', `at most ${longestHeader}`, String(length));
  const text = reader.text(start, length, 'header');
  return { ...readHeader(reader, start, text), data: start + length };
}

function notAnArray(reader: ByteReader, found: Uint8Array): TsunoError {
  const isPickle = found[0] === 0x80 && found[1]! <= 5;
  if (!isPickle) return reader.error(0, 'file', 'an array of NumPy', 'other bytes');
  return objects(reader, 0, 'a pickle');
}

function objects(reader: ByteReader, at: number, found: string): TsunoError {
  return new TsunoError('NPY_OBJECTS', {
    where: `${reader.where}, byte ${at}`,
    what: 'array',
    expected: 'of numbers',
    found,
    repair:
      'Reading Python objects runs code. Convert them in Python: numpy.asarray(x, dtype="float32").',
  });
}

interface NpyHeader {
  type: ElementType;
  fortran: boolean;
  shape: number[];
}

/** The header is a dictionary in Python's spelling: three keys, each once. */
const dictionary =
  /^\{\s*(?:'(?:descr|fortran_order|shape)'\s*:\s*(?:'[^'\\]*'|True|False|\([\d, ]*\)|\[[^\]]*\])(?:\s*,)?\s*){3}\}\s*$/;

function readHeader(reader: ByteReader, at: number, text: string): NpyHeader {
  const refuse = (what: string, expected: string, found: string) =>
    reader.error(at, what, expected, found);
  if (/'[<>|=]?O\d*'/.test(text)) throw objects(reader, at, 'Python objects');
  const entries = [
    ...text.matchAll(/'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([\d, ]*\)|\[)/g),
  ];
  const header = new Map(entries.map(([, key, value]) => [key!, value!]));
  if (!dictionary.test(text) || header.size !== 3)
    throw refuse('header', "{'descr': …, 'fortran_order': …, 'shape': …}", show(text));
  const descr = header.get('descr')!;
  const shapeText = header.get('shape')!;
  const shape = /^\((\d+(, ?\d+)*,?)?\)$/.test(shapeText)
    ? shapeText
        .slice(1, -1)
        .split(',')
        .filter((part) => part.trim() !== '')
        .map(Number)
    : undefined;
  if (!isShape(shape)) throw refuse('shape', 'a tuple of counts', shapeText);
  const fortran = header.get('fortran_order');
  if (fortran !== 'True' && fortran !== 'False')
    throw refuse('fortran_order', 'True or False', show(fortran));

  return { type: typeNamed(reader, at, descr), fortran: fortran === 'True', shape };
}

function typeNamed(reader: ByteReader, at: number, descr: string): ElementType {
  const [, order, kind, digits] = /^'([<>|])([fiub])([1248])'$/.exec(descr) ?? [];
  const size = Number(digits) as ElementType['size'];
  const isKnown =
    kind !== undefined &&
    (kind === 'f' ? size > 1 : kind === 'b' ? size === 1 : true) &&
    (order !== '|' || size === 1);
  if (!isKnown) throw reader.error(at, 'type', 'of floats, whole numbers or booleans', descr);
  const kinds = { f: 'float', i: 'integer', u: 'integer', b: 'bool' } as const;
  return {
    kind: kinds[kind as keyof typeof kinds],
    size,
    signed: kind === 'f' || kind === 'i',
    bigEndian: order === '>',
  };
}

/** An array whose first index runs fastest, with its last index running fastest. */
function rowMajor({ dtype, shape, data }: Tensor): Tensor {
  const out = new Tensor(dtype, shape);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    out.data[i] = data[index.reduce((sum, at, axis) => sum + at * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * A tensor as the bytes of an `.npy` file, version 1.0.
 *
 * @example
 * ```ts
 * readNpy(writeNpy(tensor([1, 2, 3]))).shape; // [3]
 * ```
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function writeNpy({ dtype, shape, data }: Tensor): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const numbers = bytesFrom(data, typeOf(dtype));
  const writer = new ByteWriter(new Uint8Array(10 + length + numbers.length));
  const encode = (part: string) => Uint8Array.from(part, (character) => character.charCodeAt(0));
  writer
    .put(encode(magic))
    .u8(1)
    .u8(0)
    .u16(length)
    .put(encode(`${text.padEnd(length - 1)}\n`));
  return writer.put(numbers).bytes;
}

/** Bytes of an array that may be packed as small as one likes: masks and labels are often all the same. */
const mostZeros = 64 * 2 ** 20;

/**
 * The arrays of an `.npz` archive by name, without `.npy`.
 *
 * @throws TsunoError `ZIP`, `ZIP_LIMIT`, `NPY` or `NPY_OBJECTS`.
 * @example
 * ```ts
 * const bytes = writeNpz({ x: tensor([1, 2, 3]) });
 * (await readNpz(bytes)).get('x')?.toArray(); // [1, 2, 3]
 * ```
 * @see https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
export async function readNpz(bytes: Uint8Array, where = 'npz'): Promise<Map<string, Tensor>> {
  const arrays = new Map<string, Tensor>();
  for (const member of zipMembers(bytes, where, { expansion: mostZeros }).values()) {
    const { name } = member;
    if (!name.endsWith('.npy')) throw notNpy(where, name, 'ZIP');
    const array = await unzipMember(bytes, member, where);
    arrays.set(name.slice(0, -'.npy'.length), readNpy(array, `${where}, ${name}`));
  }
  return arrays;
}

function notNpy(where: string, name: string, code: ErrorCode): TsunoError {
  return new TsunoError(code, {
    where,
    what: 'member',
    expected: 'named *.npy',
    found: show(name),
  });
}

/**
 * Tensors as the bytes of an `.npz` archive, as `numpy.savez` writes it.
 *
 * @example
 * ```ts
 * [...(await readNpz(writeNpz({ x: images, y: labels }))).keys()]; // ["x","y"]
 * ```
 * @see https://numpy.org/doc/stable/reference/generated/numpy.savez.html
 */
export function writeNpz(
  tensors: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>,
): Uint8Array<ArrayBuffer> {
  const list: [string, Tensor][] =
    tensors instanceof Map ? [...tensors] : Object.entries(tensors as Record<string, Tensor>);
  return writeZip(list.map(([name, array]) => [`${name}.npy`, writeNpy(array)]));
}
