/**
 * @file formats 30–33: a run in a file: read back as it was, every cut and every flipped bit noticed, later formats refused;
 * and the SHA-256 and the version behind it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { RandomSequence } from '../../src/core/random.ts';
import { plainSha256, sha256 } from '../../src/core/sha256.ts';
import { tensor } from '../../src/core/tensor.ts';
import { version } from '../../src/core/version.ts';
import { deserializeModel } from '../../src/model/loading.ts';
import { type BackupStore, Backups } from '../../src/saving/backup_store.ts';
import { deserializeRun, type StoredRun, serializeRun } from '../../src/saving/run_file.ts';
import { runModel } from '../../src/saving/run_model.ts';
import { unzipMember, writeZip, type ZipEntry, zipMembers } from '../../src/saving/zip.ts';
import { sampleOf } from '../../src/train/fingerprint.ts';
import type { RunState } from '../../src/train/run_state.ts';
import { read } from '../repository/sources.ts';
import { bitsOf, smallModel } from '../support/small_models.ts';

const state: RunState = {
  epoch: 3,
  batch: 17,
  begun: true,
  seed: 2 ** 31 + 5,
  learningRate: 0.1,
  stopTraining: false,
  logs: { loss: 0.1 + 0.2, odd: Number.NaN, large: Number.POSITIVE_INFINITY },
  timing: [{ steps: 4, trainSeconds: 0.5, seconds: 0.75 }],
  configuration: { 'batch size': '8', note: 'ünï — "quoted"\n' },
  callbacks: { Mine: { list: [1, -0, null, true, 'x'], inside: { weights: [tensor([1, 2])] } } },
  variables: [tensor([1.5, -2.25])],
};
const model = smallModel();
const bytes = await serializeRun(model, state);

describe('formats 30, 31: a run in a file', () => {
  test('is read back as it was', async () => {
    const { state: found } = await deserializeRun(bytes, 'run');
    assert.deepEqual(found, state);
  });

  test('is a model’s file too', async () => {
    assert.deepEqual(bitsOf(await deserializeModel(bytes)), bitsOf(model));
    assert.deepEqual(
      [...zipMembers(bytes, 'run').keys()],
      ['metadata.json', 'config.json', 'model.weights.h5', 'run.json', 'run.safetensors', 'sha256'],
    );
  });
});

describe('formats 32: what is damaged is noticed', () => {
  const refused = (damaged: Uint8Array) =>
    deserializeRun(damaged, 'run').then(
      () => 'read',
      (error: { code?: string }) => error.code,
    );

  test('cut off at 500 lengths', async () => {
    for (let i = 0; i < 500; i++) {
      const length = Math.floor((bytes.length * i) / 500);
      assert.equal(await refused(bytes.slice(0, length)), 'CHECKSUM', `${length} bytes`);
    }
  });

  test('a backup cut off at each of 500 lengths: the one before is used, and one warning names both', async () => {
    const files = new Map([
      ['000000001.keras', bytes],
      ['000000002.keras', bytes],
    ]);
    const store: BackupStore = {
      where: 'memory',
      open: async () => {},
      names: async () => [...files.keys()],
      read: async (name) => files.get(name)!,
      write: async (name, written) => void files.set(name, written.slice()),
      remove: async (name) => void files.delete(name),
      close: async () => {},
    };
    for (let i = 0; i < 500; i++) {
      const length = Math.floor((bytes.length * i) / 500);
      files.set('000000002.keras', bytes.subarray(0, length));
      const warnings: string[] = [];
      const found = await new Backups<StoredRun>(store, 2).open(
        deserializeRun,
        (text) => warnings.push(text),
        false,
      );
      assert.deepEqual(found?.state, state);
      assert.equal(warnings.length, 1, `${length} bytes`);
      assert.match(
        warnings[0]!,
        /^\[memory, 000000002\.keras\] .* goes on from memory, 000000001\.keras\.$/,
        `${length} bytes`,
      );
    }
  });

  test('each of 2,000 bits flipped, those of records and of the end among them', async () => {
    const random = new RandomSequence(1, 93);
    const bits = Array.from({ length: 1000 }, () => random.below(8 * bytes.length));
    const tail = Array.from({ length: 1000 }, (_, i) => 8 * bytes.length - 1 - 4 * i);
    for (const bit of [...bits, ...tail]) {
      const damaged = bytes.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(await refused(damaged), 'CHECKSUM', `bit ${bit}`);
    }
  });

  test('bytes behind, members put together from two files, a member more', async () => {
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    assert.equal(await refused(longer), 'CHECKSUM');
    const entries = await membersOf(bytes);
    const later = await membersOf(await serializeRun(model, { ...state, batch: 18 }));
    const mixed = entries.map((entry, i) => (entry[0] === 'run.json' ? later[i]! : entry));
    assert.equal(await refused(writeZip(mixed)), 'CHECKSUM');
    assert.equal(await refused(writeZip([['more', bytes], ...entries])), 'CHECKSUM');
    assert.equal(await refused(writeZip(entries)), 'read');
    assert.equal(await refused(new Uint8Array(0)), 'CHECKSUM');
  });
});

async function membersOf(archive: Uint8Array): Promise<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  for (const [name, member] of zipMembers(archive, 'run'))
    entries.push([name, await unzipMember(archive, member, 'run')]);
  return entries;
}

test('formats 33: a later format is refused by its number and version', async () => {
  const entries = (await membersOf(bytes)).slice(0, -1).map(([name, content]): ZipEntry => {
    if (name !== 'run.json') return [name, content];
    const text = new TextDecoder().decode(content);
    const later = text
      .replace('"format": 1', '"format": 2')
      .replace(`"tsuno": "${version}"`, '"tsuno": "9.0.0"');
    return [name, new TextEncoder().encode(later)];
  });
  const length = entries.reduce(
    (sum, [name, content]) => sum + 30 + name.length + content.length,
    0,
  );
  const seal = await sha256(writeZip(entries).subarray(0, length));
  const sealed = writeZip([...entries, ['sha256', new TextEncoder().encode(seal)]]);
  await assert.rejects(deserializeRun(sealed, 'run'), {
    code: 'UNSUPPORTED',
    found: '2, of tsuno 9.0.0',
  });
});

describe('what it rests on', () => {
  test('SHA-256 is that of the platform, for every length about the ends of blocks', async () => {
    const random = new RandomSequence(2, 94);
    for (const length of [...Array.from({ length: 200 }, (_, i) => i), 1000, 100_003]) {
      const data = Uint8Array.from({ length }, () => random.below(256));
      const expected = createHash('sha256').update(data).digest('hex');
      assert.equal(plainSha256(data), expected);
      assert.equal(await sha256(data), expected);
    }
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    assert.equal(await sha256(shared), plainSha256(new Uint8Array(3)));
  });

  test('the version is that of the package', () => {
    assert.equal(JSON.parse(read('package.json')).version, version);
  });

  test('names of layers are no part of what a model is; numbers in them are', () => {
    const again = smallModel();
    assert.notEqual(again.layers[1]!.name, model.layers[1]!.name);
    assert.deepEqual(runModel(again), runModel(model));
    assert.equal(runModel(model)['layer 5, Dropout, rate'], '0.25');
  });

  test('large columns are told apart by 64 pieces, the first and the last among them', () => {
    const mib = 2 ** 20;
    const small = new Uint8Array(64 * mib);
    assert.equal(sampleOf(small), small);
    const large = new Uint8Array(64 * mib + 5);
    large[0] = 1;
    large[large.length - 1] = 2;
    const sample = sampleOf(large);
    assert.equal(sample.length, 64 * mib);
    assert.deepEqual([sample[0], sample.at(-1)], [1, 2]);
  });
});
