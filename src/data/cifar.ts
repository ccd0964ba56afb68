/**
 * @file The layout of CIFAR-10 and CIFAR-100 on disk, their "binary version": one record an image, of label bytes and
 * then 1,024 bytes each of red, green and blue. A folder or server in, data sets out.
 */
import { show, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { Dataset } from './dataset.ts';
import { type Folder, openFolder } from './files.ts';
import type { ByteDataset, Part } from './mnist_files.ts';

/** One data set in this layout. */
export interface CifarLayout {
  /** For messages. */
  name: string;
  files: Readonly<Record<Part, readonly string[]>>;
  /** Label bytes of a record, and which of them is the label. */
  labels: number;
  label: number;
  classes: number;
  /** The archive on the page of the data set, and the folder in it. */
  archive: string;
}

const side = 32;
const plane = side * side;
const page = 'https://www.cs.toronto.edu/~kriz/cifar.html';
const images: Readonly<Record<Part, number>> = { train: 50_000, test: 10_000 };

/**
 * The parts named, or both.
 *
 * @param verify whether the files must have as many images, equally many of each class, as the originals.
 * @throws TsunoError `ARGUMENT` without a folder, `FILE` where a file is missing or of another size, `LABEL_RANGE` for a
 * label beyond the classes, `CHECKSUM` where the classes are not as large as those of the original.
 */
export async function loadCifar<P extends Part>(
  layout: CifarLayout,
  from: string | URL | undefined,
  only: P | undefined,
  verify: boolean,
  namesOf: (folder: Folder) => Promise<readonly string[]>,
): Promise<Record<P, ByteDataset>> {
  const { name } = layout;
  if (from === undefined) {
    const files = [...layout.files.train, ...layout.files.test].join(', ');
    throw new TsunoError('ARGUMENT', {
      where: name,
      what: 'from',
      expected: `a folder or URL with the files ${files}`,
      found: 'undefined',
      repair: howToGet(layout),
    });
  }
  if (only !== undefined && !Object.hasOwn(images, only)) {
    throw new TsunoError('ARGUMENT', {
      where: name,
      what: 'only',
      expected: "'train' or 'test'",
      found: show(only),
    });
  }
  const folder = await openFolder(from, name);
  const classNames = await namesOf(folder);
  const loaded: Partial<Record<Part, ByteDataset>> = {};
  for (const part of only ? [only] : (['train', 'test'] as const))
    loaded[part] = await loadPart(layout, folder, part, verify, classNames);
  return loaded as Record<P, ByteDataset>;
}

function howToGet({ archive }: CifarLayout): string {
  return `Download the binary version, ${archive}.tar.gz, from ${page} and unpack it with tar -xzf; pass the folder that holds these files.`;
}

/** @throws TsunoError `FILE` where there is none. */
export async function cifarFile(
  layout: CifarLayout,
  folder: Folder,
  file: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await folder.read(file);
  if (bytes) return bytes;
  throw new TsunoError('FILE', {
    where: layout.name,
    what: show(folder.place),
    expected: `must have a file ${file}`,
    found: 'none',
    repair: howToGet(layout),
  });
}

async function loadPart(
  layout: CifarLayout,
  folder: Folder,
  part: Part,
  verify: boolean,
  classNames: readonly string[],
): Promise<ByteDataset> {
  const files = layout.files[part];
  const record = layout.labels + 3 * plane;
  const contents: Uint8Array[] = [];
  for (const file of files) {
    const bytes = await cifarFile(layout, folder, file);
    const size = (images[part] / files.length) * record;
    if (verify ? bytes.length !== size : bytes.length === 0 || bytes.length % record !== 0) {
      throw new TsunoError('FILE', {
        where: file,
        what: 'size',
        expected: verify ? `${size} bytes` : `whole records of ${record} bytes`,
        found: String(bytes.length),
        ...(verify && { repair: 'Unpack it again, or pass verify: false for files of your own.' }),
      });
    }
    contents.push(bytes);
  }
  const count = contents.reduce((sum, { length }) => sum + length / record, 0);
  const pixels = new Tensor('uint8', [count, side, side, 3]);
  const labels = new Tensor('uint8', [count]);
  let sample = 0;
  for (const [i, bytes] of contents.entries()) {
    for (let at = 0; at < bytes.length; at += record, sample++) {
      const label = bytes[at + layout.label]!;
      if (label >= layout.classes) {
        throw new TsunoError('LABEL_RANGE', {
          where: files[i]!,
          what: `label of image ${at / record}`,
          expected: `at most ${layout.classes - 1}`,
          found: String(label),
        });
      }
      labels.data[sample] = label;
      interleave(bytes, at + layout.labels, pixels.data, sample * 3 * plane);
    }
  }
  if (verify) checkBalance(layout, part, labels.data);
  return Dataset.from({ images: pixels, labels, classNames });
}

/** Planes of red, green and blue, pixel by pixel. */
function interleave(planes: Uint8Array, from: number, out: Uint8Array, to: number): void {
  for (let i = 0; i < plane; i++) {
    out[to + 3 * i] = planes[from + i]!;
    out[to + 3 * i + 1] = planes[from + plane + i]!;
    out[to + 3 * i + 2] = planes[from + 2 * plane + i]!;
  }
}

/** The originals have equally many images of each class. */
function checkBalance(layout: CifarLayout, part: Part, labels: Uint8Array): void {
  const each = images[part] / layout.classes;
  const counts = new Uint32Array(layout.classes);
  for (const label of labels) counts[label]!++;
  const odd = counts.findIndex((count) => count !== each);
  if (odd === -1) return;
  throw new TsunoError('CHECKSUM', {
    where: layout.name,
    what: `images of class ${odd} in the ${part} part`,
    expected: String(each),
    found: String(counts[odd]),
    repair: 'The files are not the originals: get them again, or pass verify: false.',
  });
}
