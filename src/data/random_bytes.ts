/**
 * @file Bytes of a file from any place of it, without the rest: a path in Node, a `File` in a browser. A file that is
 * replaced, shortened or written to while it is in use is noticed before any of its bytes are believed.
 */
import { show, TsunoError } from '../core/errors.ts';
import { inNode } from './files.ts';

/** Where a file is: a path or `file:` URL in Node, anywhere a `File` or another `Blob`. */
export type FileLike = string | URL | Blob;

/** A file open for reading. */
export interface OpenBytes {
  /** Exactly `length` bytes from byte `offset` on. @throws TsunoError `DATASET_CHANGED` where there are fewer. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file that can be read from anywhere, again and again. */
export interface RandomBytes {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** @throws TsunoError `DATASET_CHANGED` where it is not the file it was at first, `FILE` where it is gone. */
  open(): Promise<OpenBytes>;
}

/**
 * Looks at a file.
 *
 * @param where Who asks, for messages.
 * @throws TsunoError `FILE` where it cannot be read, `ARGUMENT` where there are no files of this kind.
 */
export async function randomBytes(from: FileLike, where: string): Promise<RandomBytes> {
  if (from instanceof Blob) return blobBytes(from);
  const isRemote = /^(https?|blob|data):/.test(String(from));
  if (inNode() && !isRemote) return fileBytes(from, where);
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'the file',
    expected: inNode() ? 'a path or a file: URL' : 'a File or Blob, in a browser',
    found: show(String(from)),
  });
}

function blobBytes(blob: Blob): RandomBytes {
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'a Blob';
  return {
    name,
    size: blob.size,
    async open() {
      return {
        async read(offset, length) {
          try {
            return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
          } catch (cause) {
            throw changed(name, offset, 'a file that cannot be read any more', cause);
          }
        },
        close: async () => undefined,
      };
    },
  };
}

function changed(name: string, offset: number, found: string, cause?: unknown): TsunoError {
  return new TsunoError('DATASET_CHANGED', {
    where: `${name}, byte ${offset}`,
    what: 'the file',
    expected: 'as it was when the data set was opened',
    found,
    repair: 'Open the data set again.',
    cause,
  });
}

async function fileBytes(from: string | URL, where: string): Promise<RandomBytes> {
  const { open, stat } = await import('node:fs/promises');
  const { fileURLToPath } = await import('node:url');
  const isUrl = from instanceof URL || from.startsWith('file:');
  const path = isUrl ? fileURLToPath(from) : from;
  const unreadable = (cause: unknown) =>
    new TsunoError('FILE', {
      where,
      what: show(path),
      expected: 'readable',
      found: cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause),
      cause,
    });
  const first = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (!first.isFile()) {
    throw new TsunoError('FILE', { where, what: show(path), expected: 'a file', found: 'none' });
  }
  return {
    name: path,
    size: first.size,
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
      return {
        async read(offset, length) {
          const bytes = new Uint8Array(length);
          for (let at = 0; at < length; ) {
            const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
            if (bytesRead === 0) throw changed(path, offset + at, 'its end');
            at += bytesRead;
          }
          return bytes;
        },
        close: () => file.close(),
      };
    },
  };
}
