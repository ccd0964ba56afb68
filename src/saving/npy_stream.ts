/** @file NumPy's `.npy` files read by rows, so that no more of them is in memory than is trained on at the moment. */
import { show, TsunoError } from '../core/errors.ts';
import { Dataset } from '../data/dataset.ts';
import type { StreamFiles } from '../data/idx_stream.ts';
import { type FileLike, headOf, randomBytes } from '../data/random_bytes.ts';
import { type RowFile, rowFileSource, sampleShapeOf } from '../data/row_file.ts';
import type { StreamingDataset } from '../data/streaming_dataset.ts';
import { ByteReader } from './byte_reader.ts';
import { byteLength, dtypeOf, tensorFrom } from './elements.ts';
import { longestNpyHeader, npyHeader } from './npy.ts';

/**
 * A data set in two `.npy` files, of any size: each batch is read when it is wanted, ahead of the engine. Floats become
 * `float32`, whole numbers `int32`, bytes `uint8`.
 *
 * @throws TsunoError `FILE` where a file cannot be read, `NPY` or `NPY_OBJECTS` where it is no array of numbers,
 * `UNSUPPORTED` where it is in Fortran's order, `DATA_MISMATCH` where there are not as many images as labels. Reading
 * throws `DATASET_CHANGED` where a file was changed after this call.
 * @example
 * ```ts
 * const images = new Blob([writeNpy(tensor([[1, 2], [3, 4], [5, 6]]))]);
 * const labels = new Blob([writeNpy(tensor(Int32Array.of(0, 1, 0)))]);
 * const set = await streamNpy({ images, labels });
 * (await set.skip(1).load()).images.toArray(); // [[3, 4], [5, 6]]
 * ```
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export async function streamNpy({
  images,
  labels,
  classNames,
  shape,
}: StreamFiles): Promise<StreamingDataset> {
  const where = 'streamNpy';
  const x = await npyRows(images, where);
  const file = { ...x, shape: sampleShapeOf(x.shape, shape, where) };
  return Dataset.fromSource(rowFileSource(file, await npyRows(labels, where), classNames, where));
}

async function npyRows(from: FileLike, where: string): Promise<RowFile> {
  const bytes = await randomBytes(from, where);
  const { name, size } = bytes;
  const head = await headOf(bytes, longestNpyHeader);
  const reader = new ByteReader(head, name, 'NPY');
  const { type, fortran, shape: full, data } = npyHeader(reader);
  const [length, ...shape] = full;
  if (length === undefined)
    throw reader.error(data, 'array', 'must have an axis of samples', 'one number');
  if (fortran && full.length > 1) {
    throw new TsunoError('UNSUPPORTED', {
      where: name,
      what: 'an array that is read by rows',
      expected: "must be in C's order",
      found: "one in Fortran's",
      repair: 'Write it anew in Python: numpy.save(path, numpy.ascontiguousarray(x)).',
    });
  }
  const wanted = byteLength(type, full);
  if (size - data !== wanted)
    throw reader.error(data, `data of shape ${show(full)}`, `${wanted} bytes`, `${size - data}`);
  return {
    bytes,
    start: data,
    rowBytes: byteLength(type, shape),
    length,
    dtype: dtypeOf(type),
    shape,
    decode: (found, to) => tensorFrom(found, type, to, { where: name, name: 'array', code: 'NPY' }),
  };
}
