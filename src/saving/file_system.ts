/**
 * @file The few things saving asks of a disk, as an interface, so that tests can make each of them fail; and the disk of
 * Node behind it.
 */

/** What lies at a path. */
export interface FileInfo {
  kind: 'file' | 'folder' | 'other';
  /** Bytes. */
  size: number;
  /** Permissions, as `0o644`. */
  mode: number;
}

/** A file being written. */
export interface OpenFile {
  /** Writes what it can of `bytes` at the end and returns how many those were. */
  write(bytes: Uint8Array): Promise<number>;
  /** Returns once everything written has reached the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A disk. Every method may reject with an error that has a `code`, as `ENOSPC`. */
export interface FileSystem {
  /** `undefined` where there is nothing. Links are followed. */
  info(path: string): Promise<FileInfo | undefined>;
  /** Where a path leads when links are followed; the path itself where there is nothing. */
  resolve(path: string): Promise<string>;
  /** The first `count` bytes of a file, fewer where it is shorter. */
  head(path: string, count: number): Promise<Uint8Array>;
  read(path: string): Promise<Uint8Array>;
  /** A new file. @throws `EEXIST` where there is something already. */
  create(path: string, mode: number): Promise<OpenFile>;
  /** Takes the place of what is at `to`, at once. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names of what lies in a folder. */
  list(path: string): Promise<string[]>;
  /** Makes a folder, and those above it; nothing happens where it is there. */
  makeFolder(path: string): Promise<void>;
  /** Returns once the names in a folder have reached the disk. */
  syncFolder(path: string): Promise<void>;
}

/** `ENOENT` and its like; else the error as text. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}

/** `undefined` for an error that says that there is nothing; throws all others. */
export function unlessMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
}

/** The disk of this machine. */
export async function nodeFileSystem(): Promise<FileSystem> {
  const { mkdir, open, readdir, readFile, realpath, rename, rm, stat } = await import(
    'node:fs/promises'
  );
  return {
    async info(path) {
      const found = await stat(path).catch(unlessMissing);
      if (!found) return undefined;
      const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
      return { kind, size: found.size, mode: found.mode & 0o777 };
    },
    async resolve(path) {
      return (await realpath(path).catch(unlessMissing)) ?? path;
    },
    async head(path, count) {
      const file = await open(path, 'r');
      try {
        const { buffer, bytesRead } = await file.read(new Uint8Array(count), 0, count, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async read(path) {
      const { buffer, byteOffset, byteLength } = await readFile(path);
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
    async create(path, mode) {
      const file = await open(path, 'wx', mode);
      return {
        write: async (bytes) => (await file.write(bytes)).bytesWritten,
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
    rename,
    remove: (path) => rm(path),
    list: (path) => readdir(path),
    async makeFolder(path) {
      await mkdir(path, { recursive: true });
    },
    async syncFolder(path) {
      const folder = await open(path, 'r');
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    },
  };
}
