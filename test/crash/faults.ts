/**
 * @file Calls of the disk failing: the n-th, for every n until a run of saves needs fewer, once or from then on, in each of
 * the ways disks fail. After each there must be a backup that is whole, the last one kept or a later one.
 */
import { BackupFolder } from '../../src/saving/backup_folder.ts';
import { Backups } from '../../src/saving/backup_store.ts';
import { deserializeRun } from '../../src/saving/run_file.ts';
import { MemoryDisk } from './memory_disk.ts';
import { backupsOf, foundOn, keepAll } from './power_loss.ts';

export const failures = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE', 'EROFS', 'short write'] as const;
export type Failure = (typeof failures)[number];

export interface FaultsFound {
  /** Runs of saves. */
  cases: number;
  /** Calls that a run of saves without a fault makes. */
  calls: number;
  lost: string[];
}

/** A disk that has two backups. */
async function diskWith(bytes: readonly Uint8Array[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await keepAll(disk, bytes);
  return disk;
}

/** Every call failing in turn. @param every only each so-many-th call, for a quick look. */
export async function failEachCall(every = 1): Promise<FaultsFound> {
  const bytes = await backupsOf(4);
  const found: FaultsFound = { cases: 0, calls: 0, lost: [] };
  const failThis = async (failure: Failure, isForever: boolean) => {
    for (let n = 1; ; n += every) {
      const { calls, outcome } = await saveWithFault(bytes, failure, n, isForever);
      found.cases++;
      const title = `${failure}, call ${n}${isForever ? ' and all after it' : ''}`;
      if (outcome) found.lost.push(`${title}: ${outcome}`);
      if (calls >= n) continue;
      if (failure !== 'short write') found.calls = calls;
      break;
    }
  };
  await Promise.all(
    failures.flatMap((failure) => [failThis(failure, false), failThis(failure, true)]),
  );
  return found;
}

/** Two more saves on a disk that has two, with a fault. @returns what is wrong with what is left. */
async function saveWithFault(
  bytes: readonly Uint8Array[],
  failure: Failure,
  n: number,
  isForever: boolean,
): Promise<{ calls: number; outcome: string | undefined }> {
  let calls = 0;
  const disk = new MemoryDisk((call) => {
    calls++;
    if (calls !== n && !(isForever && calls > n)) return;
    if (failure === 'short write') disk.longestWrite = call === 'write' ? 10 : disk.longestWrite;
    else throw Object.assign(new Error(failure), { code: failure });
  });
  for (const [path, { bytes: stored }] of (await diskWith(bytes.slice(0, 2))).files)
    disk.files.set(path, { bytes: stored });
  let kept = 2;
  const backups = new Backups(new BackupFolder('/runs/a', disk), 2);
  try {
    await backups.open(deserializeRun, () => undefined, false);
    for (const backup of bytes.slice(2)) {
      // One that fails is tried no more; training goes on to the next.
      await backups.add(backup).then(
        () => kept++,
        () => undefined,
      );
    }
  } catch {
    // A place that cannot be opened is as it was.
  }
  await backups.close();
  const left = new MemoryDisk();
  for (const [path, inode] of disk.files) left.files.set(path, inode);
  const there = await foundOn(left).catch((error: Error) => error.message);
  const isKept = typeof there === 'number' && there >= kept && there <= 4;
  return { calls, outcome: isKept ? undefined : `${there}, kept ${kept}` };
}
