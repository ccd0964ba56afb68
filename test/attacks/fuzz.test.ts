/**
 * @file Files changed at random, with knowledge of their format: whatever comes out, readers either read it or refuse it
 * with a typed error, soon, with little memory, and without touching anything else.
 *
 *     TSUNO_FUZZ_SECONDS=1200 TSUNO_FUZZ_SEED=7 node --test dist/test/attacks/fuzz.test.js
 *
 * Default: a second a format. A failure prints the seed of its case; its file is written to `runs/fuzz`.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  deserializeModel,
  readNpy,
  readNpz,
  readSafetensors,
  tensor,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from '../../src/index.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { pythonJson } from '../../src/saving/strict_json.ts';
import { unzipMember, writeZip, zipMembers } from '../../src/saving/zip.ts';
import { memberOf } from '../saving/archives.ts';
import { modelCases } from '../support/keras_cases.ts';
import { archive, type Member } from './archive_builder.ts';
import { Dice, mutateBytes, mutateTree } from './mutations.ts';

const seconds = Number(process.env.TSUNO_FUZZ_SECONDS ?? 1);
const firstSeed = Number(process.env.TSUNO_FUZZ_SEED ?? 1);
const freeMemory = 64 * 2 ** 20; // bytes, and four times the file
const freeTime = 1000; // ms, and a second a MB: machines under tests are busy

const files = [...modelCases()]
  .filter((_, i) => [0, 2, 5, 6, 17].includes(i))
  .map(({ file }) => new Uint8Array(readFileSync(file)));
const members = await Promise.all(
  files.map(async (bytes) => ({
    metadata: await memberOf(bytes, 'metadata.json'),
    config: await memberOf(bytes, 'config.json'),
    weights: await memberOf(bytes, 'model.weights.h5'),
  })),
);
const pristine = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));

interface Target {
  make(dice: Dice): Uint8Array;
  read(bytes: Uint8Array): unknown;
}

async function attack(
  name: string,
  { make, read }: Target,
  t: { diagnostic(text: string): void },
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let [runs, accepted, seed] = [0, 0, firstSeed];
  for (; performance.now() < end; seed++, runs++) {
    const bytes = make(new Dice(seed));
    const { arrayBuffers: before } = process.memoryUsage();
    const began = performance.now();
    let error: unknown;
    try {
      await read(bytes);
      accepted++;
    } catch (caught) {
      error = caught;
    }
    const took = performance.now() - began;
    const grown = process.memoryUsage().arrayBuffers - before;
    const problem =
      error instanceof Error && error.name !== 'TsunoError'
        ? `${error.stack}`
        : took > freeTime + bytes.length / 1000
          ? `took ${took} ms`
          : grown > freeMemory + 4 * bytes.length
            ? `took ${grown} bytes`
            : JSON.stringify(Object.getOwnPropertyNames(Object.prototype)) !== pristine
              ? 'changed Object.prototype'
              : undefined;
    if (problem !== undefined) {
      mkdirSync('runs/fuzz', { recursive: true });
      writeFileSync(`runs/fuzz/${name}_${seed}`, bytes);
      assert.fail(`${name}, seed ${seed}: ${problem}`);
    }
  }
  t.diagnostic(`${name}: ${runs} files, ${accepted} of them read`);
  assert.ok(runs > 0);
}

test('ZIP archives', async (t) => {
  const names = ['a', 'b/c', '../x', 'config.json', 'é', 'a'];
  const randomMember = (dice: Dice): Member => {
    const data = Uint8Array.from({ length: dice.below(40) }, (_, i) => i);
    const odd = () => dice.pick([0, 1, 8, 0xffff, 0xffffffff, data.length, 40]);
    return {
      name: dice.pick(names),
      data,
      ...(dice.chance(0.1) ? { flags: dice.pick([1, 8, 0x800, 0x2000]) } : {}),
      ...(dice.chance(0.1) ? { method: dice.pick([0, 8, 12]) } : {}),
      ...(dice.chance(0.1) ? { size: odd() } : {}),
      ...(dice.chance(0.1) ? { packedSize: odd() } : {}),
      ...(dice.chance(0.1) ? { offset: odd() } : {}),
      ...(dice.chance(0.1) ? { local: { size: odd(), name: dice.pick(names) } } : {}),
      ...(dice.chance(0.1) ? { extra: Uint8Array.of(1, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8) } : {}),
    };
  };
  await attack(
    'zip',
    {
      make(dice) {
        if (dice.chance(0.3)) return mutateBytes(dice.pick(files), dice);
        const bytes = archive(Array.from({ length: dice.below(5) }, () => randomMember(dice)));
        return dice.chance(0.5) ? bytes : mutateBytes(bytes, dice);
      },
      async read(bytes) {
        for (const member of zipMembers(bytes, 'fuzz').values())
          await unzipMember(bytes, member, 'fuzz');
      },
    },
    t,
  );
});

test('descriptions of models', async (t) => {
  const trees = members.map(
    ({ config }) => JSON.parse(new TextDecoder().decode(config)) as unknown,
  );
  await attack(
    'config',
    {
      make(dice) {
        const which = dice.below(members.length);
        const { metadata, config, weights } = members[which]!;
        const text = new TextEncoder();
        const changed = dice.chance(0.8)
          ? text.encode(pythonJson(mutateTree(trees[which], dice)))
          : mutateBytes(config, dice);
        return writeZip([
          ['metadata.json', metadata],
          ['config.json', changed],
          ['model.weights.h5', weights],
        ]);
      },
      read: (bytes) => deserializeModel(bytes),
    },
    t,
  );
});

test('weights in HDF5', async (t) => {
  await attack(
    'hdf5',
    {
      make: (dice) => mutateBytes(dice.pick(members).weights, dice),
      read: (bytes) => readHdf5(bytes, 'fuzz'),
    },
    t,
  );
});

test('whole models with changed weights', async (t) => {
  await attack(
    'keras',
    {
      make(dice) {
        const { metadata, config, weights } = dice.pick(members);
        return writeZip([
          ['metadata.json', metadata],
          ['config.json', config],
          ['model.weights.h5', mutateBytes(weights, dice)],
        ]);
      },
      read: (bytes) => deserializeModel(bytes),
    },
    t,
  );
});

test('safetensors', async (t) => {
  const good = writeSafetensors(
    { a: tensor([1, 2]), b: tensor([[3]]), c: tensor([1], undefined, 'int32') },
    { d: 'e' },
  );
  const length = Number(new DataView(good.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(good.subarray(8, 8 + length))) as unknown;
  await attack(
    'safetensors',
    {
      make(dice) {
        if (dice.chance(0.3)) return mutateBytes(good, dice);
        const text = new TextEncoder().encode(JSON.stringify(mutateTree(header, dice)));
        const bytes = new Uint8Array(8 + text.length + good.length - 8 - length);
        new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
        bytes.set(text, 8);
        bytes.set(good.subarray(8 + length), 8 + text.length);
        return bytes;
      },
      read: (bytes) => readSafetensors(bytes),
    },
    t,
  );
});

test("NumPy's arrays and archives", async (t) => {
  const arrays = [
    tensor([
      [1, 2],
      [3, 4],
    ]),
    tensor([1, 2], undefined, 'int32'),
    tensor([1, 0], undefined, 'bool'),
  ];
  const singles = arrays.map(writeNpy);
  const archived = writeNpz({ x: arrays[0]!, y: arrays[1]! });
  await attack(
    'npy',
    { make: (dice) => mutateBytes(dice.pick(singles), dice), read: (bytes) => readNpy(bytes) },
    t,
  );
  await attack(
    'npz',
    {
      make: (dice) =>
        dice.chance(0.5)
          ? mutateBytes(archived, dice)
          : writeZip([['x.npy', mutateBytes(dice.pick(singles), dice)]]),
      read: (bytes) => readNpz(bytes),
    },
    t,
  );
});
