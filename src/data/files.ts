/**
 * @file Whole files from a folder of this machine or from a server, by one function for Node and browsers, and their
 * SHA-256.
 */
import { show, TsunoError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Where files are, by name. */
export interface Folder {
  /** The folder's path or URL, for messages. */
  readonly place: string;
  /** Reads a whole file; `undefined` where there is none of that name. */
  read(name: string): Promise<Bytes | undefined>;
}

/** Whether this is Node, which has folders. */
export function inNode(): boolean {
  return typeof process === 'object' && typeof process.versions?.node === 'string';
}

/**
 * The folder `from`: in Node a path, a `file:` or an `http(s):` URL; in a browser a URL, relative ones to the page.
 *
 * @param where Who asks, for messages.
 * @throws TsunoError `FILE` where a folder is missing, unreadable or a file; `read` throws it where a file
 * cannot be read.
 */
export async function openFolder(from: string | URL, where: string): Promise<Folder> {
  const isUrl = from instanceof URL || /^(https?|file):/.test(from);
  if (!isUrl && inNode()) return localFolder(from, where);
  const url = parseUrl(from, where);
  if (url.protocol !== 'file:' || !inNode()) return serverFolder(url, where);
  const { fileURLToPath } = await import('node:url');
  return localFolder(fileURLToPath(url), where);
}

/**
 * Refuses what is no folder of this machine.
 *
 * @throws TsunoError `FILE` where it is missing, unreadable or a file.
 */
export async function checkFolder(folder: string, where: string): Promise<void> {
  const { stat } = await import('node:fs/promises');
  const info = await stat(folder).catch((error: unknown) => {
    throw unreadable(where, `folder ${show(folder)}`, osCode(error), error);
  });
  if (!info.isDirectory()) {
    throw new TsunoError('FILE', {
      where,
      what: show(folder),
      expected: 'a folder',
      found: 'a file (ENOTDIR)',
    });
  }
}

async function localFolder(folder: string, where: string): Promise<Folder> {
  const { readFile } = await import('node:fs/promises');
  const { join } = await import('node:path');
  await checkFolder(folder, where);
  return {
    place: folder,
    async read(name) {
      try {
        const { buffer, byteOffset, byteLength } = await readFile(join(folder, name));
        return new Uint8Array(buffer, byteOffset, byteLength);
      } catch (error) {
        if (osCode(error) === 'ENOENT') return undefined;
        throw unreadable(where, show(join(folder, name)), osCode(error), error);
      }
    },
  };
}

function serverFolder(base: URL, where: string): Folder {
  return {
    place: base.href,
    async read(name) {
      const url = new URL(base);
      url.pathname = `${base.pathname.replace(/\/$/, '')}/${name}`;
      try {
        const response = await fetch(url);
        if (response.ok) return new Uint8Array(await response.arrayBuffer());
        if (response.status === 404 || response.status === 410) return undefined;
        throw unreadable(where, show(url.href), `HTTP ${response.status}`);
      } catch (error) {
        if (error instanceof TsunoError) throw error;
        throw unreadable(where, show(url.href), String(error), error);
      }
    },
  };
}

/** Relative URLs are relative to the page, where there is one. */
function parseUrl(from: string | URL, where: string): URL {
  try {
    return new URL(from, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (error) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'from',
      expected: 'a URL',
      found: show(String(from)),
      cause: error,
    });
  }
}

/** `ENOENT` and its like. */
export function osCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}

/** A file or folder that cannot be read, with what the system says. */
export function unreadable(
  where: string,
  what: string,
  found: string,
  cause?: unknown,
): TsunoError {
  return new TsunoError('FILE', { where, what, expected: 'readable', found, cause });
}

/**
 * Compares the SHA-256 of `bytes` with the one expected.
 *
 * @param name The file, for messages.
 * @throws TsunoError `CHECKSUM` where they differ, `UNSUPPORTED` where the platform computes none: a page that came
 * over plain `http:` from another machine.
 */
export async function checkSum(bytes: Bytes, expected: string, name: string): Promise<void> {
  if (!globalThis.crypto?.subtle) {
    throw new TsunoError('UNSUPPORTED', {
      where: name,
      what: 'the page',
      expected: 'loaded over https: or from localhost, for checksums to be computed',
      found: String(globalThis.location?.origin),
      repair: 'Or pass verify: false.',
    });
  }
  const found = await sha256(bytes);
  if (found === expected) return;
  throw new TsunoError('CHECKSUM', {
    where: name,
    what: 'SHA-256 of the file',
    expected,
    found: `${found} over ${bytes.length} bytes`,
    repair:
      'The file is not the original: get it again, or pass verify: false to load files of your own.',
  });
}
