/**
 * @file A labelled data set that is not in memory: samples are read when they are wanted. It has the methods of `Dataset`;
 * parts of it are views that read through it, and nothing is read before somebody asks.
 */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { RandomSequence, streams } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import { BatchedDataset, type BatchOptions } from './batched_dataset.ts';
import { clampRange, cutOf, namesOfBoth, wholeCount, wholeSeed } from './ranges.ts';
import type { SampleBatch, SampleSource } from './source.ts';
import {
  cachedSource,
  joinedSource,
  mappedSource,
  orderedSource,
  type SampleMap,
  slicedSource,
} from './sources.ts';

/** Samples of a set, read into memory: what `Dataset.from` takes. */
export interface ReadSamples<X extends DType = DType, Y extends DType = DType>
  extends SampleBatch<X, Y> {
  readonly classNames: readonly string[] | undefined;
}

/** How a set is read, where its samples do not say. */
export interface StreamingOptions {
  /** Samples of a batch where nobody says otherwise; default 32. */
  batchSize?: number | undefined;
  /** Batches that `batch` reads before they are wanted; default 0. */
  ahead?: number | undefined;
}

/**
 * Images with their labels, read when they are wanted: made by `Dataset.fromSource`, `streamIdx`, `streamNpy`, or by
 * mapping any set. `fit`, `evaluate` and `predict` take it as they take a `Dataset`, and read ahead while the engine works.
 *
 * @example
 * ```ts
 * const squares = Dataset.fromSource({
 *   length: 1_000_000,
 *   image: { dtype: 'float32', shape: [1] },
 *   label: { dtype: 'float32', shape: [] },
 *   read: async (rows) => ({
 *     images: new Tensor('float32', [rows.length, 1], Float32Array.from(rows)),
 *     labels: new Tensor('float32', [rows.length], Float32Array.from(rows, (row) => row ** 2)),
 *   }),
 * });
 * const [training, validation] = squares.shuffle(7).split(0.1);
 * training.length;                                       // 900000
 * (await squares.skip(3).take(2).load()).labels.toArray(); // [9, 16]
 * ```
 * @see https://www.tensorflow.org/api_docs/python/tf/data/Dataset
 */
export class StreamingDataset<X extends DType = DType, Y extends DType = DType> {
  /** Where the samples come from. */
  readonly source: SampleSource<X, Y>;
  /** Samples of a batch for `batch`, `fit`, `evaluate` and `predict`, where they are not told; `undefined`: 32. */
  readonly batchSize: number | undefined;
  private readonly ahead: number;

  constructor(source: SampleSource<X, Y>, { batchSize, ahead = 0 }: StreamingOptions = {}) {
    this.source = source;
    this.batchSize = batchSize;
    this.ahead = ahead;
  }

  /** Number of samples. */
  get length(): number {
    return this.source.length;
  }

  /** Names of the classes, in the order of their numbers. */
  get classNames(): readonly string[] | undefined {
    return this.source.classNames;
  }

  /**
   * Shape of one sample: what `Input({ shape })` wants.
   *
   * @throws TsunoError `STATE` for a mapped set of which no sample was read yet: await {@link peek} before.
   */
  get sampleShape(): Shape {
    return this.source.image.shape;
  }

  private with<X2 extends DType, Y2 extends DType>(
    source: SampleSource<X2, Y2>,
  ): StreamingDataset<X2, Y2> {
    return new StreamingDataset(source, { batchSize: this.batchSize, ahead: this.ahead });
  }

  /** The first sample, as a batch of one; a mapped set knows its `sampleShape` then. */
  async peek(): Promise<SampleBatch<X, Y>> {
    return this.source.read(Uint32Array.of(0));
  }

  /** Reads all samples: `Dataset.from(await set.load())` is the set in memory. */
  async load(): Promise<ReadSamples<X, Y>> {
    const all = Uint32Array.from({ length: this.length }, (_, i) => i);
    const { images, labels } = await this.source.read(all);
    return { images, labels, classNames: this.classNames };
  }

  /**
   * The first `count` samples, or all where there are fewer.
   *
   * @throws TsunoError `ARGUMENT` unless `count` is a whole number, zero or more.
   */
  take(count: number): StreamingDataset<X, Y> {
    return this.slice(0, wholeCount(count, 'StreamingDataset.take'));
  }

