/** @file Writing a file: whole or not at all, whatever fails. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type FileSystem, nodeFileSystem, type OpenFile } from '../../src/saving/file_system.ts';
import { readWhole, writeWhole } from '../../src/saving/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-files-'));
after(() => rmSync(folder, { recursive: true }));
let names = 0;
const fresh = () => {
  const path = join(folder, `case${names++}`);
  mkdirSync(path);
  return path;
};
const bytes = (text: string) => new TextEncoder().encode(text);
const oldText = 'PK old';
const newText = `PK new ${'x'.repeat(1000)}`;
const isKind = (head: Uint8Array) => head[0] === 0x50;

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The disk of this machine, of which the n-th call fails: once, or from then on; writes take at most 100 bytes. */
async function failing(
  n: number,
  code: string,
  forever: boolean,
): Promise<FileSystem & { calls: number }> {
  const disk = await nodeFileSystem();
  const guarded = { calls: 0 };
  const guard = <A extends unknown[], R>(body: (...values: A) => Promise<R>) => {
    return async (...values: A): Promise<R> => {
      guarded.calls++;
      if (guarded.calls === n || (forever && guarded.calls > n)) throw failure(code);
      return body(...values);
    };
  };
  return Object.assign(guarded, {
    info: guard(disk.info),
    resolve: guard(disk.resolve),
    head: guard(disk.head),
    read: guard(disk.read),
    rename: guard(disk.rename),
    remove: guard(disk.remove),
    syncFolder: guard(disk.syncFolder),
    list: guard(disk.list),
    makeFolder: guard(disk.makeFolder),
    create: guard(async (path: string, mode: number): Promise<OpenFile> => {
      const file = await disk.create(path, mode);
      return {
        write: guard((part: Uint8Array) => file.write(part.subarray(0, 100))),
        sync: guard(() => file.sync()),
        async close() {
          await file.close();
          await guard(async () => undefined)();
        },
      };
    }),
  });
}

describe('each call of the disk failing in turn', () => {
  for (const code of ['ENOSPC', 'EIO', 'EACCES', 'EMFILE']) {
    for (const forever of [false, true]) {
      for (const hasOld of [false, true]) {
        const title = `${code}, ${forever ? 'from then on' : 'once'}, ${hasOld ? 'over an old file' : 'where there is none'}`;
        test(title, async () => {
          const home = fresh();
          const path = join(home, 'model.keras');
          for (let n = 1; ; n++) {
            if (hasOld) writeFileSync(path, oldText);
            const fileSystem = await failing(n, code, forever);
            let error: unknown;
            await writeWhole(path, bytes(newText), { fileSystem, isKind }).catch(
              (caught: unknown) => {
                error = caught;
              },
            );
            const there = readdirSync(home).includes('model.keras')
              ? readFileSync(path, 'utf8')
              : undefined;
            const isNew = there === newText;
            assert.ok(isNew || there === (hasOld ? oldText : undefined), `call ${n} left ${there}`);
            if (error) {
              const { code: kind, message } = error as { code: string; message: string };
              assert.equal(kind, 'SAVE');
              assert.match(message, new RegExp(code));
              assert.match(message, isNew ? /The new file is there/ : /is unchanged/);
            } else {
              assert.ok(isNew, `call ${n}: no error, and not written`);
            }
            // What is left over is there only where removing it failed as well.
            const left = readdirSync(home).filter((name) => name.endsWith('.tmp'));
            assert.ok(left.length === 0 || (forever && error), `call ${n} left ${left}`);
            rmSync(home, { recursive: true });
            mkdirSync(home);
            if (fileSystem.calls < n) {
              assert.ok(n > 15, 'writes were not short');
              break;
            }
          }
        });
      }
    }
  }
});

test('a write that takes nothing is an error, not a loop', async () => {
  const disk = await nodeFileSystem();
  const fileSystem: FileSystem = {
    ...disk,
    async create(path, mode) {
      return { ...(await disk.create(path, mode)), write: async () => 0 };
    },
  };
  const path = join(fresh(), 'a.keras');
  await assert.rejects(writeWhole(path, bytes(newText), { fileSystem }), { code: 'SAVE' });
});

