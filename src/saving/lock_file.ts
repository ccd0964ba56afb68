/**
 * @file A file that says which process has a place for itself. It holds the number of the process and when that began, so
 * that a lock whose process has ended, by `kill -9` say, is taken over, also where another process has its number now.
 */
import { show, TsunoError } from '../core/errors.ts';
import { codeOf, type FileSystem, unlessMissing } from './file_system.ts';
import { beginningOf, lives, type ProcessMark, thisProcess } from './processes.ts';

interface Owner extends ProcessMark {
  /** Of this lock alone. */
  id: string;
}

/** Locks of this process. */
const held = new Set<string>();

/** How long another run that takes over the same lock may need to write it, in ms. */
const settleTime = 50;

const settled = () => new Promise((done) => setTimeout(done, settleTime));

export class LockFile {
  private readonly path: string;
  private readonly disk: FileSystem;
  private mine: Owner | undefined;

  constructor(path: string, disk: FileSystem) {
    this.path = path;
    this.disk = disk;
  }

  /**
   * Takes the lock, or makes sure that it is still there.
   *
   * @throws TsunoError `STATE` where a run that lives has it; what the disk throws.
   */
  async take(): Promise<void> {
    let there = await this.read();
    if (Number.isNaN(there?.pid)) {
      // Perhaps its owner is writing it.
      await settled();
      there = await this.read();
    }
    if (there !== undefined && this.mine && there.id === this.mine.id) return;
    if (there !== undefined && (await isAlive(there))) throw this.taken(there);
    this.mine ??= { ...(await thisProcess()), id: crypto.randomUUID() };
    held.add(this.mine.id);
    try {
      await (there === undefined ? this.create() : this.takeOver());
    } catch (error) {
      held.delete(this.mine.id);
      this.mine = undefined;
      throw error;
    }
  }

  private async create(): Promise<void> {
    try {
      await this.write(this.path);
    } catch (error) {
      const there = codeOf(error) === 'EEXIST' ? await this.read() : undefined;
      throw there ? this.taken(there) : error;
    }
  }

  /** Of several that take over at once, the last one that writes has it. */
  private async takeOver(): Promise<void> {
    const fresh = `${this.path}.${this.mine!.id}.tmp`;
    try {
      await this.write(fresh);
      await this.disk.rename(fresh, this.path);
    } catch (error) {
      await this.disk.remove(fresh).catch(() => undefined);
      throw error;
    }
    await settled();
    const there = await this.read();
    if (there && there.id !== this.mine!.id) throw this.taken(there);
  }

  private async write(path: string): Promise<void> {
    const file = await this.disk.create(path, 0o666);
    try {
      const bytes = new TextEncoder().encode(`${JSON.stringify(this.mine)}\n`);
      if ((await file.write(bytes)) !== bytes.length) throw new Error('a short write');
    } finally {
      await file.close();
    }
  }

  /** Who has the lock; `undefined` where nobody has, an owner that is not alive where the file is cut off. */
  private async read(): Promise<Owner | undefined> {
    const bytes = await this.disk.read(this.path).catch(unlessMissing);
    if (!bytes) return undefined;
    try {
      const { pid, host, began, id } = JSON.parse(new TextDecoder().decode(bytes));
      return { pid: Number(pid), host: String(host), began: String(began), id: String(id) };
    } catch {
      const { host } = await thisProcess();
      return { pid: Number.NaN, host, began: '', id: '' };
    }
  }

  private taken({ pid, host }: Owner): TsunoError {
    return new TsunoError('STATE', {
      where: this.path,
      what: 'the place of the run',
      expected: 'free',
      found: `a lock of process ${pid} on ${show(host)}`,
      repair: `Let that run end, or choose another place${pid === process.pid ? '' : '; if it does not live any more, remove the file'}.`,
    });
  }

  /** Gives the lock back; nothing happens where it is not there. */
  async release(): Promise<void> {
    const { mine } = this;
    if (!mine) return;
    this.mine = undefined;
    held.delete(mine.id);
    const there = await this.read().catch(() => undefined);
    if (there?.id === mine.id) await this.disk.remove(this.path).catch(() => undefined);
  }
}

/** Of a lock of another machine nothing is known: it counts as alive. */
async function isAlive({ pid, host, began, id }: Owner): Promise<boolean> {
  const here = await thisProcess();
  if (host !== here.host) return true;
  if (Number.isNaN(pid)) return false;
  if (pid === here.pid) return held.has(id);
  return lives(pid) && began === (await beginningOf(pid));
}
