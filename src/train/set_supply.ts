/** @file A set that is not in memory, fed: pieces of a pass are read in its order of samples, each for a few MiB. */
import type { Tensor } from '../core/tensor.ts';
import { checkFinite } from '../data/checks.ts';
import type { StreamingDataset } from '../data/streaming_dataset.ts';
import { type Columns, withClassWeight } from './batches.ts';
import type { Feed, FeedOptions, Supply } from './feed.ts';
import type { StepKind } from './programs.ts';
import {
  bytesOfSample,
  type Piece,
  readingError,
  type Stream,
  StreamFeed,
  windowBatches,
  windowBytes,
} from './stream_feed.ts';
import type { Trainer } from './trainer.ts';

/** Samples that are read for a first look. */
const firstSamples = 32;

export interface SetWeights {
  /** `[n]` each, in memory; see `Columns`. */
  sampleWeights: readonly (Tensor<'float32'> | undefined)[];
  classWeight: Readonly<Record<number, number>> | undefined;
}

/** A streamed set. */
export class SetSupply implements Supply {
  readonly isOnce = false;
  private readonly set: StreamingDataset;
  private readonly weights: SetWeights;
  private first: Columns | undefined;

  constructor(set: StreamingDataset, weights?: SetWeights) {
    this.set = set;
    this.weights = weights ?? { sampleWeights: [], classWeight: undefined };
  }

  get samples(): number {
    return this.set.length;
  }

  get batchSize(): number | undefined {
    return this.set.batchSize;
  }

  /** Reads the first samples, and the last, so that sets of other lengths are seen to be others. */
  async inspect(trainer: Trainer, kind: StepKind, where: string): Promise<Columns> {
    const { length } = this.set;
    const count = Math.min(firstSamples, length);
    const rows = Uint32Array.from({ length: count }, (_, i) => (i < count - 1 ? i : length - 1));
    this.first = await this.read(rows, trainer, kind, where);
    return this.first;
  }

  /** Samples as columns, checked. */
  async read(
    rows: Uint32Array,
    trainer: Trainer,
    kind: StepKind,
    where: string,
    signal?: AbortSignal,
  ): Promise<Columns> {
    let found: { images: Tensor; labels: Tensor };
    try {
      found = await this.set.source.read(rows, signal);
    } catch (cause) {
      throw readingError(where, cause);
    }
    const { images, labels } = found;
    checkFinite(images, where, 'x', rows);
    const { sampleWeights, classWeight } = this.weights;
    const columns = {
      x: [images],
      y: kind === 'predict' ? [] : [labels],
      sampleWeights: sampleWeights.map((weight) => weight?.rows(rows)),
    };
    trainer.check(columns, kind, where, rows);
    return withClassWeight(columns, classWeight, where);
  }

  async open(trainer: Trainer, options: FeedOptions): Promise<Feed> {
    const { kind, batch, where } = options;
    const columns = this.first ?? (await this.inspect(trainer, kind, where));
    await trainer.ready(kind, columns, batch, this.set.length);
    return new StreamFeed(trainer, new SetStream(this, this.set, trainer, options, columns));
  }
}

class SetStream implements Stream {
  readonly isOnce = false;
  readonly isIndexed = true;
  readonly batches: number;
  private readonly supply: SetSupply;
  private readonly count: number;
  private readonly trainer: Trainer;
  private readonly options: FeedOptions;
  /** Batches of a piece. */
  private readonly step: number;

  constructor(
    supply: SetSupply,
    { length }: StreamingDataset,
    trainer: Trainer,
    options: FeedOptions,
    first: Columns,
  ) {
    this.supply = supply;
    this.count = length;
    this.trainer = trainer;
    this.options = options;
    this.batches = Math.ceil(length / options.batch);
    const fitting = Math.floor(windowBytes / (bytesOfSample(first) * options.batch));
    this.step = Math.max(1, Math.min(windowBatches, fitting));
  }

  async *pieces(
    pass: number,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void, undefined> {
    const { kind, batch, order } = this.options;
    const { count, batches } = this;
    const rows = order?.(pass, count) ?? Uint32Array.from({ length: count }, (_, i) => i);
    // The first pieces are small, so that the engine soon has work.
    let step = Math.max(1, Math.floor(this.step / 8));
    for (let at = from; at < batches && !signal.aborted; ) {
      const to = Math.min(batches, at + step);
      const where = `${this.options.where}, ${at + 1 === to ? `batch ${to}` : `batches ${at + 1} to ${to}`}`;
      const wanted = rows.slice(at * batch, to * batch);
      yield { columns: await this.supply.read(wanted, this.trainer, kind, where, signal), batch };
      at = to;
      step = Math.min(this.step, step * 2);
    }
  }
}
