/** @file The options of `imageDatasetFromDirectory`, Keras's with a few more, and what is impossible about them. */
import { show, TsunoError } from '../core/errors.ts';
import { type ColorMode, colorModes } from './image_pixels.ts';
import { type ImageInterpolation, interpolations } from './image_resize.ts';
import type { SampleSpec } from './image_tasks.ts';

/** Element types that images can be read as. */
export type ImageDType = 'float32' | 'uint8';

export interface ImageDatasetOptions<D extends ImageDType = ImageDType> {
  /**
   * `'inferred'` (default): the class is the folder. A list: one class number for each file, in the order of
   * `filePaths` without shuffling. `null`: none; all labels are −1, which `fit` refuses.
   */
  labels?: 'inferred' | readonly number[] | null | undefined;
  /**
   * `'int'` (default): `int32` `[n]`. `'categorical'`: `float32` `[n, classes]`, one-hot. `'binary'`: `float32` `[n, 1]`
   * for two classes. `null`: as `labels: null`.
   */
  labelMode?: 'int' | 'categorical' | 'binary' | null | undefined;
  /** The class folders to read, in the order of their numbers. Default: all, sorted. */
  classNames?: readonly string[] | undefined;
  /** Channels: `'grayscale'` 1, `'rgb'` (default) 3, `'rgba'` 4. */
  colorMode?: ColorMode | undefined;
  /** Samples of a batch in `fit`, `evaluate`, `predict` and `batch`, unless they are told; default 32. `null`: none. */
  batchSize?: number | null | undefined;
  /** Height and width, or one number for both; default `[256, 256]`. */
  imageSize?: number | readonly [height: number, width: number] | undefined;
  /** Whether files are put in the order that NumPy, and so Keras, draws from `seed`; default true. Else by name. */
  shuffle?: boolean | undefined;
  /** 0 to 2³² − 1; default from `setRandomSeed`. Required with `validationSplit`, unless `shuffle` is false. */
  seed?: number | undefined;
  /** The part of the files, from the end of their order, that is for validation; between 0 and 1. */
  validationSplit?: number | undefined;
  /** Which part is returned; required with `validationSplit`. `'both'` returns training and validation. */
  subset?: 'training' | 'validation' | 'both' | undefined;
  /** How images come to `imageSize`; default `'bilinear'`. */
  interpolation?: ImageInterpolation | undefined;
  /** Whether links to folders, and links out of the folder, are followed; default false. */
  followLinks?: boolean | undefined;
  /** Cut images to the proportions of `imageSize` instead of distorting them; default false. */
  cropToAspectRatio?: boolean | undefined;
  /** Give images black margins instead of distorting them; default false. */
  padToAspectRatio?: boolean | undefined;
  /** Channels come last; `'channels_first'` is refused, as in layers. Default `'channels_last'`. */
  dataFormat?: 'channels_last' | null | undefined;
  /** Whether to print how many files were found; default true. */
  verbose?: boolean | undefined;

  /** Elements from 0 to 255: `'float32'` (default), as Keras has them, or `'uint8'`, rounded, in a quarter of the memory. */
  dtype?: D | undefined;
  /**
   * What is done to every file before the set is returned. `'decode'`: it is decoded once. `'structure'`: it is read and
   * its structure checked, so that cut files and other formats are found. `'none'`: nothing; what is wrong comes to light
   * when the file is read. Default `'decode'` up to 10,000 files, `'structure'` beyond.
   */
  check?: 'decode' | 'structure' | 'none' | undefined;
  /** Whether files that fail the check are an `'error'` (default), or left out (`'skip'`), with a warning that counts them. */
  unreadable?: 'error' | 'skip' | undefined;
  /** Whether a class folder without images is let pass, and keeps its number; default false. */
  allowEmpty?: boolean | undefined;
  /** Stops the check. */
  signal?: AbortSignal | undefined;
}

/** The options, whole and possible. */
export interface ImageDatasetPlan {
  labels: 'inferred' | readonly number[] | null;
  labelMode: 'int' | 'categorical' | 'binary' | null;
  classNames: readonly string[] | undefined;
  batchSize: number | undefined;
  spec: SampleSpec;
  shuffle: boolean;
  seed: number | undefined;
  validationSplit: number | undefined;
  subset: 'training' | 'validation' | 'both' | undefined;
  followLinks: boolean;
  verbose: boolean;
  check: 'decode' | 'structure' | 'none' | undefined;
  unreadable: 'error' | 'skip';
  allowEmpty: boolean;
  signal: AbortSignal | undefined;
}

