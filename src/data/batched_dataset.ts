/** @file The samples of a set batch by batch, in the order of the set: what `batch` makes, for loops and for `fit`. */
import type { DType } from '../core/dtype.ts';
import type { SampleBatch, SampleSource } from './source.ts';
import { userError } from './sources.ts';

/** How samples become batches. */
export interface BatchOptions {
  /** Whether a smaller batch at the end is left out; default false. */
  dropRemainder?: boolean | undefined;
}

/** Makes a batch of a batch; `number` counts from 0 in each pass. May be asynchronous. */
export type BatchMap<X extends DType, Y extends DType, X2 extends DType, Y2 extends DType> = (
  batch: SampleBatch<X, Y>,
  number: number,
) => SampleBatch<X2, Y2> | Promise<SampleBatch<X2, Y2>>;

/** Batch `number` of a set. */
type ReadBatch<X extends DType, Y extends DType> = (
  number: number,
  signal?: AbortSignal,
) => Promise<SampleBatch<X, Y>>;

/**
 * Batches of a set, which can be gone through any number of times. `fit`, `evaluate` and `predict` take them as they come.
 *
 * @example
 * ```ts
 * const set = Dataset.from({ images, labels });
 * let seen = 0;
 * for await (const batch of set.batch(6, { dropRemainder: true })) seen += batch.images.length;
 * seen; // 12
 * ```
 * @see https://www.tensorflow.org/api_docs/python/tf/data/Dataset#batch
 */
export class BatchedDataset<X extends DType = DType, Y extends DType = DType>
  implements AsyncIterable<SampleBatch<X, Y>>
{
  /** Number of batches. */
  readonly length: number;
  /** Samples of a batch; the last one may have fewer. */
  readonly batchSize: number;
  private readonly read: ReadBatch<X, Y>;
  private readonly ahead: number;

  private constructor(length: number, batchSize: number, read: ReadBatch<X, Y>, ahead: number) {
    this.length = length;
    this.batchSize = batchSize;
    this.read = read;
    this.ahead = ahead;
  }

  /** Batches of `batchSize` samples of a source, `ahead` of them read before they are wanted. */
  static of<X extends DType, Y extends DType>(
    source: SampleSource<X, Y>,
    batchSize: number,
    { dropRemainder = false }: BatchOptions = {},
    ahead = 0,
  ): BatchedDataset<X, Y> {
    const whole = source.length / batchSize;
    const length = dropRemainder ? Math.floor(whole) : Math.ceil(whole);
    const read: ReadBatch<X, Y> = (number, signal) => {
      const from = number * batchSize;
      const count = Math.min(batchSize, source.length - from);
      return source.read(
        Uint32Array.from({ length: count }, (_, i) => from + i),
        signal,
      );
    };
    return new BatchedDataset(length, batchSize, read, ahead);
  }

  /**
   * The batches after a function, called anew in each pass.
   *
   * @example
   * ```ts
   * const negatives = Dataset.from({ images, labels }).batch(4).map(({ images, labels }) => ({
   *   images: new Tensor('uint8', images.shape, Uint8Array.from(images.data, (pixel) => 255 - pixel)),
   *   labels,
   * }));
   * const [first] = await negatives.take(1).toArray();
   * first?.images.at(0, 0, 0, 0); // 255
   * ```
   */
  map<X2 extends DType, Y2 extends DType>(map: BatchMap<X, Y, X2, Y2>): BatchedDataset<X2, Y2> {
    const read: ReadBatch<X2, Y2> = async (number, signal) => {
      const batch = await this.read(number, signal);
      try {
        return await map(batch, number);
      } catch (cause) {
        throw userError(`map, batch ${number + 1}`, cause);
      }
    };
    return new BatchedDataset(this.length, this.batchSize, read, this.ahead);
  }

  /** The first `count` batches, or all where there are fewer. */
  take(count: number): BatchedDataset<X, Y> {
    const length = Math.min(this.length, Math.max(0, count));
    return new BatchedDataset(length, this.batchSize, this.read, this.ahead);
  }

  /** All but the first `count` batches, which are not read. */
  skip(count: number): BatchedDataset<X, Y> {
    const from = Math.min(this.length, Math.max(0, count));
    const read: ReadBatch<X, Y> = (number, signal) => this.read(from + number, signal);
    return new BatchedDataset(this.length - from, this.batchSize, read, this.ahead);
  }

  /** Reads `count` batches before they are wanted, while the loop is at work on the one before; default 0. */
  prefetch(count: number): BatchedDataset<X, Y> {
    return new BatchedDataset(this.length, this.batchSize, this.read, count);
  }

  /** All batches in a list. */
  async toArray(): Promise<SampleBatch<X, Y>[]> {
    const all: SampleBatch<X, Y>[] = [];
    for await (const batch of this) all.push(batch);
    return all;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SampleBatch<X, Y>, void, undefined> {
    const stop = new AbortController();
    const under = new Map<number, Promise<SampleBatch<X, Y>>>();
    try {
      for (let number = 0, asked = 0; number < this.length; number++) {
        for (; asked < Math.min(this.length, number + 1 + this.ahead); asked++) {
          const reading = this.read(asked, stop.signal);
          // Thrown in its turn.
          reading.catch(() => undefined);
          under.set(asked, reading);
        }
        const batch = await under.get(number)!;
        under.delete(number);
        yield batch;
      }
    } finally {
      stop.abort();
    }
  }
}
