/**
 * @file Batches as they come, fed: out of a generator, or of any other iterable. What a function returns can be gone
 * through again in each pass, an iterator once.
 */
import { show, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { BatchedDataset } from '../data/batched_dataset.ts';
import {
  type Batch,
  type Batches,
  type BatchStream,
  type Columns,
  columnsOf,
  countOf,
  type SampleWeights,
  type Tensors,
  withClassWeight,
} from './batches.ts';
import type { Feed, FeedOptions, Supply } from './feed.ts';
import type { StepKind } from './programs.ts';
import { type Piece, readingError, type Stream, StreamFeed } from './stream_feed.ts';
import type { Trainer } from './trainer.ts';

type AnyIterator = AsyncIterator<Batch> | Iterator<Batch>;

/** A pass that has been begun for a first look. */
interface Begun {
  iterator: AnyIterator;
  first: Batch;
}

export class BatchSupply implements Supply {
  readonly isOnce: boolean;
  private readonly given: BatchStream;
  private readonly classWeight: Readonly<Record<number, number>> | undefined;
  private begun: Begun | undefined;

  constructor(
    given: BatchStream,
    classWeight: Readonly<Record<number, number>> | undefined = undefined,
  ) {
    this.given = given;
    this.classWeight = classWeight;
    this.isOnce = typeof given !== 'function' && iteratorOf(given) === (given as unknown);
  }

  /** Number of batches, where it is known. */
  get batches(): number | undefined {
    return this.given instanceof BatchedDataset ? this.given.length : undefined;
  }

  /** Begins the first pass and looks at its first batch. */
  async inspect(trainer: Trainer, kind: StepKind, where: string): Promise<Columns> {
    const at = `${where}, batch 1`;
    try {
      const iterator = this.iterator(0, 0);
      const { done, value } = await iterator.next();
      if (!done) this.begun = { iterator, first: value };
    } catch (cause) {
      throw readingError(at, cause);
    }
    if (this.begun) return this.columns(this.begun.first, trainer, kind, at);
    throw new TsunoError('DATA_EMPTY', {
      where,
      what: 'x',
      expected: 'must give one batch at least',
      found: 'none',
    });
  }

  /** The iterator of a pass, from a batch on where that costs nothing. */
  iterator(pass: number, from: number): AnyIterator {
    const { given } = this;
    if (given instanceof BatchedDataset) return given.skip(from)[Symbol.asyncIterator]();
    const found = typeof given === 'function' ? given(pass) : given;
    const iterator = iteratorOf(found);
    if (iterator) return iterator;
    throw new TsunoError('ARGUMENT', {
      where: 'batches',
      what: 'what the function returns',
      expected: 'a generator or another iterable of batches',
      found: show(found),
    });
  }

  /** What the first look began, for the first pass. */
  takeBegun(): Begun | undefined {
    const { begun } = this;
    this.begun = undefined;
    return begun;
  }

  /** A batch as columns, checked. */
  columns(given: Batch, trainer: Trainer, kind: StepKind, where: string): Columns {
    const { x, y, sampleWeight } = partsOf(given, kind, where);
    const columns = columnsOf(x, { y, sampleWeight }, trainer.names, where);
    trainer.check(columns, kind, where);
    return withClassWeight(columns, this.classWeight, where);
  }

  async open(trainer: Trainer, options: FeedOptions): Promise<Feed> {
    const { kind, where } = options;
    if (!this.begun) await this.inspect(trainer, kind, where);
    const first = this.columns(this.begun!.first, trainer, kind, `${where}, batch 1`);
    await trainer.ready(kind, first, countOf(first));
    return new StreamFeed(trainer, new BatchPasses(this, trainer, options));
  }
}

/** The iterator of something that can be iterated; `undefined` where it cannot. */
function iteratorOf(given: Batches): AnyIterator | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  if (Symbol.asyncIterator in given) return given[Symbol.asyncIterator]();
  if (Symbol.iterator in given) return given[Symbol.iterator]();
  return undefined;
}

interface Parts {
  x: Tensors;
  y: Tensors | undefined;
  sampleWeight: SampleWeights | undefined;
}

function partsOf(given: Batch, kind: StepKind, where: string): Parts {
  const isList = Array.isArray(given);
  if (isList && given.length >= (kind === 'predict' ? 1 : 2) && given.length <= 3) {
    const [x, y, sampleWeight] = given as readonly unknown[] as readonly [
      Tensors,
      Tensors,
      SampleWeights | undefined,
    ];
    return kind === 'predict'
      ? { x, y: undefined, sampleWeight: undefined }
      : { x, y, sampleWeight };
  }
  if (!isList && typeof given === 'object' && given && 'images' in given && 'labels' in given) {
    const y = kind === 'predict' ? undefined : given.labels;
    return { x: given.images, y, sampleWeight: undefined };
  }
  if (kind === 'predict' && (given as unknown) instanceof Tensor)
    return { x: given as unknown as Tensor, y: undefined, sampleWeight: undefined };
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'a batch',
    expected: '[x, y], [x, y, sampleWeight] or { images, labels }',
    found: isList ? `a list of ${given.length}` : show(given),
  });
}

class BatchPasses implements Stream {
  readonly isOnce: boolean;
  readonly isIndexed: boolean;
  readonly batches: number | undefined;
  private readonly supply: BatchSupply;
  private readonly trainer: Trainer;
  private readonly options: FeedOptions;

  constructor(supply: BatchSupply, trainer: Trainer, options: FeedOptions) {
    this.supply = supply;
    this.trainer = trainer;
    this.options = options;
    this.isOnce = supply.isOnce;
    this.batches = supply.batches;
    this.isIndexed = supply.batches !== undefined;
  }

  async *pieces(
    pass: number,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void, undefined> {
    const { kind, where } = this.options;
    const begun = pass === 0 && from === 0 ? this.supply.takeBegun() : undefined;
    let given = begun?.first;
    let iterator = begun?.iterator;
    try {
      for (let number = from + 1; !signal.aborted; number++) {
        const at = `${where}, batch ${number}`;
        if (given === undefined) {
          try {
            iterator ??= this.supply.iterator(pass, from);
            const { done, value } = await iterator.next();
            if (done) return;
            given = value;
          } catch (cause) {
            iterator = undefined;
            throw readingError(at, cause);
          }
        }
        const columns = this.supply.columns(given, this.trainer, kind, at);
        yield { columns, batch: countOf(columns) };
        given = undefined;
      }
    } finally {
      if (iterator?.return) await Promise.resolve(iterator.return()).catch(() => undefined);
    }
  }
}
