/**
 * @file Columns in memory, fed: they stay where they are, and a few MiB of them at a time are gathered into the engine, in
 * the order of the pass.
 */
import { type Columns, countOf, sliceColumns } from './batches.ts';
import type { Feed, FeedOptions, Supply } from './feed.ts';
import type { StepKind } from './programs.ts';
import { bytesOfSample, type Piece, type Stream, StreamFeed, windowBytes } from './stream_feed.ts';
import type { Trainer } from './trainer.ts';

export class MemorySupply implements Supply {
  readonly isOnce = false;
  private readonly columns: Columns;

  constructor(columns: Columns) {
    this.columns = columns;
  }

  get samples(): number {
    return countOf(this.columns);
  }

  async inspect(trainer: Trainer, kind: StepKind, where: string): Promise<Columns> {
    trainer.check(this.columns, kind, where);
    return this.columns;
  }

  async open(trainer: Trainer, options: FeedOptions): Promise<Feed> {
    await trainer.ready(options.kind, this.columns, options.batch);
    return new StreamFeed(trainer, new MemoryStream(this.columns, options));
  }
}

/** A piece is a window, and only says which samples: nothing is copied before it is laid into the engine. */
class MemoryStream implements Stream {
  readonly isOnce = false;
  readonly isIndexed = true;
  readonly batches: number;
  private readonly columns: Columns;
  private readonly options: FeedOptions;

  constructor(columns: Columns, options: FeedOptions) {
    this.columns = columns;
    this.options = options;
    this.batches = Math.ceil(countOf(columns) / options.batch);
  }

  async *pieces(
    pass: number,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void, undefined> {
    const { columns } = this;
    const { batch, order } = this.options;
    const count = countOf(columns);
    const rows = order?.(pass, count);
    const fitting = Math.floor(windowBytes / (bytesOfSample(columns) * batch));
    const size = Math.max(1, fitting) * batch;
    for (let at = from * batch; at < count && !signal.aborted; at += size) {
      const to = Math.min(count, at + size);
      yield rows
        ? { columns, rows: rows.subarray(at, to), batch }
        : { columns: sliceColumns(columns, at, to), batch };
    }
  }
}
