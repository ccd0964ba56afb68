/**
 * @file What `--data` may be: a data set by its name, a folder of class folders, or arrays in files.
 *
 *     mnist   mnist:test   fashion-mnist:test:FOLDER   cifar10:train:FOLDER   cifar100:FOLDER
 *     FOLDER   FILE.npz   FILE.safetensors   X.npy,Y.npy
 */
import { readdir, stat } from 'node:fs/promises';
import {
  type Dataset,
  datasets,
  type ImageDataset,
  imageDatasetFromDirectory,
  type Model,
  type StreamingDataset,
  type Tensor,
  TsunoError,
} from '../src/index.ts';
import { arrayOf, arraysOf, isArrayFile, isArraysFile, pick } from './arrays.ts';
import { UsageError } from './failure.ts';
import { imageFormOf } from './images.ts';
import { nearest } from './nearest.ts';
import { portsOf, refuseSeveral } from './ports.ts';

/** Samples with their labels: a data set, or an array for each input and output of a model. */
export type Samples =
  | { x: Dataset | StreamingDataset }
  | { x: readonly Tensor[]; y: readonly Tensor[] };

export type Part = 'train' | 'test';

/** The paragraphs of help texts on DATA. */
export const dataNotes: readonly string[] = [
  'DATA is mnist, mnist:train or mnist:test; fashion-mnist:PART:FOLDER, cifar10:PART:FOLDER or cifar100:PART:FOLDER with PART train or test and the folder of its files; a folder with a folder of images for each class; an .npz or .safetensors file with x and y; or X.npy,Y.npy. A folder called mnist is ./mnist.',
  'For a model of several inputs or outputs DATA is an .npz or .safetensors file whose arrays have their names, which tsuno summary shows, in place of x or y.',
];

const byName = /^(mnist|fashion-mnist|cifar100?)(?::(train|test))?(?::(.+))?$/s;
const pair = /\.npy,.+\.npy$/is;

/** Whether `text` names a data set. */
export function isSetName(text: string): boolean {
  return byName.test(text);
}

/** Whether `text` is two files of NumPy. */
export function isPair(text: string): boolean {
  return pair.test(text);
}

/**
 * The samples that `text` names.
 *
 * @param part that of a data set in two parts, where `text` names none.
 * @param model what the samples are for: images of a folder get the size of its input.
 * @param take the first so many alone.
 * @throws UsageError where it names none; TsunoError for files that are not what they must be.
 */
export async function samplesOf(
  text: string,
  part: Part,
  model: Model,
  take = Number.POSITIVE_INFINITY,
): Promise<Samples> {
  const { inputs, outputs } = portsOf(model);
  if (isArraysFile(text)) {
    const arrays = await arraysOf(text);
    const of = (names: readonly string[]) =>
      pick(arrays, names, text).map((array) => array.slice(0, take));
    return { x: of(inputs), y: of(outputs) };
  }
  if (isArrayFile(text) && !isPair(text)) {
    throw new UsageError(`"${text}" has no labels; give both files: X.npy,Y.npy`);
  }
  refuseSeveral(text, { inputs, outputs });
  if (isPair(text)) {
    const [x, y] = await pairOf(text);
    return { x: [x.slice(0, take)], y: [y.slice(0, take)] };
  }
  const all = isSetName(text) ? await namedSet(text, part) : await folderOf(text, model);
  return { x: take < all.length ? all.take(take) : all };
}

/** The data sets whose files are not shipped. */
const inFolders = {
  'fashion-mnist': datasets.fashionMnist.load,
  cifar10: datasets.cifar10.load,
  cifar100: datasets.cifar100.load,
} as const;

/** The data set of a name. @throws UsageError where its folder is not given. */
export async function namedSet(text: string, otherwise: Part): Promise<Dataset> {
  const [, name = '', part = otherwise, from] = byName.exec(text) ?? [];
  const only = part as Part;
  if (from !== undefined && !(await isFolder(from))) throw noFolder(text, name, from);
  if (name === 'mnist') {
    const all = await datasets.mnist.load({ only, ...(from === undefined ? {} : { from }) });
    return all[only];
  }
  if (from === undefined) {
    throw new UsageError(
      `"${text}" wants the folder of its files, which are not shipped: ${name}:${only}:FOLDER`,
    );
  }
  const all = await inFolders[name as keyof typeof inFolders]({ from, only });
  return all[only];
}

function noFolder(text: string, name: string, from: string): TsunoError {
  return new TsunoError('FILE', {
    where: text,
    what: `"${from}"`,
    expected: 'train, test or a folder with the files of the data set',
    found: 'nothing of that kind',
    repair: `Say ${name}:train, ${name}:test or ${name}:PART:FOLDER.`,
  });
}

/** The arrays of `X.npy,Y.npy`. */
export async function pairOf(text: string): Promise<[x: Tensor, y: Tensor]> {
  const [x, y, ...more] = text.split(/(?<=\.npy),/i);
  if (x === undefined || y === undefined || more.length > 0)
    throw new UsageError(`"${text}" must be two files: X.npy,Y.npy`);
  return [await arrayOf(x), await arrayOf(y)];
}

/** Whether there is a folder of this name. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/**
 * The images of a folder.
 *
 * @param isAsked whether no labels are needed: then the images may lie in the folder itself, and classes may be empty.
 */
export async function folderOf(path: string, model: Model, isAsked = false): Promise<ImageDataset> {
  const there = await stat(path).catch(() => undefined);
  if (!there?.isDirectory()) {
    const near = there ? undefined : nearest(path, ['mnist', ...Object.keys(inFolders)]);
    throw new TsunoError('FILE', {
      where: path,
      what: 'the data',
      expected: 'a data set, a folder or a file of arrays',
      found: there ? 'a file of another kind' : 'nothing of that name',
      repair:
        near === undefined ? 'tsuno fit --help tells what data may be.' : `Did you mean ${near}?`,
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
