/**
 * @file What `--data` may be: a data set by its name, a folder of class folders, or arrays in files.
 *
 *     mnist   mnist:test   fashion-mnist:test:FOLDER   cifar10:train:FOLDER   cifar100:FOLDER
 *     FOLDER   FILE.npz   FILE.safetensors   X.npy,Y.npy
 */
import { readdir, stat } from 'node:fs/promises';
import {
  Dataset,
  datasets,
  type ImageDataset,
  imageDatasetFromDirectory,
  type Model,
  type StreamingDataset,
  TsunoError,
} from '../src/index.ts';
import { arrayOf, isArrayFile, missing, pairOf } from './arrays.ts';
import { UsageError } from './failure.ts';
import { imageFormOf } from './images.ts';

/** What models are trained on, measured by, and asked about. */
export type Data = Dataset | StreamingDataset;

export type Part = 'train' | 'test';

/** The paragraph of help texts on DATA. */
export const dataNote =
  'DATA is mnist, mnist:train or mnist:test; fashion-mnist:PART:FOLDER, cifar10:PART:FOLDER or cifar100:PART:FOLDER with PART train or test and the folder of its files; a folder with a folder of images for each class; an .npz or .safetensors file with x and y; or X.npy,Y.npy. A folder called mnist is ./mnist.';

const byName = /^(mnist|fashion-mnist|cifar100?)(?::(train|test))?(?::(.+))?$/s;
const pair = /\.npy,.+\.npy$/is;

/** Whether `text` names a data set or a pair of files, rather than one file or folder. */
export function isDataName(text: string): boolean {
  return byName.test(text) || pair.test(text);
}

/**
 * The data set that `text` names.
 *
 * @param part that of a data set in two parts, where `text` names none.
 * @param model what the data are for: images of a folder get the size of its input.
 * @throws UsageError where it names none; TsunoError for files that are not what they must be.
 */
export async function datasetOf(text: string, part: Part, model: Model): Promise<Data> {
  const named = byName.exec(text);
  if (named) return byNameOf(text, named[1]!, (named[2] as Part | undefined) ?? part, named[3]);
  if (pair.test(text)) return arraysOf(text);
  if (/\.(npz|safetensors)$/i.test(text)) {
    const { x, y } = await pairOf(text);
    if (y) return Dataset.from({ images: x, labels: y });
    throw missing(text, 'y', ['x']);
  }
  if (isArrayFile(text)) {
    throw new UsageError(`"${text}" has no labels; give both files: X.npy,Y.npy`);
  }
  return folderOf(text, model);
}

/** The data sets whose files are not shipped. */
const inFolders = {
  'fashion-mnist': datasets.fashionMnist.load,
  cifar10: datasets.cifar10.load,
  cifar100: datasets.cifar100.load,
} as const;

async function byNameOf(
  text: string,
  name: string,
  part: Part,
  folder: string | undefined,
): Promise<Dataset> {
  if (name === 'mnist') {
    const all = await datasets.mnist.load({ only: part, ...(folder ? { from: folder } : {}) });
    return all[part];
  }
  if (folder === undefined) {
    throw new UsageError(
      `"${text}" wants the folder of its files, which are not shipped: ${name}:${part}:FOLDER`,
    );
  }
  const all = await inFolders[name as keyof typeof inFolders]({ from: folder, only: part });
  return all[part];
}

async function arraysOf(text: string): Promise<Dataset> {
  const paths = text.split(/(?<=\.npy),/i);
  if (paths.length !== 2) throw new UsageError(`"${text}" must be two files: X.npy,Y.npy`);
  const [images, labels] = await Promise.all(paths.map(arrayOf));
  return Dataset.from({ images: images!, labels: labels! });
}

/**
 * The images of a folder.
 *
 * @param isAsked whether no labels are needed: then the images may lie in the folder itself, and classes may be empty.
 */
export async function folderOf(path: string, model: Model, isAsked = false): Promise<ImageDataset> {
  const there = await stat(path).catch(() => undefined);
  if (!there?.isDirectory()) {
    throw new TsunoError('FILE', {
      where: path,
      what: 'the data',
      expected: 'a data set, a folder or a file of arrays',
      found: there ? 'a file of another kind' : 'nothing of that name',
      repair: 'tsuno fit --help tells what data may be.',
    });
  }
  const entries = isAsked ? await readdir(path, { withFileTypes: true }) : [];
  const hasClasses = !isAsked || entries.some((entry) => entry.isDirectory());
  return imageDatasetFromDirectory(path, {
    ...imageFormOf(model),
    ...(hasClasses ? { allowEmpty: isAsked } : { labels: null }),
    shuffle: false,
    verbose: false,
  });
}
