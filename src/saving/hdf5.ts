/**
 * @file What of HDF5 the weights of models need: groups, arrays of numbers, and attributes that are text. `hdf5_read.ts`
 * and `hdf5_write.ts` turn it into bytes and back.
 *
 * @see https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 */
import { type Shape, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { bytesFrom, type ElementType, numbersFrom, typeOf } from './elements.ts';

export interface H5Dataset {
  readonly kind: 'dataset';
  readonly type: ElementType;
  readonly shape: Shape;
  /** The elements as they lie in the file, row-major. */
  readonly bytes: Uint8Array;
}

export interface H5Group {
  readonly kind: 'group';
  readonly children: Map<string, H5Node>;
  /** Text under names in ASCII, as it is written. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Text that was read, one or a list under each name, where the reader was asked for it. */
  readonly texts?: ReadonlyMap<string, readonly string[]>;
}

export type H5Node = H5Group | H5Dataset;

export function h5Group(attributes: Readonly<Record<string, string>> = {}): H5Group {
  return { kind: 'group', children: new Map(), attributes };
}

/** A tensor as Keras stores it: what it has as whole numbers, iterations and counts, are `int64` in its files. */
export function h5Dataset(tensor: Tensor): H5Dataset {
  const type = tensor.dtype === 'int32' ? int64 : typeOf(tensor.dtype);
  return { kind: 'dataset', type, shape: tensor.shape, bytes: bytesFrom(tensor.data, type) };
}

const int64: ElementType = { kind: 'integer', size: 8, signed: true, bigEndian: false };

/** The elements as numbers of tensors: floats as `float32`, whole numbers in float64, exact up to 2⁵³. */
export function datasetNumbers({ type, shape, bytes }: H5Dataset): Float32Array | Float64Array {
  return numbersFrom(bytes, type, sizeOf(shape));
}
