/**
 * @file The feed: pieces of a few batches are read ahead while the engine is at work; what has been read when the engine
 * asks becomes one window in its memory, a few MiB at most, and is run in one go. How pieces fall into windows changes no
 * bit: a window is whole batches.
 *
 *     engine   window 1 ───────────── window 2 ──────────────
 *     host     read 2 ──── wait       read 3 ──── wait
 */
import { bytesOf, type DType } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { sameShape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { Ahead } from './ahead.ts';
import type { Columns } from './batches.ts';
import { type Feed, type Stretch, stepsOf } from './feed.ts';
import { countOfSamples, type LoadedColumns, type Samples, type Trainer } from './trainer.ts';

/** Most bytes of a window, and of pieces that wait for the next one; one batch may be more. */
export const windowBytes = 2 ** 22;
/** Most batches of a window, so that one with tiny samples comes soon. */
export const windowBatches = 128;

/** Checked samples, whole batches of `batch`; behind the last whole one there may be a smaller one. */
export interface Piece extends Samples {
  batch: number;
}

/** What a feed reads from. */
export interface Stream {
  /** Batches of a pass, where known. */
  readonly batches: number | undefined;
  /** Whether there is only one pass, which goes on wherever it is begun again. */
  readonly isOnce: boolean;
  /** Whether a pass may begin anywhere at no cost; else the batches before are read. */
  readonly isIndexed: boolean;
  /** Pass `pass` from batch `from` on. */
  pieces(pass: number, from: number, signal: AbortSignal): AsyncIterator<Piece>;
}

/** Batches in the engine, some or all of them taken. */
interface Window extends Stretch {
  data: LoadedColumns;
}

export class StreamFeed implements Feed {
  batches: number | undefined;
  private readonly trainer: Trainer;
  private readonly stream: Stream;
  private ahead: Ahead<Piece> | undefined;
  private stop = new AbortController();
  private window: Window | undefined;
  private pass = -1;
  /** The batch of the pass that comes next. */
  private at = 0;

  constructor(trainer: Trainer, stream: Stream) {
    this.trainer = trainer;
    this.stream = stream;
    this.batches = stream.batches;
  }

  async begin(pass: number, from: number): Promise<boolean> {
    const { isOnce, isIndexed } = this.stream;
    const goesOn =
      this.ahead !== undefined &&
      (isOnce || (pass === this.pass && (from === this.at || (from > this.at && !isIndexed))));
    if (!goesOn) this.start(pass, isIndexed ? from : 0);
    const isSame = pass === this.pass;
    while (isSame && this.at < from && (await this.next(from - this.at)));
    return this.hasWindow || this.hasPiece();
  }

  private start(pass: number, from: number): void {
    this.end();
    this.stop = new AbortController();
    const pieces = this.stream.pieces(pass, from, this.stop.signal);
    this.ahead = new Ahead(pieces, weightOf, windowBytes);
    this.pass = pass;
    this.at = from;
  }

  private get hasWindow(): boolean {
    return this.window !== undefined && this.window.from < this.window.to;
  }

  /** Whether the pass goes on; its end tells how many batches there are. */
  private async hasPiece(signal?: AbortSignal): Promise<boolean> {
    if (await this.ahead?.has(signal)) return true;
    if (!signal?.aborted) this.batches ??= this.at;
    return false;
  }

  async next(most: number, signal?: AbortSignal): Promise<Stretch | undefined> {
    if (!this.hasWindow) {
      if (await this.hasPiece(signal)) await this.fill();
      else this.unload();
    }
    if (!this.window) return undefined;
    const { data, batch, from } = this.window;
    const to = Math.min(data.count, from + most * batch);
    this.window.from = to;
    this.at += stepsOf({ batch, from, to });
    return { data, batch, from, to };
  }

  /** Lays the next piece into the engine, and those behind it that have been read and are alike. */
  private async fill(): Promise<void> {
    const ahead = this.ahead!;
    const pieces = [ahead.take()];
    const [first] = pieces as [Piece];
    const { columns, batch } = first;
    let [count, bytes] = [countOfSamples(first), weightOf(first)];
    for (let other = ahead.first; other; other = ahead.first) {
      const size = weightOf(other);
      const fits = bytes + size <= windowBytes && count + batch <= windowBatches * batch;
      const isWhole = count % batch === 0;
      const isLike = other.batch === batch && alike(columns, other.columns);
      if (!fits || !isWhole || !isLike) break;
      pieces.push(ahead.take());
      count += countOfSamples(other);
      bytes += size;
    }
    const spent = this.window?.data;
    this.window = undefined;
    const data = await this.trainer.load(pieces, spent);
    this.window = { data, batch, from: 0, to: data.count };
  }

  private unload(): void {
    if (this.window) this.trainer.unload(this.window.data);
    this.window = undefined;
  }

  private end(): void {
    this.stop.abort();
    this.ahead?.close();
    this.ahead = undefined;
    // Its memory serves the next one.
    if (this.window) this.window.from = this.window.to;
  }

  rest(): void {
    if (!this.hasWindow) this.unload();
  }

  async close(): Promise<void> {
    this.end();
    this.unload();
  }
}

function columnsOf({ x, y, sampleWeights }: Columns): (Tensor | undefined)[] {
  return [...x, ...y, ...sampleWeights];
}

/** Bytes that a sample takes in all columns together. */
export function bytesOfSample(columns: Columns): number {
  return columnsOf(columns).reduce(
    (sum, column) => sum + (column ? sizeOf(column.shape.slice(1)) * bytesOf(column.dtype) : 0),
    0,
  );
}

/** Bytes. */
function weightOf(piece: Piece): number {
  return countOfSamples(piece) * bytesOfSample(piece.columns);
}

function alike(a: Columns, b: Columns): boolean {
  const [ours, theirs] = [columnsOf(a), columnsOf(b)];
  return (
    ours.length === theirs.length &&
    a.y.length === b.y.length &&
    ours.every((tensor, i) => {
      const other = theirs[i];
      if (!tensor || !other) return tensor === other;
      return tensor.dtype === other.dtype && sameShape(tensor.shape.slice(1), other.shape.slice(1));
    })
  );
}

/** Rows of all tensors, which are alike, one behind the other. */
export function joinedTensors<D extends DType>(parts: readonly Tensor<D>[]): Tensor<D> {
  const [first] = parts as [Tensor<D>];
  if (parts.length === 1) return first;
  const count = parts.reduce((sum, { length }) => sum + length, 0);
  const all = new Tensor(first.dtype, [count, ...first.shape.slice(1)]);
  let at = 0;
  for (const { data } of parts) {
    all.data.set(data, at);
    at += data.length;
  }
  return all;
}

/** What reading threw, with the batch it was for. */
export function readingError(where: string, cause: unknown): TsunoError {
  if (!(cause instanceof TsunoError)) {
    return new TsunoError('USER_CODE', {
      where,
      what: 'what gives the samples',
      expected: 'must not throw',
      found: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
      repair: 'The model is as it was after its last whole step; the original error is the cause.',
      cause,
    });
  }
  const { code, what, expected, found, repair } = cause;
  return new TsunoError(code, {
    where: `${where}, ${cause.where}`,
    what,
    expected,
    found,
    ...(repair ? { repair } : {}),
    cause: cause.cause ?? cause,
  });
}
