/**
 * @file Elements of arrays in files: the types formats have, and how they become the types tensors have: floats of any
 * width `float32`, whole numbers `int32`, bytes `uint8`.
 */
import { type AnyArray, allocate, type DType } from '../core/dtype.ts';
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';

/** How an element lies in a file. `bfloat` is the upper half of a float32, `bool` a byte of 0 or 1. */
export interface ElementType {
  readonly kind: 'float' | 'bfloat' | 'integer' | 'bool';
  /** Bytes an element. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  readonly bigEndian: boolean;
}

const types: Readonly<Record<DType, ElementType>> = {
  float32: { kind: 'float', size: 4, signed: true, bigEndian: false },
  int32: { kind: 'integer', size: 4, signed: true, bigEndian: false },
  uint8: { kind: 'integer', size: 1, signed: false, bigEndian: false },
  bool: { kind: 'bool', size: 1, signed: false, bigEndian: false },
};

/** The type that holds a tensor's elements as they are. */
export function typeOf(dtype: DType): ElementType {
  return types[dtype];
}

/** `float32`, `int64`, …: for messages. */
export function typeName({ kind, size, signed }: ElementType): string {
  if (kind === 'bool') return kind;
  return `${kind === 'integer' ? (signed ? 'int' : 'uint') : kind}${8 * size}`;
}

/** Whether numbers of this machine lie in memory as in files: the least significant byte first. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Elements as numbers: floats as `float32`, whole numbers in float64, exact up to 2⁵³. */
export function numbersFrom(
  bytes: Uint8Array,
  type: ElementType,
  count: number,
): Float32Array | Float64Array {
  const { kind, size, bigEndian } = type;
  const isFloat = kind === 'float' || kind === 'bfloat';
  if (kind === 'float' && size === 4 && !bigEndian && isLittleEndian)
    return new Float32Array(new Uint8Array(bytes).buffer, 0, count); // a copy is aligned
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = reader(view, type);
  const out = isFloat ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = read(i * size);
  return out;
}

function reader(
  view: DataView,
  { kind, size, signed, bigEndian }: ElementType,
): (at: number) => number {
  const little = !bigEndian;
  if (kind === 'bfloat') {
    const word = new DataView(new ArrayBuffer(4));
    return (at) => {
      word.setUint32(0, view.getUint16(at, little) << 16);
      return word.getFloat32(0);
    };
  }
  if (kind === 'float') {
    if (size === 8) return (at) => view.getFloat64(at, little);
    return size === 4
      ? (at) => view.getFloat32(at, little)
      : (at) => float16(view.getUint16(at, little));
  }
  if (size === 8)
    return (at) => Number(signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little));
  if (size === 4) return (at) => (signed ? view.getInt32(at, little) : view.getUint32(at, little));
  if (size === 2) return (at) => (signed ? view.getInt16(at, little) : view.getUint16(at, little));
  return (at) => (signed ? view.getInt8(at) : view.getUint8(at));
}

/** The number that 16 bits of IEEE 754 mean. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bytes of numbers in a little-endian type that holds them. */
export function bytesFrom(numbers: AnyArray, { kind, size }: ElementType): Uint8Array {
  const sameWidth = numbers.BYTES_PER_ELEMENT === size;
  if (sameWidth && (isLittleEndian || size === 1))
    return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const bytes = new Uint8Array(numbers.length * size);
  const view = new DataView(bytes.buffer);
  numbers.forEach((x, i) => {
    if (size === 8) view.setBigInt64(8 * i, BigInt(x), true);
    else if (kind === 'float') view.setFloat32(4 * i, x, true);
    else view.setInt32(4 * i, x, true);
  });
  return bytes;
}

/** The type of tensors that elements become: floats of any width `float32`, whole numbers `int32`, bytes `uint8`. */
export function dtypeOf({ kind, size, signed }: ElementType): DType {
  if (kind === 'bool') return 'bool';
  if (kind !== 'integer') return 'float32';
  return size === 1 && !signed ? 'uint8' : 'int32';
}

/** What errors say about an array: file, name, and the code of its format. */
export interface ArrayPlace {
  where: string;
  name: string;
  code: ErrorCode;
}

/**
 * A tensor of elements in a file; it owns its numbers.
 *
 * @throws TsunoError with the code of the place, where whole numbers need more than 32 bits or booleans are not 0 or 1.
 */
export function tensorFrom(
  bytes: Uint8Array,
  type: ElementType,
  shape: Shape,
  { where, name, code }: ArrayPlace,
): Tensor {
  const { size, signed } = type;
  const dtype = dtypeOf(type);
  if (dtype === 'uint8') return new Tensor('uint8', shape, new Uint8Array(bytes));
  if (dtype === 'int32' && size === 4 && signed && !type.bigEndian && isLittleEndian)
    return new Tensor('int32', shape, new Int32Array(new Uint8Array(bytes).buffer));
  const numbers = numbersFrom(bytes, type, sizeOf(shape));
  if (dtype === 'float32') return new Tensor('float32', shape, numbers as Float32Array);
  const data = allocate(dtype, numbers.length);
  data.set(numbers);
  const wrong =
    dtype === 'bool' ? numbers.findIndex((x) => x > 1) : numbers.findIndex((x, i) => x !== data[i]);
  if (wrong < 0) return new Tensor(dtype, shape, data);
  throw new TsunoError(code, {
    where,
    what: `element ${wrong} of ${show(name)}`,
    expected: dtype === 'bool' ? '0 or 1' : 'within 32 bits',
    found: String(numbers[wrong]),
  });
}

/** Bytes that a tensor of this type and shape takes. */
export function byteLength(type: Pick<ElementType, 'size'>, shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1) * type.size;
}

/** Whether `shape` is a list of counts, of which even those above 0 alone make a number that can be counted with. */
export function isShape(shape: unknown): shape is number[] {
  const isCount = (extent: unknown) => Number.isSafeInteger(extent) && (extent as number) >= 0;
  if (!Array.isArray(shape) || shape.length > 64 || !shape.every(isCount)) return false;
  const product = (shape as number[]).reduce((size, extent) => size * Math.max(1, extent), 8);
  return Number.isSafeInteger(product);
}
