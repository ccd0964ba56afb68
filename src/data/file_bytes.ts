/**
 * @file Bytes of a file in Node from any place of it. What the system has in memory is read at once, in less than a
 * microsecond a row; a read in the background takes two to five, some of them of the engine's processors. Where a disk is
 * asked, which is seen by the time, the background does, several reads at a time.
 */
import type { FileHandle } from 'node:fs/promises';
import { show, showFailure, TsunoError } from '../core/errors.ts';
import { changed, type OpenBytes, type RandomBytes } from './open_bytes.ts';

/** Milliseconds of a read from which on a disk has been asked, and not only the system's memory. */
const slowRead = 0.2;
/** Reads that are left to the background after a slow one, before one is tried at once again. */
const patience = 64;
/** What is read in the time that a call takes. */
const callCost = 2 ** 10;

/** @throws TsunoError `FILE` where there is no file that can be read. */
export async function fileBytes(from: string | URL, where: string): Promise<RandomBytes> {
  const { readSync } = await import('node:fs');
  const { open, stat } = await import('node:fs/promises');
  const { fileURLToPath } = await import('node:url');
  const isUrl = from instanceof URL || from.startsWith('file:');
  const path = isUrl ? fileURLToPath(from) : from;
  const unreadable = (cause: unknown) =>
    new TsunoError('FILE', {
      where,
      what: show(path),
      expected: 'readable',
      found: showFailure(cause),
      cause,
    });
  const first = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (!first.isFile()) {
    throw new TsunoError('FILE', { where, what: show(path), expected: 'a file', found: 'none' });
  }
  const pace = { leftToBackground: 0 };
  return {
    name: path,
    size: first.size,
    callCost,
    async open() {
      const file = await open(path, 'r').catch((cause: unknown) => {
        throw unreadable(cause);
      });
      const { size, ino, mtimeMs } = await file.stat();
      if (size !== first.size || ino !== first.ino || mtimeMs !== first.mtimeMs) {
        await file.close();
        const how = size === first.size ? 'another or rewritten file' : `one of ${size} bytes`;
        throw changed(path, Math.min(size, first.size), how);
      }
      return new OpenFile(path, file, readSync, pace);
    },
  };
}

class OpenFile implements OpenBytes {
  private readonly path: string;
  private readonly file: FileHandle;
  private readonly readNow: typeof import('node:fs').readSync;
  /** Of all openings of a file: what it was like the last time says how it will be. */
  private readonly pace: { leftToBackground: number };

  constructor(
    path: string,
    file: FileHandle,
    readNow: typeof import('node:fs').readSync,
    pace: { leftToBackground: number },
  ) {
    this.path = path;
    this.file = file;
    this.readNow = readNow;
    this.pace = pace;
  }

  read(into: Uint8Array, at: number, length: number, offset: number): Promise<void> | undefined {
    const { file, pace } = this;
    if (pace.leftToBackground > 0) {
      pace.leftToBackground--;
      return this.readLater(into, at, length, offset);
    }
    const began = performance.now();
    try {
      for (let done = 0; done < length; ) {
        const count = this.readNow(file.fd, into, at + done, length - done, offset + done);
        this.checkEnd(count, offset + done);
        done += count;
      }
    } catch (cause) {
      throw this.failure(cause, length, offset);
    }
    if (performance.now() - began > slowRead) pace.leftToBackground = patience;
    return undefined;
  }

  private async readLater(
    into: Uint8Array,
    at: number,
    length: number,
    offset: number,
  ): Promise<void> {
    try {
      for (let done = 0; done < length; ) {
        const place = offset + done;
        const { bytesRead } = await this.file.read(into, at + done, length - done, place);
        this.checkEnd(bytesRead, place);
        done += bytesRead;
      }
    } catch (cause) {
      throw this.failure(cause, length, offset);
    }
  }

  /** Nothing is read only behind the end. */
  private checkEnd(count: number, offset: number): void {
    if (count === 0) throw changed(this.path, offset, 'its end');
  }

  private failure(cause: unknown, length: number, offset: number): unknown {
    if (cause instanceof TsunoError) return cause;
    return new TsunoError('FILE', {
      where: `${this.path}, byte ${offset}`,
      what: `${length} bytes`,
      expected: 'readable',
      found: showFailure(cause),
      cause,
    });
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
