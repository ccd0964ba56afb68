/**
 * @file A labelled data set in memory: images and labels side by side. Parts of it are views of the same numbers;
 * only `shuffle` and `concatenate` copy. Training takes it as it is, batches are gathered by index later.
 */
import { type AnyArray, allocate, type DType } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { RandomSequence, streams } from '../core/random.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { BatchedDataset, BatchOptions } from './batched_dataset.ts';
import { cutOf, namesOfBoth, wholeCount, wholeSeed } from './ranges.ts';
import type { SampleSource } from './source.ts';
import { memorySource, type SampleMap } from './sources.ts';
import { StreamingDataset } from './streaming_dataset.ts';

/** What {@link Dataset.from} takes. `X` and `Y` are the element types of images and labels. */
export interface DatasetParts<X extends DType = DType, Y extends DType = DType> {
  /** `[n, ...sample]`; images are `[n, height, width, channels]`. */
  images: Tensor<X>;
  /** `[n]` class numbers or `[n, classes]` one-hot rows. */
  labels: Tensor<Y>;
  /** Names of the classes, in the order of their numbers. */
  classNames?: readonly string[] | undefined;
}

/**
 * Images with their labels, made by {@link Dataset.from} or `datasets.mnist.load()`.
 *
 * @example
 * ```ts
 * const all = Dataset.from({
 *   images: new Tensor('uint8', [10, 28, 28, 1]),
 *   labels: tensor(new Uint8Array([5, 0, 4, 1, 9, 2, 1, 3, 1, 4])),
 * });
 * const [training, validation] = all.shuffle(7).split(0.2);
 * training.length;      // 8
 * validation.length;    // 2
 * training.sampleShape; // [28, 28, 1]
 * ```
 * @see https://www.tensorflow.org/api_docs/python/tf/data/Dataset for `take`, `skip`, `shuffle`, `concatenate`
 */
export class Dataset<X extends DType = DType, Y extends DType = DType> {
  /** `[n, ...sample]`. */
  readonly images: Tensor<X>;
  /** `[n]` class numbers or `[n, classes]` one-hot rows. */
  readonly labels: Tensor<Y>;
  /** Names of the classes, in the order of their numbers. */
  readonly classNames: readonly string[] | undefined;

  private constructor({ images, labels, classNames }: DatasetParts<X, Y>) {
    this.images = images;
    this.labels = labels;
    this.classNames = classNames;
  }

  /**
   * A data set over two tensors, which it shares.
   *
   * @throws TsunoError `DATA_MISMATCH` where the counts differ, `DATA_EMPTY` without samples, `SHAPE` where a tensor
   * has no axis of samples or labels are neither `[n]` nor `[n, classes]`, `ARGUMENT` where one-hot labels and
   * `classNames` disagree on the number of classes.
   *
   * @example
   * ```ts
   * const images = tensor([[[0.1], [0.9]], [[0.4], [0.2]]]); // [2, 2, 1]
   * const labels = tensor(new Int32Array([1, 0]));
   * Dataset.from({ images, labels, classNames: ['cat', 'dog'] }).length; // 2
   * ```
   */
  static from<X extends DType, Y extends DType>(parts: DatasetParts<X, Y>): Dataset<X, Y> {
    checkParts(parts);
    const { classNames } = parts;
    return new Dataset({ ...parts, classNames: classNames && Object.freeze([...classNames]) });
  }

  /** Number of samples. */
  get length(): number {
    return this.images.length;
  }

  /** Shape of one sample, without the axis of samples: what `Input({ shape })` wants. */
  get sampleShape(): Shape {
    return this.images.shape.slice(1);
  }

  /**
   * The first `count` samples, or all where there are fewer: a view.
   *
   * @throws TsunoError `ARGUMENT` unless `count` is a whole number, zero or more.
   */
  take(count: number): Dataset<X, Y> {
    return this.slice(0, wholeCount(count, 'Dataset.take'));
  }

  /**
   * All but the first `count` samples: a view, empty where there are no more.
   *
   * @throws TsunoError `ARGUMENT` unless `count` is a whole number, zero or more.
   */
  skip(count: number): Dataset<X, Y> {
    return this.slice(wholeCount(count, 'Dataset.skip'));
  }

  /**
   * Samples `start` (default 0) up to, not including, `end` (default all): a view. Negative numbers count from the
   * end, as in `Array.prototype.slice`.
   *
   * @example
   * ```ts
   * const labels = tensor(new Uint8Array([5, 0, 4, 1]));
   * const set = Dataset.from({ images: new Tensor('uint8', [4, 2, 2, 1]), labels });
   * set.slice(-2).labels.toArray(); // [4, 1]
   * ```
   */
  slice(start = 0, end = this.length): Dataset<X, Y> {
    return new Dataset({
      images: this.images.slice(start, end),
      labels: this.labels.slice(start, end),
      classNames: this.classNames,
    });
  }

  /**
   * Two views: the first samples, and the last `fraction` of them, cut where Keras's `validation_split` cuts. Samples
   * are not mixed before; call {@link shuffle} where they are sorted by class.
   *
   * @param fraction Part of the samples that becomes the second set, between 0 and 1.
   * @throws TsunoError `ARGUMENT` where `fraction` is not between 0 and 1, or leaves one of the sets empty.
   */
  split(fraction: number): [Dataset<X, Y>, Dataset<X, Y>] {
    const cut = cutOf(this.length, fraction, 'Dataset.split');
    return [this.slice(0, cut), this.slice(cut)];
  }

