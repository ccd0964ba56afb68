/**
 * @file Losses of power: everything that saving asks of a disk is written down, then the disk is made anew as a loss of
 * power at any moment could leave it. A run must go on from each, from the last backup that was said to be kept or a later
 * one.
 */
import { BackupFolder } from '../../src/saving/backup_folder.ts';
import { Backups } from '../../src/saving/backup_store.ts';
import { deserializeRun, type StoredRun, serializeRun } from '../../src/saving/run_file.ts';
import type { RunState } from '../../src/train/run_state.ts';
import { linearModel } from '../support/small_models.ts';
import { afterPowerLoss, type Draw, MemoryDisk } from './memory_disk.ts';

/** Bytes of backups after 1, 2, … steps, small ones. */
export async function backupsOf(count: number): Promise<Uint8Array[]> {
  const model = linearModel();
  const states = Array.from({ length: count }, (_, i): RunState => {
    const history = Array.from({ length: 200 }, (_, at) => i + at / 7);
    return {
      epoch: 0,
      batch: i + 1,
      begun: true,
      seed: 1,
      learningRate: 0.5,
      stopTraining: false,
      logs: {},
      timing: [],
      configuration: {},
      callbacks: { History: { history } },
      variables: [],
    };
  });
  const bytes: Uint8Array[] = [];
  for (const state of states) bytes.push(await serializeRun(model, state));
  return bytes;
}

const folder = '/runs/a';

/** The backup that a run would go on from; -1 where there is none. */
export async function foundOn(disk: MemoryDisk): Promise<number> {
  const backups = new Backups<StoredRun>(new BackupFolder(folder, disk), 2);
  const ignore = () => undefined;
  const run = await backups.open(deserializeRun, ignore, false);
  await backups.close();
  return run?.state.batch ?? 0;
}

/** Keeps the backups one after the other, noting on the disk when each is said to be kept. */
export async function keepAll(disk: MemoryDisk, bytes: readonly Uint8Array[]): Promise<void> {
  const backups = new Backups(new BackupFolder(folder, disk), 2);
  await backups.open(deserializeRun, () => undefined, false);
  for (const [i, backup] of bytes.entries()) {
    await backups.add(backup);
    disk.mark(i + 1);
  }
  await backups.close();
}

/** Looked at at once: each may wait for a lock a while. */
const atOnce = 64;

/**
 * Looks at `states` disks.
 *
 * @param forgets whether the disk says that things were brought to it when they were not: then runs must be lost.
 * @returns those on which a backup that had been kept was lost, or nothing could be read.
 */
export async function losePower(
  states: number,
  draw: Draw,
  forgets = false,
): Promise<{ states: number; lost: string[] }> {
  const disk = new MemoryDisk();
  await keepAll(disk, await backupsOf(6));
  const journal = disk.journal.filter(({ kind }) => !(forgets && kind.startsWith('sync')));
  const lost: string[] = [];
  const look = async (i: number) => {
    const count = i % (journal.length + 1);
    const { disk: left, mark } = afterPowerLoss(journal, count, draw);
    const found = await foundOn(left).catch((error: Error) => error.message);
    const isKept = typeof found === 'number' && found >= mark && found <= mark + 1;
    if (!isKept) lost.push(`after ${count} of ${journal.length}: ${found}, kept ${mark}`);
  };
  for (let from = 0; from < states; from += atOnce) {
    const many = Array.from({ length: Math.min(atOnce, states - from) }, (_, i) => look(from + i));
    await Promise.all(many);
  }
  return { states, lost };
}