export const where = 'imageDatasetFromDirectory';

export function wrong(what: string, expected: string, found: unknown, repair?: string): TsunoError {
  return new TsunoError('ARGUMENT', {
    where,
    what,
    expected,
    found: show(found),
    ...(repair !== undefined && { repair }),
  });
}

function among<const T>(what: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw wrong(what, `one of ${allowed.map(show).join(', ')}`, value);
}

/**
 * Height and width.
 *
 * @throws TsunoError `ARGUMENT` unless they are positive integers.
 */
export function sizeOf(what: string, size: unknown, owner = where): readonly [number, number] {
  const pair: readonly unknown[] = Array.isArray(size) ? size : [size, size];
  const [height, width] = pair;
  const isSide = (side: unknown): side is number =>
    Number.isSafeInteger(side) && (side as number) > 0 && (side as number) < 2 ** 16;
  if (pair.length === 2 && isSide(height) && isSide(width)) return [height, width];
  throw new TsunoError('ARGUMENT', {
    where: owner,
    what,
    expected: 'two positive integers, [height, width]',
    found: show(size),
  });
}

/**
 * Checks the options and fills in defaults.
 *
 * @throws TsunoError `ARGUMENT`
 */
export function planOf(options: ImageDatasetOptions): ImageDatasetPlan {
  const { labels = 'inferred', labelMode = 'int', classNames, seed, signal } = options;
  const { shuffle = true, validationSplit, subset, check } = options;
  if (labels !== null && labels !== 'inferred' && !Array.isArray(labels))
    throw wrong('labels', "'inferred', null or a list of class numbers", labels);
  if (classNames && labels !== 'inferred')
    throw wrong('classNames', "must come with labels: 'inferred'", classNames);
  if (classNames && new Set(classNames).size !== classNames.length)
    throw wrong('classNames', 'must name each class once', classNames);
  among('labelMode', labelMode, ['int', 'categorical', 'binary', null]);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw wrong('seed', 'a whole number from 0 to 4294967295', seed);
  if (validationSplit !== undefined && !(validationSplit > 0 && validationSplit < 1))
    throw wrong('validationSplit', 'a number between 0 and 1, neither included', validationSplit);
  among('subset', subset, ['training', 'validation', 'both', undefined]);
  if ((validationSplit === undefined) !== (subset === undefined)) {
    const [given, missing] =
      subset === undefined ? ['validationSplit', 'subset'] : ['subset', 'validationSplit'];
    throw wrong(missing, `given, as ${given} is`, undefined);
  }
  if (validationSplit !== undefined && shuffle && seed === undefined)
    throw wrong(
      'seed',
      'given with validationSplit',
      seed,
      'Without it the parts would overlap from call to call; or pass shuffle: false.',
    );
  const crop = options.cropToAspectRatio ?? false;
  const pad = options.padToAspectRatio ?? false;
  if (crop && pad) throw wrong('padToAspectRatio', 'false where cropToAspectRatio is true', pad);
  const { batchSize = 32 } = options;
  if (batchSize !== null && !(Number.isSafeInteger(batchSize) && batchSize > 0))
    throw wrong('batchSize', 'a positive integer, or null', batchSize);
  among('dataFormat', options.dataFormat ?? 'channels_last', ['channels_last']);
  const unreadable = among('unreadable', options.unreadable ?? 'error', ['error', 'skip']);
  among('check', check, ['decode', 'structure', 'none', undefined]);
  if (unreadable === 'skip' && check === 'none')
    throw wrong('check', "'decode' or 'structure' where unreadable files are skipped", check);
  const unlabelled = labels === null || labelMode === null;
  return {
    labels: unlabelled ? null : labels,
    labelMode: unlabelled ? null : labelMode,
    classNames,
    batchSize: batchSize ?? undefined,
    spec: {
      size: sizeOf('imageSize', options.imageSize ?? 256),
      colorMode: among('colorMode', options.colorMode ?? 'rgb', colorModes),
      interpolation: among('interpolation', options.interpolation ?? 'bilinear', interpolations),
      aspect: crop ? 'crop' : pad ? 'pad' : 'distort',
      dtype: among('dtype', options.dtype ?? 'float32', ['float32', 'uint8']),
    },
    shuffle,
    seed,
    validationSplit,
    subset,
    followLinks: options.followLinks ?? false,
    verbose: options.verbose ?? true,
    check,
    unreadable,
    allowEmpty: options.allowEmpty ?? false,
    signal,
  };
}
