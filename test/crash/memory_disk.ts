/**
 * @file A disk in memory that writes down what is asked of it, and can fail at any call. Out of what was written down,
 * `afterPowerLoss` makes the disks that a loss of power could leave.
 */
import type { FileSystem, OpenFile } from '../../src/saving/file_system.ts';

interface Inode {
  bytes: Uint8Array;
}

type Entry =
  | { kind: 'create'; path: string; inode: Inode }
  | { kind: 'write'; inode: Inode; bytes: Uint8Array }
  | { kind: 'sync'; inode: Inode }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'remove'; path: string }
  | { kind: 'sync folder'; path: string }
  /** Something that holds from here on, for the one who looks at the remains. */
  | { kind: 'mark'; mark: number };

type NameEntry = Extract<Entry, { kind: 'create' | 'rename' | 'remove' }>;

/** Called before each call of the disk; what it throws is what the call fails with. */
export type Fault = (call: string) => void;

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

export class MemoryDisk implements FileSystem {
  readonly journal: Entry[] = [];
  readonly files = new Map<string, Inode>();
  /** Most bytes that one call writes. */
  longestWrite = 4096;
  private readonly fault: Fault;

  constructor(fault: Fault = () => undefined) {
    this.fault = fault;
  }

  mark(mark: number): void {
    this.journal.push({ kind: 'mark', mark });
  }

  private found(path: string): Inode {
    const inode = this.files.get(path);
    if (inode) return inode;
    throw failure('ENOENT');
  }

  async info(path: string) {
    this.fault('info');
    const inode = this.files.get(path);
    return inode && { kind: 'file' as const, size: inode.bytes.length, mode: 0o644 };
  }

  async resolve(path: string): Promise<string> {
    this.fault('resolve');
    return path;
  }

  async head(path: string, count: number): Promise<Uint8Array> {
    this.fault('head');
    return this.found(path).bytes.slice(0, count);
  }

  async read(path: string): Promise<Uint8Array> {
    this.fault('read');
    return this.found(path).bytes.slice();
  }

  async create(path: string): Promise<OpenFile> {
    this.fault('create');
    if (this.files.has(path)) throw failure('EEXIST');
    const inode: Inode = { bytes: new Uint8Array(0) };
    this.files.set(path, inode);
    this.journal.push({ kind: 'create', path, inode });
    return {
      write: async (bytes) => {
        const part = bytes.slice(0, this.longestWrite);
        try {
          this.fault('write');
        } catch (error) {
          // A disk that is full takes a part before it says so.
          this.append(inode, part.slice(0, part.length >> 1));
          throw error;
        }
        this.append(inode, part);
        return part.length;
      },
      sync: async () => {
        this.fault('sync');
        this.journal.push({ kind: 'sync', inode });
      },
      close: async () => this.fault('close'),
    };
  }

  private append(inode: Inode, bytes: Uint8Array): void {
    inode.bytes = joined(inode.bytes, bytes);
    this.journal.push({ kind: 'write', inode, bytes });
  }

  async rename(from: string, to: string): Promise<void> {
    this.fault('rename');
    this.files.set(to, this.found(from));
    this.files.delete(from);
    this.journal.push({ kind: 'rename', from, to });
  }

  async remove(path: string): Promise<void> {
    this.fault('remove');
    this.found(path);
    this.files.delete(path);
    this.journal.push({ kind: 'remove', path });
  }

  async list(path: string): Promise<string[]> {
    this.fault('list');
    const below = [...this.files.keys()].filter((file) => folderOf(file) === path);
    return below.map((file) => file.slice(path.length + 1));
  }

  async makeFolder(): Promise<void> {
    this.fault('makeFolder');
  }

  async syncFolder(path: string): Promise<void> {
    this.fault('syncFolder');
    this.journal.push({ kind: 'sync folder', path });
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** A random whole number from 0 to `bound - 1`. */
export type Draw = (bound: number) => number;

/**
 * A disk that a loss of power after the first `count` entries of a journal could leave: what was synced is there; of all
 * else, each write is there, cut off, zeros, or missing, and each change of a name has come to the disk or has not.
 *
 * @returns the disk, and the last mark that had been reached.
 */
export function afterPowerLoss(
  journal: readonly Entry[],
  count: number,
  draw: Draw,
): { disk: MemoryDisk; mark: number } {
  const before = journal.slice(0, count);
  const disk = new MemoryDisk();
  let mark = 0;
  const contents = new Map<Inode, Inode>();
  before.forEach((entry, i) => {
    if (entry.kind === 'mark') mark = entry.mark;
    const isName = entry.kind === 'create' || entry.kind === 'rename' || entry.kind === 'remove';
    if (!isName || !(isDurable(before, i, entry) || draw(2) === 0)) return;
    if (entry.kind === 'create') disk.files.set(entry.path, contentOf(entry.inode));
    else if (entry.kind === 'remove') disk.files.delete(entry.path);
    else {
      const moved = disk.files.get(entry.from) ?? contentOf(inodeAt(before, i, entry.from));
      disk.files.set(entry.to, moved);
      disk.files.delete(entry.from);
    }
  });
  return { disk, mark };

  function contentOf(inode: Inode): Inode {
    const known = contents.get(inode);
    if (known) return known;
    const made = { bytes: survivingBytes(before, inode, draw) };
    contents.set(inode, made);
    return made;
  }
}

/** Whether the folder was brought to the disk after the entry. */
function isDurable(before: readonly Entry[], at: number, entry: NameEntry): boolean {
  const folder = folderOf(entry.kind === 'rename' ? entry.to : entry.path);
  return before.some((later, i) => i > at && later.kind === 'sync folder' && later.path === folder);
}

/** What a name meant just before entry `at`. */
function inodeAt(before: readonly Entry[], at: number, path: string): Inode {
  for (let i = at - 1; i >= 0; i--) {
    const entry = before[i]!;
    if (entry.kind === 'create' && entry.path === path) return entry.inode;
  }
  throw new Error(`nobody made ${path}`);
}

function survivingBytes(before: readonly Entry[], inode: Inode, draw: Draw): Uint8Array {
  const isOf = (kind: 'write' | 'sync') => (entry: Entry) =>
    entry.kind === kind && entry.inode === inode;
  const synced = before.findLastIndex(isOf('sync'));
  let bytes: Uint8Array = new Uint8Array(0);
  let length = 0;
  before.forEach((entry, i) => {
    if (entry.kind !== 'write' || entry.inode !== inode) return;
    const fate = i < synced ? 0 : draw(4);
    const start = length;
    length += entry.bytes.length;
    if (fate === 1) return;
    const part = fate === 2 ? entry.bytes.slice(0, draw(entry.bytes.length + 1)) : entry.bytes;
    const holes = joined(bytes, new Uint8Array(Math.max(0, start - bytes.length)));
    bytes = joined(holes, fate === 3 ? new Uint8Array(part.length) : part);
  });
  return bytes;
}
