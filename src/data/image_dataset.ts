/**
 * @file Folders of images as a data set: a folder for each class in, samples out that are decoded when they are wanted,
 * on threads of their own.
 */
import type { TypedArrays } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { nextSeed } from '../core/seed.ts';
import { sizeOf as elementsOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import {
  checkFiles,
  leakage,
  listOf,
  refusal,
  type UnreadableFile,
  unreadableFiles,
} from './image_check.ts';
import {
  type ImageDatasetOptions,
  type ImageDatasetPlan,
  type ImageDType,
  planOf,
  where,
  wrong,
} from './image_dataset_options.ts';
import { showName } from './image_names.ts';
import { channelsOf } from './image_pixels.ts';
import { imagePool } from './image_pool.ts';
import type { FileReport, SampleSpec } from './image_tasks.ts';
import { type FoundFile, type ImageTree, listTree, localTree } from './image_tree.ts';
import { numpyShuffle } from './numpy_shuffle.ts';
import type { SampleBatch, SampleSource, SampleType } from './source.ts';
import { StreamingDataset } from './streaming_dataset.ts';

/** Element types of labels: class numbers, or the parts of classes. */
export type ImageLabelDType = 'int32' | 'float32';

/**
 * A data set of image files, what {@link imageDatasetFromDirectory} makes: a streaming one that knows its files and how
 * many samples make a batch.
 *
 * @example
 * ```ts no-run
 * const set = await imageDatasetFromDirectory('photos', { imageSize: [64, 64] });
 * set.sampleShape;  // [64, 64, 3]
 * set.filePaths[0]; // 'photos/cats/a.jpg'
 * ```
 */
export class ImageDataset<D extends ImageDType = ImageDType> extends StreamingDataset<
  D,
  ImageLabelDType
> {
  /** The files, in the order of the samples. */
  readonly filePaths: readonly string[];
  /** Files that were left out because they cannot be read, from the whole folder. */
  readonly skipped: readonly UnreadableFile[];

  constructor(
    source: ImageSource<D>,
    skipped: readonly UnreadableFile[],
    batchSize: number | undefined,
  ) {
    super(source, { batchSize });
    this.filePaths = source.files.map(({ name }) => name);
    this.skipped = skipped;
  }
}

/** A file with its class. */
interface LabelledFile extends FoundFile {
  /** −1: none. */
  readonly label: number;
}

type LabelMode = ImageDatasetPlan['labelMode'];

class ImageSource<D extends ImageDType> implements SampleSource<D, ImageLabelDType> {
  readonly files: readonly LabelledFile[];
  readonly classNames: readonly string[] | undefined;
  readonly image: SampleType<D>;
  readonly label: SampleType<ImageLabelDType>;
  private readonly spec: SampleSpec;
  private readonly labelMode: LabelMode;

  constructor(
    files: readonly LabelledFile[],
    classNames: readonly string[] | undefined,
    labelMode: LabelMode,
    spec: SampleSpec,
    dtype: D,
  ) {
    this.files = files;
    this.classNames = classNames;
    this.labelMode = labelMode;
    this.spec = spec;
    this.image = { dtype, shape: [...spec.size, channelsOf(spec.colorMode)] };
    const width = labelMode === 'categorical' ? [classNames!.length] : [1];
    this.label =
      labelMode === 'categorical' || labelMode === 'binary'
        ? { dtype: 'float32', shape: width }
        : { dtype: 'int32', shape: [] };
  }

  get length(): number {
    return this.files.length;
  }

  async read(rows: Uint32Array, signal?: AbortSignal): Promise<SampleBatch<D, ImageLabelDType>> {
    const images = new Tensor(this.image.dtype, [rows.length, ...this.image.shape]);
    const size = elementsOf(this.image.shape);
    const threads = Math.max(1, await imagePool.count());
    const piece = Math.max(1, Math.ceil(rows.length / threads));
    const pieces = Array.from({ length: Math.ceil(rows.length / piece) }, async (_, i) => {
      const files = Array.from(rows.subarray(i * piece, (i + 1) * piece), (row) => {
        const { name, source } = this.files[row]!;
        return { name, source };
      });
      const data = await imagePool.run({ kind: 'sample', files, spec: this.spec }, signal);
      images.data.set(data as TypedArrays[D], i * piece * size);
    });
    await Promise.all(pieces);
    return { images, labels: this.labels(rows) };
  }

  private labels(rows: Uint32Array): Tensor<ImageLabelDType> {
    const numbers = Array.from(rows, (row) => this.files[row]!.label);
    if (this.labelMode === 'categorical') {
      const width = this.classNames!.length;
      const labels = new Tensor('float32', [rows.length, width]);
      for (const [i, label] of numbers.entries()) labels.data[i * width + label] = 1;
      return labels;
    }
    return this.labelMode === 'binary'
      ? new Tensor('float32', [rows.length, 1], Float32Array.from(numbers))
      : new Tensor('int32', [rows.length], Int32Array.from(numbers));
  }
}

/** A path or `file:` URL in Node, or the files of an `<input type="file" webkitdirectory>`. */
export type ImageDirectory = string | URL | Iterable<File>;

/**
 * A data set of image files in folders, one folder for each class. Images are read as PNG, JPEG or WebP, whatever their
 * names say, and brought to one size; each is decoded when it is wanted.
 *
 * Where Keras's returns batches, this returns samples that know their `batchSize`: `fit` makes such batches, and so does
 * `.batch()`.
 *
 * @param directory a path or `file:` URL in Node; or a list of `File`, as `input.files` of an
 * `<input type="file" webkitdirectory>`.
 * @returns images `[n, height, width, channels]` from 0 to 255 with labels `[n]`; two sets with `subset: 'both'`.
 * @throws TsunoError `FILE` where the folder is missing or unreadable, `DATA_EMPTY` without images, class folders or
 * images of a class, `ARGUMENT` for impossible options; {@link UnreadableImages}, which lists them, where files are no
 * images that are read.
 *
 * @example
 * ```ts no-run
 * const [training, validation] = await imageDatasetFromDirectory('photos', {
 *   imageSize: [64, 64],
 *   validationSplit: 0.2,
 *   subset: 'both',
 *   seed: 7,
 * });
 * training.classNames; // ['cats', 'dogs']
 * await model.fit(training, { epochs: 5, validationData: validation });
 * ```
 * @see https://keras.io/api/data_loading/image/#imagedatasetfromdirectory-function
 */
export function imageDatasetFromDirectory<D extends ImageDType = 'float32'>(
  directory: ImageDirectory,
  options: ImageDatasetOptions<D> & { subset: 'both' },
): Promise<[training: ImageDataset<D>, validation: ImageDataset<D>]>;
export function imageDatasetFromDirectory<D extends ImageDType = 'float32'>(
  directory: ImageDirectory,
  options?: ImageDatasetOptions<D> & { subset?: 'training' | 'validation' | undefined },
): Promise<ImageDataset<D>>;
export async function imageDatasetFromDirectory(
  directory: ImageDirectory,
  options: ImageDatasetOptions = {},
): Promise<ImageDataset | [ImageDataset, ImageDataset]> {
  const plan = planOf(options);
  const say = (text: string) => plan.verbose && console.log(text);
  const warn = (text: string) => console.warn(`tsuno: ${text}`);
  const tree =
    typeof directory === 'string' || directory instanceof URL
      ? await localTree(directory, plan.followLinks, where)
      : listTree(directory, where);
  const { files, classNames } = classify(tree, plan);
  const count = plural(files.length, 'file');
  say(
    classNames
      ? `Found ${count} belonging to ${plural(classNames.length, 'class', 'classes')}.`
      : `Found ${count}.`,
  );
  if (plan.labels === 'inferred' && classNames!.length === 1)
    warn(`${showName(tree.place)} has one class only, ${showName(classNames![0]!)}`);

  const reports = await reportsOn(files, plan);
  const skipped = unreadableFiles(files, reports);
  if (skipped.length > 0) {
    if (plan.unreadable === 'error' || skipped.length === files.length)
      throw refusal(skipped, files.length, where);
    warn(`${skipped.length} of ${count} are left out:\n${listOf(skipped)}`);
  }
  const readable = Uint32Array.from(files.keys()).filter((i) => !reports[i]?.fault);
  const kept = Array.from(readable, (i) => files[i]!);
  if (skipped.length > 0) refuseEmptyClasses(tree, kept, classNames, plan);

  const seed = plan.seed ?? nextSeed();
  const order = plan.shuffle
    ? numpyShuffle(readable.length, seed).map((i) => readable[i]!)
    : readable;
  const part = (from: number, to?: number) => {
    const own = Array.from(order.subarray(from, to), (i) => files[i]!);
    const source = new ImageSource(own, classNames, plan.labelMode, plan.spec, plan.spec.dtype);
    return new ImageDataset(source, skipped, plan.batchSize);
  };
  if (plan.validationSplit === undefined) return part(0);
  const validation = Math.trunc(plan.validationSplit * order.length);
  const cut = order.length - validation;
  if (cut === 0 || validation === 0)
    throw wrong(
      'validationSplit',
      `must leave images for both parts of ${order.length}`,
      plan.validationSplit,
    );
  if (plan.subset !== 'validation') say(`Using ${plural(cut, 'file')} for training.`);
  if (plan.subset !== 'training') say(`Using ${plural(validation, 'file')} for validation.`);
  const warning = leakage(files, reports, order, validation);
  if (warning && plan.subset !== 'training') warn(warning);
  if (plan.subset === 'both') return [part(0, cut), part(cut)];
  return plan.subset === 'training' ? part(0, cut) : part(cut);
}

/** Folders beyond this size are checked by structure alone, unless told otherwise. */
const mostDecoded = 10_000;

/** Empty where nothing is checked. */
async function reportsOn(
  files: readonly FoundFile[],
  { check, signal }: ImageDatasetPlan,
): Promise<FileReport[]> {
  const level = check ?? (files.length <= mostDecoded ? 'decode' : 'structure');
  if (level !== 'none') return checkFiles(files, level === 'decode', signal);
  return files.map(({ fault }) => (fault ? { fault } : {}));
}

/** Gives files their classes. */
function classify(
  tree: ImageTree,
  plan: ImageDatasetPlan,
): { files: LabelledFile[]; classNames: readonly string[] | undefined } {
  if (plan.labels !== 'inferred') {
    if (tree.files.length === 0) throw empty(tree, 'one image at least', 'none');
    if (plan.labels === null) {
      const files = tree.files.map((file) => ({ ...file, label: -1 }));
      return { files, classNames: undefined };
    }
    const classNames = checkLabels(plan.labels, tree.files.length, plan.labelMode);
    const { labels } = plan;
    return { files: tree.files.map((file, i) => ({ ...file, label: labels[i]! })), classNames };
  }
  const missing = plan.classNames?.find((name) => !tree.folders.includes(name));
  if (missing !== undefined)
    throw wrong('classNames', `must be among the folders ${show(tree.folders)}`, missing);
  const classNames = plan.classNames ?? tree.folders;
  if (classNames.length === 0) {
    throw empty(
      tree,
      'a folder for each class',
      'none',
      tree.files.length > 0 ? 'Pass labels: null to read images without classes.' : undefined,
    );
  }
  if (plan.labelMode === 'binary' && classNames.length !== 2)
    throw wrong('labelMode', "'int' or 'categorical' unless there are 2 classes", 'binary');
  const byClass = new Map(classNames.map((name): [string, LabelledFile[]] => [name, []]));
  for (const file of tree.files) {
    const cut = file.path.indexOf('/');
    const name = file.path.slice(0, Math.max(0, cut));
    byClass.get(name)?.push({ ...file, label: classNames.indexOf(name) });
  }
  const files = [...byClass.values()].flat();
  if (files.length === 0) throw empty(tree, 'one image at least in its class folders', 'none');
  refuseEmptyClasses(tree, files, classNames, plan);
  return { files, classNames: Object.freeze([...classNames]) };
}

/** The names of the classes: their numbers. */
function checkLabels(labels: readonly number[], count: number, mode: LabelMode): readonly string[] {
  if (labels.length !== count) {
    throw new TsunoError('DATA_MISMATCH', {
      where,
      what: 'labels',
      expected: `must have one for each of ${plural(count, 'file')}`,
      found: String(labels.length),
    });
  }
  const at = labels.findIndex((label) => !Number.isSafeInteger(label) || label < 0);
  if (at !== -1) {
    throw new TsunoError('LABEL_RANGE', {
      where,
      what: `label of file ${at}`,
      expected: 'a whole number, zero or more',
      found: show(labels[at]),
    });
  }
  const largest = labels.reduce((a, b) => Math.max(a, b), 0);
  if (mode === 'binary' && largest > 1)
    throw wrong('labels', '0 or 1 for labelMode binary', largest);
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}

function refuseEmptyClasses(
  tree: ImageTree,
  files: readonly LabelledFile[],
  classNames: readonly string[] | undefined,
  { labels, allowEmpty }: ImageDatasetPlan,
): void {
  if (labels !== 'inferred' || allowEmpty) return;
  const seen = new Set(files.map(({ label }) => label));
  const none = classNames!.filter((_, label) => !seen.has(label));
  if (none.length === 0) return;
  throw empty(
    tree,
    'one image at least in each class folder',
    `none in ${none.map(showName).join(', ')}`,
    'Pass allowEmpty: true to keep the numbers of such classes, or classNames to leave them out.',
  );
}

function empty(tree: ImageTree, expected: string, found: string, repair?: string): TsunoError {
  return new TsunoError('DATA_EMPTY', {
    where,
    what: showName(tree.place),
    expected: `must have ${expected}`,
    found,
    ...(repair !== undefined && { repair }),
  });
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
