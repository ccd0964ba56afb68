/**
 * @file Backups as files: `FOLDER/backup-000000012.keras`, or for a path that ends in `.keras`, `run-000000012.keras` beside
 * it. Each is written whole or not at all, and a lock file keeps a second run away.
 */

import type { BackupStore } from './backup_store.ts';
import { type FileSystem, nodeFileSystem, unlessMissing } from './file_system.ts';
import { localPath, writeWhole } from './files.ts';
import { LockFile } from './lock_file.ts';

/**
 * A folder of this machine as a place for backups; it is made where it is missing.
 *
 * @param path a folder, or a path that ends in `.keras`; a path or `file:` URL.
 * @param fileSystem default: the disk of this machine.
 */
export class BackupFolder implements BackupStore {
  readonly where: string;
  private readonly given: FileSystem | undefined;
  private place: { folder: string; prefix: string; disk: FileSystem; lock: LockFile } | undefined;

  constructor(path: string | URL, fileSystem?: FileSystem) {
    this.where = String(path);
    this.given = fileSystem;
  }

  private async located(): Promise<NonNullable<BackupFolder['place']>> {
    if (this.place) return this.place;
    const path = await localPath(this.where, 'BackupAndRestore');
    const { basename, dirname, join } = await import('node:path');
    const isFile = path.endsWith('.keras');
    const folder = isFile ? dirname(path) : path;
    const prefix = isFile ? `${basename(path, '.keras')}-` : 'backup-';
    const disk = this.given ?? (await nodeFileSystem());
    const lock = new LockFile(join(folder, `${prefix}run.lock`), disk);
    this.place = { folder, prefix, disk, lock };
    return this.place;
  }

  async open(): Promise<void> {
    const { folder, disk, lock } = await this.located();
    await disk.makeFolder(folder);
    await lock.take();
    // Who has the lock writes alone: what is half-written is left from a run that ended in mid-write.
    const isLeft = (name: string) =>
      name.startsWith(`.${this.place!.prefix}`) && name.endsWith('.tmp');
    for (const name of (await disk.list(folder)).filter(isLeft))
      await disk.remove(`${folder}/${name}`).catch(() => undefined);
  }

  async names(): Promise<string[]> {
    const { folder, prefix, disk } = await this.located();
    const names = await disk.list(folder);
    return names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  }

  private async pathOf(name: string): Promise<string> {
    const { folder, prefix } = await this.located();
    const { join } = await import('node:path');
    return join(folder, `${prefix}${name}`);
  }

  async read(name: string): Promise<Uint8Array> {
    const { disk } = await this.located();
    return disk.read(await this.pathOf(name));
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const { folder, disk, lock } = await this.located();
    // The folder may have been deleted under the run.
    await disk.makeFolder(folder);
    await lock.take();
    await writeWhole(await this.pathOf(name), bytes, { fileSystem: disk });
  }

  async remove(name: string): Promise<void> {
    const { disk } = await this.located();
    await disk.remove(await this.pathOf(name)).catch(unlessMissing);
  }

  async close(): Promise<void> {
    await this.place?.lock.release();
  }
}
