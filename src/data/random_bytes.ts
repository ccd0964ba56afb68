/**
 * @file Bytes of a file from any place of it, without the rest: a path in Node, a `File` in a browser. A file that is
 * replaced, shortened or written to while it is in use is noticed before any of its bytes are believed.
 */
import { show, TsunoError } from '../core/errors.ts';
import { fileBytes } from './file_bytes.ts';
import { inNode } from './files.ts';
import { changed, type RandomBytes } from './open_bytes.ts';

/** Where a file is: a path or `file:` URL in Node, anywhere a `File` or another `Blob`. */
export type FileLike = string | URL | Blob;

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

/** The first bytes of a file, `most` at most. */
export async function headOf(bytes: RandomBytes, most: number): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(bytes.size, most));
  const file = await bytes.open();
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  return head;
}

function blobBytes(blob: Blob): RandomBytes {
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : 'a Blob';
  return {
    name,
    size: blob.size,
    callCost: 2 ** 15,
    async open() {
      return {
        async read(into, at, length, offset) {
          try {
            const part = blob.slice(offset, offset + length);
            into.set(new Uint8Array(await part.arrayBuffer()), at);
          } catch (cause) {
            throw changed(name, offset, 'a file that cannot be read any more', cause);
          }
        },
        close: async () => undefined,
      };
    },
  };
}