describe('a rename that is refused for a while, as virus scanners do, is tried again', () => {
  /** Saves over an old file; @returns what is there afterwards. */
  async function refusedTimes(code: string, times: number): Promise<string> {
    const disk = await nodeFileSystem();
    let refusals = times;
    const fileSystem: FileSystem = {
      ...disk,
      async rename(from, to) {
        if (refusals-- > 0) throw failure(code);
        await disk.rename(from, to);
      },
    };
    const home = fresh();
    const path = join(home, 'a.keras');
    writeFileSync(path, oldText);
    const saving = writeWhole(path, bytes(newText), { fileSystem });
    if (times <= 10) await saving;
    else await assert.rejects(saving, { code: 'SAVE', message: new RegExp(code) });
    assert.deepEqual(readdirSync(home), ['a.keras']);
    return readFileSync(path, 'utf8');
  }
  for (const code of ['EPERM', 'EBUSY']) {
    test(`${code}, one to ten times; at the eleventh the old file stays`, async () => {
      const times = Array.from({ length: 11 }, (_, i) => i + 1);
      const found = await Promise.all(times.map((count) => refusedTimes(code, count)));
      assert.deepEqual(found, [...new Array<string>(10).fill(newText), oldText]);
    });
  }
});

test('the order is: write, sync, rename, sync the folder', async () => {
  const disk = await nodeFileSystem();
  const order: string[] = [];
  const note = <A extends unknown[], R>(name: string, body: (...values: A) => R) => {
    return (...values: A) => {
      order.push(name);
      return body(...values);
    };
  };
  const fileSystem: FileSystem = {
    ...disk,
    rename: note('rename', disk.rename),
    syncFolder: note('sync folder', disk.syncFolder),
    async create(path, mode) {
      const file = await disk.create(path, mode);
      return {
        write: note('write', file.write),
        sync: note('sync', file.sync),
        close: note('close', file.close),
      };
    },
  };
  await writeWhole(join(fresh(), 'a.keras'), bytes(newText), { fileSystem });
  assert.deepEqual(order, ['write', 'sync', 'close', 'rename', 'sync folder']);
});

describe('what a process left half-written when it was killed', () => {
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  test('goes with the next save under the name; of living processes and other files nothing goes', async () => {
    const home = fresh();
    const path = join(home, 'a.keras');
    const module = new URL('../../src/saving/files.js', import.meta.url).href;
    const disk = new URL('../../src/saving/file_system.js', import.meta.url).href;
    const writeForever = `
      import { writeWhole } from ${JSON.stringify(module)};
      import { nodeFileSystem } from ${JSON.stringify(disk)};
      const fileSystem = await nodeFileSystem();
      fileSystem.rename = () => new Promise(() => { console.log('written'); setInterval(() => {}, 1e6); });
      for (const path of process.argv.slice(1))
        writeWhole(path, new Uint8Array(9), { fileSystem });`;
    const start = async (...paths: string[]) => {
      const args = ['--input-type=module', '-e', writeForever, '--', ...paths];
      const child = spawn(process.execPath, args);
      children.push(child);
      let told = '';
      await new Promise<void>((ready) =>
        child.stdout.on('data', (text) => {
          told += text;
          if (told.split('written').length > paths.length) ready();
        }),
      );
      return child;
    };
    const ended = (child: ChildProcess) => new Promise((done) => child.once('exit', done));
    const dead = await start(path, join(home, 'a.keras.b'), join(home, 'other.keras'));
    const left = readdirSync(home);
    assert.equal(left.length, 3);
    await start(path);
    const ofLiving = readdirSync(home).filter((name) => !left.includes(name));
    assert.equal(ofLiving.length, 1);
    const elsewhere = left[0]!.replace(/^.*\.[0-9a-z]+-/, '.a.keras.0abc-');
    writeFileSync(join(home, elsewhere), 'of another machine');
    const gone = ended(dead);
    dead.kill('SIGKILL');
    await gone;
    await writeWhole(path, bytes(newText));
    const ofOthers = left.filter((name) => !/^\.a\.keras\.[0-9a-z]+-/.test(name));
    assert.equal(ofOthers.length, 2);
    const expected = ['a.keras', ...ofLiving, elsewhere, ...ofOthers];
    assert.deepEqual(readdirSync(home).sort(), expected.sort());
  });
});

