/**
 * @file The IDX format, in which MNIST and its relatives are published: two zero bytes, a type byte, the number of
 * axes, the extents as 32-bit numbers, then the elements; everything big-endian. Read strictly, gzip'd or not; sizes
 * are compared with the bytes present before anything is allocated by them.
 */
import { allocate } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { gunzip, isGzip } from './gzip.ts';

export interface IdxOptions {
  /** The file, for messages. Default `idx`. */
  name?: string;
  /** Whether bytes may follow the last element. Default `false`. */
  allowTrailing?: boolean;
  /** The most bytes that a gzip'd file may unpack to. Default 2 GiB. */
  maxBytes?: number;
}

/** Types of what an IDX file can hold. */
export type IdxDType = 'uint8' | 'int32' | 'float32';

/** What an IDX file can hold: check `dtype` to know which. */
export type IdxTensor = Tensor<'uint8'> | Tensor<'int32'> | Tensor<'float32'>;

/**
 * Reads an IDX file, gzip'd or not. 8- and 16-bit integers become `int32`, doubles `float32`; unsigned bytes stay
 * `uint8` and are a view of `bytes`.
 *
 * @throws TsunoError `IDX_TRUNCATED` where bytes are missing; `IDX_FORMAT` where the beginning is not that of an IDX
 * file, bytes follow the last element, or gzip data are damaged; `MEMORY` where the file unpacks to more than
 * `maxBytes`.
 *
 * @example
 * ```ts
 * const file = new Uint8Array([0, 0, 0x08, 1, 0, 0, 0, 3, 5, 0, 4]);
 * const labels = await readIdx(file, { name: 'labels-idx1-ubyte' });
 * labels.shape;     // [3]
 * labels.toArray(); // [5, 0, 4]
 * ```
 * @see http://yann.lecun.com/exdb/mnist/ "the IDX file format"
 */
export async function readIdx(bytes: Uint8Array, options: IdxOptions = {}): Promise<IdxTensor> {
  return parseIdx(await unpackIdx(bytes, options), options);
}

/** Reads an IDX file that is not packed; see {@link readIdx}. */
export function parseIdx(bytes: Uint8Array, options: IdxOptions = {}): IdxTensor {
  const { name = 'idx', allowTrailing = false } = options;
  const header = readHeader(bytes, name);
  if (bytes.length < header.size) {
    throw truncated(name, 'file', `${header.size} bytes, as its header says`, bytes.length);
  }
  if (bytes.length > header.size && !allowTrailing) {
    throw trailing(name, header.size, `${bytes.length - header.size} more`);
  }
  const { type, shape, start, size } = header;
  return readElements(bytes.subarray(start, size), type, shape);
}

/**
 * The file as {@link parseIdx} wants it: gzip'd bytes unpacked, others as they are. Unpacking stops at the size that
 * the header inside promises.
 */
export async function unpackIdx<B extends ArrayBufferLike>(
  bytes: Uint8Array<B>,
  options: IdxOptions = {},
): Promise<Uint8Array<B | ArrayBuffer>> {
  if (!isGzip(bytes)) return bytes;
  const { name = 'idx', allowTrailing = false, maxBytes = 2 ** 31 } = options;
  const pieces: Uint8Array[] = [];
  let found = 0;
  let promised: number | undefined;
  for await (const piece of gunzip(bytes, name)) {
    pieces.push(piece);
    found += piece.length;
    if (promised === undefined) {
      const head = join(pieces, found);
      if (found < headerSize(head)) continue;
      promised = readHeader(head, name).size;
      if (promised > maxBytes) {
        throw new TsunoError('MEMORY', {
          where: name,
          what: 'unpacked size',
          expected: `at most ${maxBytes} bytes (maxBytes)`,
          found: String(promised),
        });
      }
    }
    if (found > promised) {
      if (!allowTrailing) throw trailing(name, promised, `at least ${found - promised} more`);
      break;
    }
  }
  return join(pieces, Math.min(found, promised ?? found));
}

interface ElementType {
  dtype: IdxDType;
  /** In the file. */
  bytes: number;
  read(view: DataView, at: number): number;
}

/** By the type byte. */
const elementTypes: ReadonlyMap<number, ElementType> = new Map([
  [0x08, { dtype: 'uint8', bytes: 1, read: (view, at) => view.getUint8(at) }],
  [0x09, { dtype: 'int32', bytes: 1, read: (view, at) => view.getInt8(at) }],
  [0x0b, { dtype: 'int32', bytes: 2, read: (view, at) => view.getInt16(at) }],
  [0x0c, { dtype: 'int32', bytes: 4, read: (view, at) => view.getInt32(at) }],
  [0x0d, { dtype: 'float32', bytes: 4, read: (view, at) => view.getFloat32(at) }],
  [0x0e, { dtype: 'float32', bytes: 8, read: (view, at) => view.getFloat64(at) }],
]);

/** The format would allow 255; no data set has more than 8, whose product is still a number. */
const maxRank = 8;

interface Header {
  type: ElementType;
  shape: number[];
  /** Where the elements begin. */
  start: number;
  /** Of the whole file, in bytes. */
  size: number;
}

/** Bytes that a file beginning with `head` needs for its header. */
function headerSize(head: Uint8Array): number {
  return 4 + 4 * (head[3] ?? 0);
}

/** What the beginning of a file says. @throws TsunoError where it is none of IDX. */
export function readHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length < 4) throw truncated(name, 'IDX header', '4 bytes', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = elementTypes.get(view.getUint8(2));
  const rank = view.getUint8(3);
  if (view.getUint16(0) !== 0 || !type || rank < 1 || rank > maxRank) {
    throw new TsunoError('IDX_FORMAT', {
      where: name,
      what: 'file',
      expected: `must begin with 00 00, a type of 08, 09, 0b, 0c, 0d or 0e, and a rank of 01 to 0${maxRank}`,
      found: Array.from(bytes.subarray(0, 4), hex).join(' '),
      repair: 'The file is not in the IDX format.',
    });
  }
  const start = headerSize(bytes);
  if (bytes.length < start) throw truncated(name, 'IDX header', `${start} bytes`, bytes.length);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { type, shape, start, size: start + sizeOf(shape) * type.bytes };
}

/** Elements as a tensor; of bytes, a view of them. */
export function readElements(bytes: Uint8Array, type: ElementType, shape: Shape): IdxTensor {
  const { buffer, byteOffset, length } = bytes;
  if (type.dtype === 'uint8') {
    return new Tensor('uint8', shape, new Uint8Array(buffer, byteOffset, length));
  }
  const view = new DataView(buffer, byteOffset, length);
  const data = allocate(type.dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = type.read(view, i * type.bytes);
  return new Tensor(type.dtype, shape, data) as IdxTensor;
}

/** A file that ends too early. */
export function truncated(name: string, what: string, needed: string, found: number): TsunoError {
  return new TsunoError('IDX_TRUNCATED', {
    where: name,
    what,
    expected: `must have ${needed}`,
    found: String(found),
    repair: 'The file is cut short: copy or download it again.',
  });
}

function trailing(name: string, size: number, found: string): TsunoError {
  return new TsunoError('IDX_FORMAT', {
    where: name,
    what: 'file',
    expected: `must end after ${size} bytes, as its header says`,
    found,
    repair: 'Pass allowTrailing: true to read it nevertheless.',
  });
}

/** Two digits a byte. */
export function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** The first `length` bytes of all pieces together. */
function join(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece.subarray(0, length - at), at);
    at = Math.min(length, at + piece.length);
  }
  return out;
}
