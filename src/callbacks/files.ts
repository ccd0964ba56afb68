/** @file Files that callbacks write: appended to, so that nothing is open between two epochs. Node only. */
import { TsunoError } from '../core/errors.ts';

/** Folders above `path` are made. @throws TsunoError `FILE`. */
export async function appendFile(path: string, content: string | Uint8Array): Promise<void> {
  await using(path, async ({ appendFile }) => appendFile(path, content));
}

/** Makes the folders above `path`. @throws TsunoError `FILE`. */
export async function makeFolderOf(path: string): Promise<void> {
  await using(path, async () => undefined);
}

/** A file of nothing but `content`. @throws TsunoError `FILE`. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  await using(path, async ({ writeFile }) => writeFile(path, content));
}

/** Bytes of the file; 0 where there is none. @throws TsunoError `FILE`. */
export async function sizeOfFile(path: string): Promise<number> {
  let size = 0;
  await using(path, async ({ stat }) => {
    size = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
  });
  return size;
}

/** Removes a file where there is one; one that cannot be removed stays. */
export async function removeFile(path: string): Promise<void> {
  const { rm } = await import('node:fs/promises');
  await rm(path, { force: true }).catch(() => undefined);
}

/** Cuts a file off behind its first `size` bytes; a shorter one stays as it is. @throws TsunoError `FILE`. */
export async function shortenFile(path: string, size: number): Promise<void> {
  await using(path, async ({ stat, truncate }) => {
    if ((await stat(path)).size > size) await truncate(path, size);
  });
}

async function using(
  path: string,
  body: (files: typeof import('node:fs/promises')) => Promise<unknown>,
): Promise<void> {
  try {
    const files = await import('node:fs/promises');
    const { dirname } = await import('node:path');
    await files.mkdir(dirname(path), { recursive: true });
    await body(files);
  } catch (cause) {
    throw new TsunoError('FILE', {
      where: path,
      what: 'the file',
      expected: 'must be writable',
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
