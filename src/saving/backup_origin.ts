/**
 * @file Backups in a page: in the origin's private file system, which no other site sees and which stays when the tab is
 * closed. A Web Lock keeps a second tab away.
 *
 * @see https://developer.mozilla.org/docs/Web/API/File_System_API/Origin_private_file_system
 */
import { show, TsunoError } from '../core/errors.ts';
import type { BackupStore } from './backup_store.ts';

/** Milliseconds to wait for a tab that is just being closed: a browser gives back its lock a moment later. */
const lockPatience = 2000;

/**
 * A folder of the page's own storage as a place for backups.
 *
 * @example
 * ```ts no-run
 * const backup = new callbacks.BackupAndRestore(new callbacks.OriginStore('digits'), { saveFreq: 100 });
 * await model.fit(training, { epochs: 5, seed: 1, callbacks: [backup] });
 * ```
 */
export class OriginStore implements BackupStore {
  readonly where: string;
  private readonly name: string;
  private folder: FileSystemDirectoryHandle | undefined;
  private release: (() => void) | undefined;

  /**
   * @param name of the run: letters, digits, `-` and `_`.
   * @throws TsunoError `ARGUMENT` for another; in `fit` `UNSUPPORTED` where there is no such storage.
   */
  constructor(name: string) {
    if (!/^[\w-]+$/.test(name)) {
      throw new TsunoError('ARGUMENT', {
        where: 'OriginStore',
        what: 'name',
        expected: 'of letters, digits, - and _',
        found: show(name),
      });
    }
    this.name = name;
    this.where = `storage of the page, ${name}`;
  }

  async open(): Promise<void> {
    const { storage, locks } = globalThis.navigator ?? {};
    if (!storage?.getDirectory || !locks) {
      throw new TsunoError('UNSUPPORTED', {
        where: this.where,
        what: 'storage',
        expected: 'a page with https or on localhost, whose storage is not switched off',
        found: 'none',
      });
    }
    await this.lock(locks);
    try {
      const root = await storage.getDirectory();
      this.folder = await root.getDirectoryHandle(`tsuno-${this.name}`, { create: true });
    } catch (cause) {
      await this.close();
      throw this.failed('open', cause);
    }
  }

  /** Holds a lock until it is released, or the tab is closed. */
  private lock(locks: LockManager): Promise<void> {
    return new Promise((taken, refused) => {
      const hold = () => {
        taken();
        return new Promise<void>((done) => {
          this.release = done;
        });
      };
      const signal = AbortSignal.timeout(lockPatience);
      locks
        .request(`tsuno-${this.name}`, { signal }, hold)
        .catch((cause) => refused(signal.aborted ? this.another() : cause));
    });
  }

  private another(): TsunoError {
    return new TsunoError('STATE', {
      where: this.where,
      what: 'the place of the run',
      expected: 'free',
      found: 'a run in another tab, or in this one',
      repair: 'Let that run end, or choose another name.',
    });
  }

  private failed(what: string, cause: unknown): TsunoError {
    return new TsunoError('SAVE', {
      where: this.where,
      what: 'the storage',
      expected: 'usable',
      found: `${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)}, on trying to ${what}`,
      cause,
    });
  }

  private async inFolder<T>(
    what: string,
    body: (folder: FileSystemDirectoryHandle) => Promise<T>,
  ): Promise<T> {
    try {
      return await body(this.folder!);
    } catch (cause) {
      throw this.failed(what, cause);
    }
  }

  names(): Promise<string[]> {
    return this.inFolder('list', async (folder) => {
      const names: string[] = [];
      for await (const name of folder.keys()) names.push(name);
      return names;
    });
  }

  read(name: string): Promise<Uint8Array> {
    return this.inFolder(`read ${name}`, async (folder) => {
      const file = await (await folder.getFileHandle(name)).getFile();
      return new Uint8Array(await file.arrayBuffer());
    });
  }

  /** What is written takes its place when it is closed; one that cannot be written leaves nothing. */
  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.inFolder(`write ${name}`, async (folder) => {
      const handle = await folder.getFileHandle(name, { create: true });
      try {
        const stream = await handle.createWritable();
        await stream.write(bytes as Uint8Array<ArrayBuffer>);
        await stream.close();
      } catch (error) {
        await folder.removeEntry(name).catch(() => undefined);
        throw error;
      }
    });
  }

  remove(name: string): Promise<void> {
    return this.inFolder(`remove ${name}`, (folder) => folder.removeEntry(name));
  }

  async close(): Promise<void> {
    this.release?.();
    this.release = undefined;
    this.folder = undefined;
  }
}
