/**
 * @file Files written so that whatever happens there is one whole file, the old or the new: the new one is written beside
 * the old one under another name, brought to the disk, and then takes its place. (The protocol of SQLite's and other
 * databases' journals.)
 */

import { crc32 } from '../core/checksum.ts';
import { show, TsunoError } from '../core/errors.ts';
import { inNode } from '../data/files.ts';
import { codeOf, type FileInfo, type FileSystem, nodeFileSystem } from './file_system.ts';
import { lives, numberingOf } from './processes.ts';

export interface WriteOptions {
  /** Whether a file that is there may be replaced; default true. */
  overwrite?: boolean | undefined;
  /** Whether bytes begin as files of the kind do: files of another kind are not replaced. */
  isKind?: ((head: Uint8Array) => boolean) | undefined;
  /** Whether files of another kind are replaced, too; default false. */
  anyKind?: boolean | undefined;
  /** Default: the disk of this machine. */
  fileSystem?: FileSystem | undefined;
}

/** Times a rename is tried where another program holds the file, as virus scanners do; and the wait after each, in ms. */
const renameTries = 10;
const renameWait = 20;

/**
 * Writes a file, as a whole or not at all.
 *
 * @param path a path or `file:` URL; its folder must be there.
 * @throws TsunoError `FILE` where the path leads to something that is not to be replaced; `SAVE`, with the code of the
 * operating system, where writing failed: then what was there before still is.
 */
export async function writeWhole(
  path: string | URL,
  bytes: Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const target = await localPath(path, 'save');
  const fileSystem = options.fileSystem ?? (await nodeFileSystem());
  const place = { step: 'look at the path', target };
  try {
    const resolved = await fileSystem.resolve(target);
    const before = await fileSystem.info(resolved);
    await checkReplaceable(fileSystem, resolved, before, options);
    await replace(fileSystem, resolved, bytes, before?.mode ?? 0o666, (step) => {
      place.step = step;
    });
  } catch (error) {
    if (error instanceof TsunoError) throw error;
    throw new TsunoError('SAVE', {
      where: target,
      what: 'the file',
      expected: 'written',
      found: `${codeOf(error)}, on trying to ${place.step}`,
      repair: `${place.step === lastStep ? 'The new file is there, but a loss of power may undo it.' : 'What was there before is unchanged.'}${hint(codeOf(error))}`,
      cause: error,
    });
  }
}

const lastStep = 'bring the folder to the disk';

async function checkReplaceable(
  fileSystem: FileSystem,
  path: string,
  before: FileInfo | undefined,
  { overwrite = true, isKind, anyKind = false }: WriteOptions,
): Promise<void> {
  if (!before) return;
  const refuse = (expected: string, found: string, repair?: string) =>
    new TsunoError('FILE', {
      where: path,
      what: 'what is there',
      expected,
      found,
      ...(repair ? { repair } : {}),
    });
  if (before.kind !== 'file')
    throw refuse('a file, or nothing', before.kind === 'folder' ? 'a folder' : 'a device or pipe');
  if (!overwrite) throw refuse('nothing', 'a file', 'Pass overwrite: true to replace it.');
  if (before.size > 0 && !anyKind && isKind && !isKind(await fileSystem.head(path, 16)))
    throw refuse('a file of the same kind', 'another', 'Choose another path, or remove the file.');
}

async function replace(
  fileSystem: FileSystem,
  path: string,
  bytes: Uint8Array,
  mode: number,
  enter: (step: string) => void,
): Promise<void> {
  const { basename, dirname, join } = await import('node:path');
  const folder = dirname(path);
  const begin = `.${basename(path).slice(0, 100)}`;
  const temporary = join(folder, `${begin}${await ownEnding()}`);
  enter('remove what was left half-written');
  await removeLeftovers(path, fileSystem, begin);
  enter(`create ${temporary}`);
  const file = await fileSystem.create(temporary, mode);
  try {
    try {
      enter(`write ${bytes.length} bytes`);
      for (let at = 0; at < bytes.length; ) {
        const written = await file.write(bytes.subarray(at, at + 2 ** 30));
        if (written <= 0) throw new Error('nothing was written');
        at += written;
      }
      enter('bring the file to the disk');
      await file.sync();
    } finally {
      await file.close();
    }
    enter(`rename ${temporary}`);
    await renamePatiently(fileSystem, temporary, path);
  } catch (error) {
    await fileSystem.remove(temporary).catch(() => undefined);
    throw error;
  }
  enter(lastStep);
  await fileSystem.syncFolder(folder).catch((error: unknown) => {
    // Some systems cannot open or sync a folder.
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF'].includes(codeOf(error)))
      throw error;
  });
}

