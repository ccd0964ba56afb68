/** @file fit 53, 54, 57: backups that are damaged, two runs in one place, disks that fail. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BackupAndRestore, LambdaCallback } from '../../src/callbacks/index.ts';
import type { TsunoError } from '../../src/core/errors.ts';
import { nodeFileSystem } from '../../src/saving/file_system.ts';
import { memoryStore } from '../crash/matrix.ts';
import { bitsOf, smallModel } from '../support/small_models.ts';
import { data, fresh, refusal, stopped, usual } from './backup_runs.ts';

describe('fit 53: damaged backups', () => {
  test('the one before is used, and the message names both', async () => {
    const place = fresh();
    const whole = smallModel();
    const expected = await whole.fit(data, usual);
    const first = smallModel();
    await stopped(first, place, 14);
    const names = readdirSync(place).sort();
    assert.equal(names.length, 2);
    truncateSync(join(place, names[1]!), 20_000);
    const warnings: string[] = [];
    const second = smallModel({ warn: (text) => warnings.push(text) });
    const history = await second.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] });
    assert.equal(warnings.length, 1);
    for (const name of names) assert.ok(warnings[0]!.includes(name.slice('backup-'.length)));
    assert.deepEqual(history.toJSON(), expected.toJSON());
    assert.deepEqual(bitsOf(second), bitsOf(whole));
    for (const model of [whole, first, second]) model.close();
  });

  test('all of them: refused, never silently anew', async () => {
    const store = memoryStore();
    const first = smallModel();
    await stopped(first, store, 14);
    for (const bytes of store.files.values()) bytes[999]! ^= 1;
    const backup = (force: boolean) => [new BackupAndRestore(store, { force })];
    const warnings: string[] = [];
    const model = smallModel({ warn: (text) => warnings.push(text) });
    const error = await refusal(() => model.fit(data, { ...usual, callbacks: backup(false) }));
    assert.equal(error.code, 'CHECKSUM');
    for (const name of store.files.keys()) assert.ok(error.message.includes(name));
    const history = await model.fit(data, { ...usual, callbacks: backup(true) });
    assert.deepEqual(history.epoch, [0, 1, 2]);
    assert.match(warnings.join(), /begins anew/);
    first.close();
    model.close();
  });
});

describe('fit 54: one place, one run', () => {
  test('a second run is refused while the first is under way', async () => {
    const place = fresh();
    const [first, second] = [smallModel(), smallModel()];
    let error: TsunoError | undefined;
    const intrude = new LambdaCallback({
      onEpochEnd: async () => {
        error ??= await refusal(() =>
          second.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] }),
        );
      },
    });
    await first.fit(data, { ...usual, callbacks: [intrude, new BackupAndRestore(place)] });
    assert.equal(error?.code, 'STATE');
    assert.match(error!.message, new RegExp(`a lock of process ${process.pid}`));
    assert.deepEqual(readdirSync(place), []);
    first.close();
    second.close();
  });

  test('a lock whose process does not live is taken over, one of another machine is not', async () => {
    const place = fresh();
    await (await nodeFileSystem()).makeFolder(place);
    const lock = join(place, 'backup-run.lock');
    const { hostname } = await import('node:os');
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((ended) => dead.on('close', ended));
    const owner = { pid: dead.pid, host: hostname(), began: '1', id: 'x' };
    const model = smallModel();
    const fit = () => model.fit(data, { ...usual, callbacks: [new BackupAndRestore(place)] });
    // A number that another process has now, a file that was cut off, and one of this process that nobody holds.
    for (const pid of [dead.pid, process.ppid, process.pid]) {
      writeFileSync(lock, JSON.stringify({ ...owner, pid }));
      if (pid === process.ppid && process.platform !== 'linux') continue;
      await fit();
    }
    writeFileSync(lock, '{"pid": 1');
    await fit();
    assert.ok(!existsSync(lock));
    writeFileSync(lock, JSON.stringify({ ...owner, host: 'elsewhere' }));
    assert.match((await refusal(fit)).message, /on "elsewhere"/);
    assert.ok(existsSync(lock));
    model.close();
  });

  test('two in one fit', async () => {
    const model = smallModel();
    const callbacks = [new BackupAndRestore(memoryStore()), new BackupAndRestore(memoryStore())];
    assert.equal((await refusal(() => model.fit(data, { callbacks }))).code, 'ARGUMENT');
    model.close();
  });
});

describe('fit 57: a disk that fails', () => {
  test('is a warning, or the end where that is wished; what was there before stays', async () => {
    const place = fresh();
    const disk = await nodeFileSystem();
    let isFull = false;
    const fileSystem = {
      ...disk,
      create: (path: string, mode: number) => {
        if (isFull) return Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
        return disk.create(path, mode);
      },
    };
    const fill = new LambdaCallback({
      onEpochBegin: (epoch) => {
        isFull = epoch === 1;
      },
    });
    const warnings: string[] = [];
    const model = smallModel({ warn: (text) => warnings.push(text) });
    const options = { deleteCheckpoint: false, fileSystem };
    await model.fit(data, { ...usual, callbacks: [fill, new BackupAndRestore(place, options)] });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /ENOSPC.*The disk is full.*Training goes on/);
    assert.deepEqual(readdirSync(place), ['backup-000000001.keras', 'backup-000000002.keras']);
    const strict = new BackupAndRestore(fresh(), { ...options, stopOnFailure: true });
    const error = await refusal(() => model.fit(data, { ...usual, callbacks: [fill, strict] }));
    assert.equal(error.code, 'SAVE');
    model.close();
  });

  test('a folder that is deleted is made again', async () => {
    const place = fresh();
    const spoil = new LambdaCallback({ onEpochBegin: () => rmSync(place, { recursive: true }) });
    const model = smallModel();
    const backup = new BackupAndRestore(place, { deleteCheckpoint: false });
    await model.fit(data, { ...usual, callbacks: [spoil, backup] });
    assert.deepEqual(readdirSync(place), ['backup-000000003.keras']);
    model.close();
  });
});
