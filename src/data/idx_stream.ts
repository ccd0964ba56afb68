/** @file IDX files read by rows, so that no more of them is in memory than is trained on at the moment. */
import { TsunoError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { Dataset } from './dataset.ts';
import { isGzip } from './gzip.ts';
import { type IdxDType, readElements, readHeader, truncated } from './idx.ts';
import { type FileLike, headOf, randomBytes } from './random_bytes.ts';
import { type RowFile, rowFileSource, sampleShapeOf } from './row_file.ts';
import type { StreamingDataset } from './streaming_dataset.ts';

/** The files of a set that is read from disk. */
export interface StreamFiles {
  /** `[n, ...sample]`: a path or `file:` URL in Node, anywhere a `File` or another `Blob`. */
  images: FileLike;
  /** `[n]` class numbers or `[n, classes]` one-hot rows. */
  labels: FileLike;
  /** Names of the classes, in the order of their numbers. */
  classNames?: readonly string[] | undefined;
  /** Shape of one image; default: as in the file. IDX images without an axis of channels get one. */
  shape?: Shape | undefined;
}

/** Bytes of the longest header. */
const longestHeader = 4 + 4 * 8;

/**
 * A data set in two IDX files that are not packed, of any size: each batch is read when it is wanted, ahead of the engine.
 *
 * @throws TsunoError `FILE` where a file cannot be read, `IDX_…` where it is damaged, `UNSUPPORTED` where it is gzip'd,
 * `DATA_MISMATCH` where there are not as many images as labels. Reading throws `DATASET_CHANGED` where a file was changed
 * after this call.
 * @example
 * ```ts
 * const images = new Blob([new Uint8Array([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40])]);
 * const labels = new Blob([new Uint8Array([0, 0, 8, 1, 0, 0, 0, 2, 5, 7])]);
 * const set = await streamIdx({ images, labels });
 * set.sampleShape;                                  // [1, 2, 1]
 * (await set.skip(1).load()).images.toArray(); // [[[[30], [40]]]]
 * ```
 */
export async function streamIdx({
  images,
  labels,
  classNames,
  shape,
}: StreamFiles): Promise<StreamingDataset<IdxDType, IdxDType>> {
  const where = 'streamIdx';
  const x = await idxRows(images, where);
  const withChannels = x.shape.length === 2 ? [...x.shape, 1] : x.shape;
  const file = { ...x, shape: sampleShapeOf(withChannels, shape, where) };
  return Dataset.fromSource(rowFileSource(file, await idxRows(labels, where), classNames, where));
}

async function idxRows(from: FileLike, where: string): Promise<RowFile<IdxDType>> {
  const bytes = await randomBytes(from, where);
  const { name, size } = bytes;
  const head = await headOf(bytes, longestHeader);
  if (isGzip(head)) {
    throw new TsunoError('UNSUPPORTED', {
      where: name,
      what: 'a file that is read by rows',
      expected: 'unpacked',
      found: 'a gzip’d one',
      repair: 'Unpack it with gunzip, or read it whole with readIdx.',
    });
  }
  const header = readHeader(head, name);
  if (size !== header.size) {
    if (size < header.size)
      throw truncated(name, 'file', `${header.size} bytes, as its header says`, size);
    throw new TsunoError('IDX_FORMAT', {
      where: name,
      what: 'file',
      expected: `must end after ${header.size} bytes, as its header says`,
      found: `${size - header.size} more`,
    });
  }
  const { type, start } = header;
  const [length = 0, ...shape] = header.shape;
  return {
    bytes,
    start,
    rowBytes: sizeOf(shape) * type.bytes,
    length,
    dtype: type.dtype,
    shape,
    decode: (found, full) => readElements(found, type, full) as Tensor<IdxDType>,
  };
}