describe('what is there already', () => {
  test('a folder, or a file of another kind, is never replaced', async () => {
    const home = fresh();
    mkdirSync(join(home, 'folder.keras'));
    writeFileSync(join(home, 'notes.keras'), 'dear diary');
    for (const name of ['folder.keras', 'notes.keras'])
      await assert.rejects(writeWhole(join(home, name), bytes(newText), { isKind }), {
        code: 'FILE',
      });
    assert.equal(readFileSync(join(home, 'notes.keras'), 'utf8'), 'dear diary');
    await assert.rejects(writeWhole('/dev/null', bytes(newText)), { code: 'FILE' });
  });

  test('a file is not replaced where that is not wanted', async () => {
    const path = join(fresh(), 'a.keras');
    writeFileSync(path, oldText);
    await assert.rejects(writeWhole(path, bytes(newText), { overwrite: false }), { code: 'FILE' });
    assert.equal(readFileSync(path, 'utf8'), oldText);
  });

  test('an empty file is, and permissions stay', async () => {
    const path = join(fresh(), 'a.keras');
    writeFileSync(path, '', { mode: 0o600 });
    await writeWhole(path, bytes(newText), { isKind });
    assert.equal(readFileSync(path, 'utf8'), newText);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('a link stays a link, and what it leads to is replaced', async () => {
    const home = fresh();
    writeFileSync(join(home, 'real.keras'), oldText);
    symlinkSync(join(home, 'real.keras'), join(home, 'link.keras'));
    await writeWhole(join(home, 'link.keras'), bytes(newText), { isKind });
    assert.equal(readFileSync(join(home, 'real.keras'), 'utf8'), newText);
    assert.deepEqual(readdirSync(home).sort(), ['link.keras', 'real.keras']);
  });

  test('a folder that is missing is named', async () => {
    const path = join(fresh(), 'missing', 'a.keras');
    await assert.rejects(writeWhole(path, bytes(newText)), {
      code: 'SAVE',
      message: /ENOENT.*Make the folder/,
    });
  });
});

test('reading refuses folders, devices and what is missing', async () => {
  const home = fresh();
  await assert.rejects(readWhole(home), { code: 'FILE', message: /a folder/ });
  await assert.rejects(readWhole('/dev/zero'), { code: 'FILE', message: /device/ });
  await assert.rejects(readWhole(join(home, 'none')), { code: 'FILE', message: /ENOENT/ });
});

test('a process killed while it saves leaves the old file or the new', async () => {
  const home = fresh();
  const path = join(home, 'a.keras');
  writeFileSync(path, oldText);
  const module = new URL('../../src/saving/files.js', import.meta.url).href;
  const program = `
    import { writeWhole } from ${JSON.stringify(module)};
    const bytes = new Uint8Array(2e6).fill(80);
    console.log('ready');
    for (let i = 0; ; i++) await writeWhole(${JSON.stringify(path)}, bytes.fill(i % 26 + 65, 4));`;
  for (let kill = 0; kill < 8; kill++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    await new Promise((ready) => child.stdout.once('data', ready));
    await new Promise((later) => setTimeout(later, 5 + kill * 7));
    child.kill('SIGKILL');
    await new Promise((ended) => child.once('exit', ended));
    const found = readFileSync(path);
    const isOld = found.toString('latin1') === oldText;
    const isWhole = found.length === 2e6 && found.subarray(4).every((byte) => byte === found[4]);
    assert.ok(isOld || isWhole, `after kill ${kill}: ${found.length} bytes`);
  }
});
