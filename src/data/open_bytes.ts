/** @file Files whose bytes can be read from anywhere: what is read from them, and how a change of one is told. */
import { TsunoError } from '../core/errors.ts';

/** A file open for reading. */
export interface OpenBytes {
  /**
   * Lays the `length` bytes from byte `offset` of the file on into `into`, from place `at` of it on.
   *
   * @returns nothing to wait for where they are there already.
   * @throws TsunoError `DATASET_CHANGED` where there are fewer, `FILE` where the system cannot read them.
   */
  read(into: Uint8Array, at: number, length: number, offset: number): Promise<void> | undefined;
  close(): Promise<void>;
}

/** A file that can be read from anywhere, again and again. */
export interface RandomBytes {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** Bytes that take as long to read as a call does to begin. */
  readonly callCost: number;
  /** @throws TsunoError `DATASET_CHANGED` where it is not the file it was at first, `FILE` where it is gone. */
  open(): Promise<OpenBytes>;
}

/** A file that is not what it was. */
export function changed(name: string, offset: number, found: string, cause?: unknown): TsunoError {
  return new TsunoError('DATASET_CHANGED', {
    where: `${name}, byte ${offset}`,
    what: 'the file',
    expected: 'as it was when the data set was opened',
    found,
    repair: 'Open the data set again.',
    cause,
  });
}
