/**
 * @file How samples reach the engine. A supply is what there is to feed: columns in memory, a set that is read from
 * files, batches out of a generator. Opened, it is a feed, which lays batches into the engine's memory stretch by
 * stretch, so that the loops over steps need not know where they come from.
 */
import type { Columns } from './batches.ts';
import type { StepKind } from './programs.ts';
import type { LoadedColumns, Trainer } from './trainer.ts';

/** Batches that lie in the engine, to be run one after the other. They stay until the next are asked for. */
export interface Stretch {
  data: LoadedColumns;
  /** Samples a batch; the last one may have fewer. */
  batch: number;
  /** First sample in the order of `data`, and one past the last. */
  from: number;
  to: number;
}

/** Samples on their way to the engine, pass by pass. */
export interface Feed {
  /** Batches of a pass; `undefined` until the end of a pass has told. */
  readonly batches: number | undefined;
  /**
   * Goes to batch `from` of pass `pass`; nothing happens where the feed stands there already.
   *
   * @returns whether there is such a batch: what can be gone through once has no second pass.
   */
  begin(pass: number, from: number): Promise<boolean>;
  /**
   * The next batches of the pass, `most` at most; `undefined` behind the last one, and where `signal` aborts.
   *
   * @throws TsunoError that names the batch, where it cannot be read or is none.
   */
  next(most: number, signal?: AbortSignal): Promise<Stretch | undefined>;
  /** Gives back the engine's memory while nobody asks, unless batches wait there. */
  rest(): void;
  /** Frees the engine's memory and what is read from. */
  close(): Promise<void>;
}

export interface FeedOptions {
  kind: StepKind;
  /** Who asks, for messages. */
  where: string;
  /** Samples a batch, where the supply is not in batches. */
  batch: number;
  /** The order of the samples in pass `pass`; default: as they lie. Batches out of a generator come as they come. */
  order?: ((pass: number, count: number) => Uint32Array) | undefined;
}

/** What there is to feed. */
export interface Supply {
  /** Whether it can be gone through only once. */
  readonly isOnce: boolean;
  /** How many there are, where it is known. */
  readonly samples?: number | undefined;
  /** Samples of a batch, where the call does not say. */
  readonly batchSize?: number | undefined;
  /**
   * Checks what can be checked before anything changes.
   *
   * @returns some or all of the columns.
   * @throws TsunoError where the data are impossible for the model.
   */
  inspect(trainer: Trainer, kind: StepKind, where: string): Promise<Columns>;
  /** Compiles what the steps need, and lays the first batches into the engine or begins to read them. */
  open(trainer: Trainer, options: FeedOptions): Promise<Feed>;
}

/** How many batches there are from sample `from` to `to`. */
export function stepsOf({ batch, from, to }: Pick<Stretch, 'batch' | 'from' | 'to'>): number {
  return Math.ceil((to - from) / batch);
}
