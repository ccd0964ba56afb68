/**
 * @file What of HDF5 the weights of models need: groups, arrays of numbers, and attributes that are text. `hdf5_read.ts`
 * and `hdf5_write.ts` turn it into bytes and back.
 *
 * @see https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 */
import { bytesOf, type DType } from '../core/dtype.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/** How the elements of an array lie in the file. */
export interface H5Type {
  readonly kind: 'float' | 'integer';
  /** Bytes an element. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  readonly bigEndian: boolean;
}

export interface H5Dataset {
  readonly kind: 'dataset';
  readonly type: H5Type;
  readonly shape: Shape;
  /** The elements as they lie in the file, row-major. */
  readonly bytes: Uint8Array;
}

export interface H5Group {
  readonly kind: 'group';
  readonly children: Map<string, H5Node>;
  /** Text under names in ASCII; readers leave it out. */
  readonly attributes?: Readonly<Record<string, string>>;
}

export type H5Node = H5Group | H5Dataset;

export function h5Group(attributes: Readonly<Record<string, string>> = {}): H5Group {
  return { kind: 'group', children: new Map(), attributes };
}

const little = { signed: true, bigEndian: false } as const;
const types: Readonly<Record<DType, H5Type>> = {
  float32: { kind: 'float', size: 4, ...little },
  // What Keras has as whole numbers, iterations and counts, are int64 in its files.
  int32: { kind: 'integer', size: 8, ...little },
  uint8: { kind: 'integer', size: 1, signed: false, bigEndian: false },
  bool: { kind: 'integer', size: 1, signed: false, bigEndian: false },
};

/** A tensor as Keras stores it; `int32` becomes `int64`. */
export function h5Dataset({ dtype, shape, data }: Tensor): H5Dataset {
  const bytes = new Uint8Array(data.length * types[dtype].size);
  if (dtype === 'int32') {
    const view = new DataView(bytes.buffer);
    data.forEach((x, i) => {
      view.setBigInt64(8 * i, BigInt(x), true);
    });
  } else if (isLittleEndian || bytesOf(dtype) === 1) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  } else {
    const view = new DataView(bytes.buffer);
    data.forEach((x, i) => {
      view.setFloat32(4 * i, x, true);
    });
  }
  return { kind: 'dataset', type: types[dtype], shape, bytes };
}

/** Whether numbers of this machine lie in memory as in files: the least significant byte first. */
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** `float32`, `int64`, …: for messages. */
export function typeName({ kind, size, signed }: H5Type): string {
  return `${kind === 'float' ? 'float' : signed ? 'int' : 'uint'}${8 * size}`;
}

/** The elements as numbers of tensors: floats as `float32`, whole numbers in float64, exact up to 2⁵³. */
export function numbersOf({ type, shape, bytes }: H5Dataset): Float32Array | Float64Array {
  const count = sizeOf(shape);
  const { kind, size, signed, bigEndian } = type;
  if (kind === 'float' && size === 4 && !bigEndian && isLittleEndian) {
    return new Float32Array(new Uint8Array(bytes).buffer, 0, count); // a copy is aligned
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = kind === 'float' ? new Float32Array(count) : new Float64Array(count);
  const read = readerOf(view, kind, size, signed);
  for (let i = 0; i < count; i++) out[i] = read(i * size, !bigEndian);
  return out;
}

function readerOf(
  view: DataView,
  kind: H5Type['kind'],
  size: H5Type['size'],
  signed: boolean,
): (at: number, little: boolean) => number {
  if (kind === 'float') {
    if (size === 8) return (at, little) => view.getFloat64(at, little);
    if (size === 4) return (at, little) => view.getFloat32(at, little);
    return (at, little) => float16(view.getUint16(at, little));
  }
  if (size === 8) {
    return signed
      ? (at, little) => Number(view.getBigInt64(at, little))
      : (at, little) => Number(view.getBigUint64(at, little));
  }
  if (size === 4) {
    return signed
      ? (at, little) => view.getInt32(at, little)
      : (at, little) => view.getUint32(at, little);
  }
  if (size === 2) {
    return signed
      ? (at, little) => view.getInt16(at, little)
      : (at, little) => view.getUint16(at, little);
  }
  return signed ? (at) => view.getInt8(at) : (at) => view.getUint8(at);
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
