/**
 * @file The layout of MNIST on disk, which many data sets share: four IDX files, images and labels of a training and
 * a test part, each plain or gzip'd (`.gz`). A folder or server in, data sets out.
 */
import { show, TsunoError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import { Dataset } from './dataset.ts';
import { checkSum, type Folder } from './files.ts';
import { parseIdx, unpackIdx } from './idx.ts';

/** The two parts of such a data set. */
export type Part = 'train' | 'test';

/** Bytes in, bytes out: images `uint8` `[n, 28, 28, 1]`, labels `uint8` `[n]`. */
export type ByteDataset = Dataset<'uint8', 'uint8'>;

/** One data set in this layout. */
export interface MnistLayout {
  /** For messages. */
  name: string;
  classNames: readonly string[];
  /** SHA-256 of each unpacked file, where the files must be the originals. */
  sums: Readonly<Record<string, string>> | undefined;
}

const fileNames: Readonly<Record<Part, { images: string; labels: string }>> = {
  train: { images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte' },
  test: { images: 't10k-images-idx3-ubyte', labels: 't10k-labels-idx1-ubyte' },
};

/** All four file names, for messages. */
export const mnistFileNames: readonly string[] = Object.values(fileNames).flatMap(
  ({ images, labels }) => [images, labels],
);

/**
 * The parts named, or both.
 *
 * @throws TsunoError `FILE` where a file is missing or not as this layout wants it, `CHECKSUM` where it is not the
 * original, `DATA_MISMATCH` where there are not as many images as labels, `IDX_…` where a file is damaged.
 */
export async function loadMnistFiles<P extends Part>(
  layout: MnistLayout,
  folder: Folder,
  only: P | undefined,
): Promise<Record<P, ByteDataset>> {
  if (only !== undefined && !Object.hasOwn(fileNames, only)) {
    throw new TsunoError('ARGUMENT', {
      where: layout.name,
      what: 'only',
      expected: "'train' or 'test'",
      found: show(only),
    });
  }
  const loaded: Partial<Record<Part, ByteDataset>> = {};
  // one file after the other, so that of several faults always the same one is reported
  for (const part of only ? [only] : (['train', 'test'] as const)) {
    loaded[part] = await loadPart(layout, folder, part);
  }
  return loaded as Record<P, ByteDataset>;
}

async function loadPart(layout: MnistLayout, folder: Folder, part: Part): Promise<ByteDataset> {
  const images = await readPart(layout, folder, fileNames[part].images, [28, 28]);
  const labels = await readPart(layout, folder, fileNames[part].labels, []);
  if (images.length !== labels.length) {
    throw new TsunoError('DATA_MISMATCH', {
      where: layout.name,
      what: `${fileNames[part].images} and ${fileNames[part].labels}`,
      expected: 'must hold as many images as labels',
      found: `${images.length} images and ${labels.length} labels`,
    });
  }
  const { classNames } = layout;
  return Dataset.from({ images: images.reshape([images.length, 28, 28, 1]), labels, classNames });
}

/** One file as a tensor `[n, ...sample]`, its sum checked before its contents are believed. */
async function readPart(
  layout: MnistLayout,
  folder: Folder,
  name: string,
  sample: readonly number[],
) {
  const packed = (await folder.read(name)) ?? (await folder.read(`${name}.gz`));
  if (!packed) {
    throw new TsunoError('FILE', {
      where: layout.name,
      what: show(folder.place),
      expected: `must have a file ${name} or ${name}.gz`,
      found: 'neither',
    });
  }
  const bytes = await unpackIdx(packed, { name });
  const sum = layout.sums?.[name];
  if (sum !== undefined) await checkSum(bytes, sum, name);
  const values = parseIdx(bytes, { name });
  if (values.dtype !== 'uint8' || values.shape.slice(1).join() !== sample.join()) {
    throw new TsunoError('FILE', {
      where: name,
      what: 'contents',
      expected: `uint8 of shape ${showShape([null, ...sample])}`,
      found: `${values.dtype} of shape ${showShape(values.shape)}`,
    });
  }
  return values;
}