async function renamePatiently(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await fileSystem.rename(from, to);
      return;
    } catch (error) {
      const isHeld = ['EPERM', 'EBUSY', 'EACCES'].includes(codeOf(error));
      if (!isHeld || tried > renameTries) throw error;
      await new Promise((done) => setTimeout(done, renameWait * tried));
    }
  }
}

/** The names of files being written: `.NAME.HOST-PID-RANDOM.tmp`. */
const leftover = /^(\..+)\.([0-9a-z]+)-(\d+)-[0-9a-z]+\.tmp$/;

/** `.HOST-PID-RANDOM.tmp` */
async function ownEnding(): Promise<string> {
  const words = crypto.getRandomValues(new Uint32Array(2));
  const random = [...words].map((word) => word.toString(36)).join('');
  return `.${await hostMark()}-${process.pid}-${random}.tmp`;
}

/** Tells machines, and containers on them, apart that share a folder: numbers of processes mean something within one. */
async function hostMark(): Promise<string> {
  const { hostname } = await import('node:os');
  return crc32(new TextEncoder().encode(`${hostname()}${await numberingOf()}`)).toString(36);
}

/**
 * Removes half-written files beside `path` that processes of this machine left which do not live any more. What cannot be
 * looked at or removed stays.
 *
 * @param begin what is before the last parts of their names; default: anything, those of every file of the folder.
 */
export async function removeLeftovers(
  path: string,
  given?: FileSystem,
  begin?: string,
): Promise<void> {
  const fileSystem = given ?? (await nodeFileSystem());
  const { dirname, join } = await import('node:path');
  const folder = dirname(path);
  const host = await hostMark();
  for (const name of await fileSystem.list(folder).catch(() => [])) {
    const [, start, of, pid] = leftover.exec(name) ?? [];
    if (of !== host || (begin ?? start) !== start || lives(Number(pid))) continue;
    await fileSystem.remove(join(folder, name)).catch(() => undefined);
  }
}

function hint(code: string): string {
  const hints: Readonly<Record<string, string>> = {
    ENOENT: ' Make the folder first.',
    ENOSPC: ' The disk is full.',
    EDQUOT: ' The disk quota is used up.',
    EACCES: ' There is no permission.',
    EPERM: ' There is no permission.',
    EROFS: ' The disk is read-only.',
    ENOTDIR: ' A part of the path is no folder.',
  };
  return hints[code] ?? '';
}

/** A path out of a path or a `file:` URL. @throws TsunoError `UNSUPPORTED` where there is no disk. */
export async function localPath(path: string | URL, where: string): Promise<string> {
  if (!inNode()) {
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: 'path',
      expected: 'used where there are files',
      found: 'a page',
      repair: 'Use serializeModel(model), which gives the bytes.',
    });
  }
  const text = String(path);
  if (!(path instanceof URL) && !text.startsWith('file:')) return text;
  const { fileURLToPath } = await import('node:url');
  return fileURLToPath(path);
}

/** Bytes of the largest file that is read. */
const largestFile = 2 ** 32;

/**
 * The bytes of a file: in Node of a path or URL, in a browser of a URL, relative ones to the page.
 *
 * @throws TsunoError `FILE` where it is missing, unreadable, no file, or larger than 4 GiB.
 */
export async function readWhole(path: string | URL, fileSystem?: FileSystem): Promise<Uint8Array> {
  if (!inNode() || /^https?:/.test(String(path))) return fetchWhole(path);
  const local = await localPath(path, 'load');
  const refuse = (expected: string, found: string, cause?: unknown) =>
    new TsunoError('FILE', { where: local, what: 'the file', expected, found, cause });
  try {
    const disk = fileSystem ?? (await nodeFileSystem());
    const info = await disk.info(local);
    if (!info) throw refuse('there', 'nothing (ENOENT)');
    if (info.kind !== 'file')
      throw refuse('a file', info.kind === 'folder' ? 'a folder' : 'a device or pipe');
    if (info.size >= largestFile) throw refuse('smaller than 4 GiB', `${info.size} bytes`);
    return await disk.read(local);
  } catch (error) {
    if (error instanceof TsunoError) throw error;
    throw refuse('readable', codeOf(error), error);
  }
}

async function fetchWhole(path: string | URL): Promise<Uint8Array> {
  const refuse = (found: string, cause?: unknown) =>
    new TsunoError('FILE', {
      where: show(String(path)),
      what: 'the file',
      expected: 'readable',
      found,
      cause,
    });
  const response = await fetch(path).catch((error: unknown) => {
    throw refuse(String(error), error);
  });
  if (!response.ok) throw refuse(`HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