  /**
   * All but the first `count` samples, which are not read.
   *
   * @throws TsunoError `ARGUMENT` unless `count` is a whole number, zero or more.
   */
  skip(count: number): StreamingDataset<X, Y> {
    return this.slice(wholeCount(count, 'StreamingDataset.skip'));
  }

  /** Samples `start` (default 0) up to, not including, `end` (default all), counted as by `Array.prototype.slice`. */
  slice(start = 0, end = this.length): StreamingDataset<X, Y> {
    const [from, to] = clampRange(start, end, this.length);
    return this.with(slicedSource(this.source, from, to));
  }

  /**
   * The first samples, and the last `fraction` of them, cut where Keras's `validation_split` cuts.
   *
   * @throws TsunoError `ARGUMENT` where `fraction` is not between 0 and 1, or leaves one of the sets empty.
   */
  split(fraction: number): [StreamingDataset<X, Y>, StreamingDataset<X, Y>] {
    const cut = cutOf(this.length, fraction, 'StreamingDataset.split');
    return [this.slice(0, cut), this.slice(cut)];
  }

  /**
   * The samples in an order drawn from `seed`, the same as that of a set in memory. `fit` shuffles by itself, in another
   * order each pass.
   *
   * @throws TsunoError `ARGUMENT` unless `seed` is a whole number.
   */
  shuffle(seed: number): StreamingDataset<X, Y> {
    const random = new RandomSequence(wholeSeed(seed, 'StreamingDataset.shuffle'), streams.shuffle);
    return this.with(orderedSource(this.source, random.permutation(this.length)));
  }

  /**
   * The samples of `other` behind its own. Class names are its own, or else those of `other`.
   *
   * @throws TsunoError `ARGUMENT` where both have class names and they differ; samples of another type or shape are
   * refused with `SHAPE` when they are read.
   */
  concatenate(other: StreamingDataset<X, Y>): StreamingDataset<X, Y> {
    const classNames = namesOfBoth(
      this.classNames,
      other.classNames,
      'StreamingDataset.concatenate',
    );
    const source = joinedSource(this.source, other.source);
    return this.with(Object.assign(source, { classNames }));
  }

  /**
   * Each sample after a function, which is called anew whenever the sample is read. It may change type and shape, all
   * samples alike, and be asynchronous; samples stay in reach by their number, so that shuffling is as cheap as before.
   *
   * @param map gets `{ image, label }` without the axis of samples, and the sample's number in this set; returns what
   * changes: `{ image }`, `{ label }` or both.
   * @example
   * ```ts
   * const scaled = Dataset.from({ images, labels }).map(({ image }) => ({
   *   image: new Tensor('float32', image.shape, Float32Array.from(image.data, (pixel) => pixel / 255)),
   * }));
   * (await scaled.peek()).images.dtype; // "float32"
   * scaled.sampleShape;                 // [28, 28, 1]
   * ```
   * @see https://www.tensorflow.org/api_docs/python/tf/data/Dataset#map
   */
  map<X2 extends DType = X, Y2 extends DType = Y>(
    map: SampleMap<X, Y, X2, Y2>,
  ): StreamingDataset<X2, Y2> {
    return this.with(mappedSource(this.source, map));
  }

  /** The set, which keeps each sample in memory once it was read. */
  cache(): StreamingDataset<X, Y> {
    return this.with(cachedSource(this.source));
  }

  /** The set, of which {@link batch} reads `count` batches before they are wanted. `fit` reads ahead by itself. */
  prefetch(count: number): StreamingDataset<X, Y> {
    const ahead = wholeCount(count, 'StreamingDataset.prefetch');
    return new StreamingDataset(this.source, { batchSize: this.batchSize, ahead });
  }

  /**
   * The samples batch by batch, in their order.
   *
   * @param batchSize default that of the set, or else 32.
   * @param options `dropRemainder`: without the smaller batch at the end; default false.
   * @throws TsunoError `ARGUMENT` unless `batchSize` is a positive integer.
   */
  batch(batchSize = this.batchSize ?? 32, options: BatchOptions = {}): BatchedDataset<X, Y> {
    checkBatchSize(batchSize);
    return BatchedDataset.of(this.source, batchSize, options, this.ahead);
  }
}

function checkBatchSize(size: number): void {
  if (Number.isSafeInteger(size) && size > 0) return;
  throw new TsunoError('ARGUMENT', {
    where: 'StreamingDataset.batch',
    what: 'batchSize',
    expected: 'a positive integer',
    found: show(size),
  });
}