  /**
   * A copy in an order drawn from `seed`: the same seed gives the same order everywhere.
   *
   * @param seed A whole number; its low 32 bits count.
   * @throws TsunoError `ARGUMENT` unless `seed` is a whole number.
   */
  shuffle(seed: number): Dataset<X, Y> {
    wholeSeed(seed, 'Dataset.shuffle');
    const order = new RandomSequence(seed, streams.shuffle).permutation(this.length);
    return new Dataset({
      images: this.images.rows(order),
      labels: this.labels.rows(order),
      classNames: this.classNames,
    });
  }

  /**
   * A copy with the samples of `other` behind its own. Class names are its own, or else those of `other`.
   *
   * @throws TsunoError `SHAPE` where samples or labels differ in shape or type, `ARGUMENT` where both have class
   * names and they differ.
   */
  concatenate(other: Dataset<X, Y>): Dataset<X, Y> {
    const classNames = namesOfBoth(this.classNames, other.classNames, 'Dataset.concatenate');
    return new Dataset({
      images: join('images', this.images, other.images),
      labels: join('labels', this.labels, other.labels),
      classNames,
    });
  }

  /**
   * A set that is not in memory: its samples are read from `source` when they are wanted.
   *
   * @throws TsunoError `DATA_EMPTY` without samples.
   */
  static fromSource<X extends DType, Y extends DType>(
    source: SampleSource<X, Y>,
  ): StreamingDataset<X, Y> {
    if (source.length > 0) return new StreamingDataset(source);
    throw new TsunoError('DATA_EMPTY', {
      where: 'Dataset.fromSource',
      what: 'the source',
      expected: 'must have one sample at least',
      found: 'none',
    });
  }

  private get streaming(): StreamingDataset<X, Y> {
    return new StreamingDataset(memorySource(this, this.classNames));
  }

  /**
   * Each sample after a function, called when the sample is wanted; see `StreamingDataset.map`. To have the results in
   * memory, load them: `Dataset.from(await set.map(…).load())`.
   *
   * @example
   * ```ts
   * const set = Dataset.from({ images, labels }).map(({ label }) => ({
   *   label: tensor(Int32Array.of(label.data[0]! % 2), []),
   * }));
   * (await set.take(3).load()).labels.toArray(); // [0, 1, 0]
   * ```
   */
  map<X2 extends DType = X, Y2 extends DType = Y>(
    map: SampleMap<X, Y, X2, Y2>,
  ): StreamingDataset<X2, Y2> {
    return this.streaming.map(map);
  }

  /**
   * The samples batch by batch, in their order: views.
   *
   * @param options `dropRemainder`: without the smaller batch at the end; default false.
   * @throws TsunoError `ARGUMENT` unless `batchSize` is a positive integer.
   */
  batch(batchSize: number, options: BatchOptions = {}): BatchedDataset<X, Y> {
    return this.streaming.batch(batchSize, options);
  }

  /** This set, which is in memory already: so that a pipeline is written the same way for all sets. */
  cache(): this {
    return this;
  }

  /** This set, for which nobody waits: so that a pipeline is written the same way for all sets. */
  prefetch(_count: number): this {
    return this;
  }
}

function checkParts({ images, labels, classNames }: DatasetParts): void {
  const where = 'Dataset.from';
  if (images.rank === 0) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'images',
      expected: 'must have an axis of samples: [n, height, width, channels]',
      found: showShape(images.shape),
    });
  }
  if (labels.rank !== 1 && labels.rank !== 2) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'labels',
      expected: 'class numbers of shape [n] or one-hot rows of shape [n, classes]',
      found: showShape(labels.shape),
    });
  }
  if (images.length !== labels.length) {
    throw new TsunoError('DATA_MISMATCH', {
      where,
      what: 'images and labels',
      expected: 'as many',
      found: `${images.length} images and ${labels.length} labels`,
    });
  }
  if (images.length === 0) {
    throw new TsunoError('DATA_EMPTY', {
      where,
      what: 'images and labels',
      expected: 'must have one sample at least',
      found: 'none',
    });
  }
  const width = labels.shape[1];
  if (classNames && width !== undefined && width > 1 && width !== classNames.length) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'classNames',
      expected: `must name the ${width} classes of the one-hot labels`,
      found: `${classNames.length} names`,
    });
  }
}

/** Rows of `first`, then rows of `second`. */
function join<D extends DType>(what: string, first: Tensor<D>, second: Tensor<D>): Tensor<D> {
  const row = first.shape.slice(1);
  if (first.dtype !== second.dtype || !sameShape(row, second.shape.slice(1))) {
    throw new TsunoError('SHAPE', {
      where: 'Dataset.concatenate',
      what: `${what} of the second set`,
      expected: `${first.dtype} of shape ${showShape([null, ...row])}`,
      found: `${second.dtype} of shape ${showShape(second.shape)}`,
    });
  }
  const data = allocate(first.dtype, first.size + second.size);
  (data as AnyArray).set(first.data);
  (data as AnyArray).set(second.data, first.size);
  return new Tensor(first.dtype, [first.length + second.length, ...row], data);
}
