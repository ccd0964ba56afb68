/** @file The readers that are fuzzed, and for each how files are made that know its format. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { encode as encodePng } from 'fast-png';
import { File, FS, ready } from 'h5wasm';
import { sha256 } from '../../src/core/sha256.ts';
import { decodePng } from '../../src/data/image_png.ts';
import {
  deserializeModel,
  Input,
  layers,
  loadOnnx,
  readIdx,
  readNpy,
  readNpz,
  readSafetensors,
  Sequential,
  serializeModel,
  tensor,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from '../../src/index.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { deserializeLegacy } from '../../src/saving/legacy_file.ts';
import { modelFromConfig } from '../../src/saving/model_config.ts';
import { decodeOnnx } from '../../src/saving/onnx_decode.ts';
import { deserializeRun, serializeRun } from '../../src/saving/run_file.ts';
import { parseJson, pythonJson } from '../../src/saving/strict_json.ts';
import { unzipMember, writeZip, zipMembers } from '../../src/saving/zip.ts';
import { memberOf } from '../saving/archives.ts';
import { modelCases } from '../support/keras_cases.ts';
import { archive, type Member } from './archive_builder.ts';
import { type Dice, mutateBytes, mutateTree } from './mutations.ts';

export interface Target {
  make(dice: Dice): Uint8Array;
  read(bytes: Uint8Array): unknown;
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const files = [...modelCases()]
  .filter((_, i) => [0, 2, 5, 6, 17].includes(i))
  .map(({ file }) => new Uint8Array(readFileSync(file)));

function fixtures(folder: string, ending: string): Uint8Array[] {
  const path = fileURLToPath(new URL(`../../../test/fixtures/${folder}/`, import.meta.url));
  const names = readdirSync(path).filter((name) => name.endsWith(ending));
  return names.map((name) => new Uint8Array(readFileSync(path + name)));
}

async function partsOf(bytes: Uint8Array) {
  return {
    metadata: await memberOf(bytes, 'metadata.json'),
    config: await memberOf(bytes, 'config.json'),
    weights: await memberOf(bytes, 'model.weights.h5'),
  };
}

/** A network so small that most bytes of its file say what it is. */
function smallNetwork(): Sequential {
  const model = new Sequential([
    Input({ shape: [3, 3, 1] }),
    layers.conv2d(2, 2, { activation: 'relu' }),
    layers.flatten(),
    layers.dense(2),
  ]);
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] });
  return model;
}

/** Files of models: of Keras, and mostly small ones, which are read many times as often. */
async function modelFiles(): Promise<(dice: Dice) => Awaited<ReturnType<typeof partsOf>>> {
  const ofKeras = await Promise.all(files.map(partsOf));
  const small = await partsOf(await serializeModel(smallNetwork()));
  return (dice) => (dice.chance(0.8) ? small : dice.pick(ofKeras));
}

const randomMember = (dice: Dice): Member => {
  const names = ['a', 'b/c', '../x', 'config.json', 'é', 'a'];
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

function zip(): Target {
  return {
    make(dice) {
      if (dice.chance(0.3)) return mutateBytes(dice.pick(files), dice);
      const bytes = archive(Array.from({ length: dice.below(5) }, () => randomMember(dice)));
      return dice.chance(0.5) ? bytes : mutateBytes(bytes, dice);
    },
    async read(bytes) {
      for (const member of zipMembers(bytes, 'fuzz').values())
        await unzipMember(bytes, member, 'fuzz');
    },
  };
}

/** A description with a few of its nodes or bytes changed. */
function mutateJson(text: Uint8Array, dice: Dice): Uint8Array {
  if (dice.chance(0.2)) return mutateBytes(text, dice);
  return encode(pythonJson(mutateTree(JSON.parse(decode(text)), dice)));
}

async function config(): Promise<Target> {
  const pick = await modelFiles();
  return {
    make: (dice) => mutateJson(pick(dice).config, dice),
    read(bytes) {
      const allowance = { bytes: 2 ** 20, reason: 'the weights' };
      return modelFromConfig(parseJson(bytes, 'fuzz'), 'fuzz', { allowance });
    },
  };
}

function json(): Target {
  const seeds = [
    '{"a": [1, -2.5e-3, null, true], "b": {"c": "d\\u00e9\\n", "e": {}}, "": [[], [NaN, Infinity]]}',
    '[{"class_name": "Dense", "config": {"units": 3, "name": "\\ud83d\\ude00"}}]',
  ].map(encode);
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    '\\u',
    '__proto__',
    '-',
    '1e9',
    'NaN',
    '\ud83d',
  ];
  return {
    make(dice) {
      const seed = dice.pick(seeds);
      if (dice.chance(0.3)) return mutateBytes(seed, dice);
      const at = dice.below(seed.length);
      const [before, after] = [seed.subarray(0, at), seed.subarray(at + dice.below(4))];
      return Uint8Array.from([...before, ...encode(dice.pick(pieces)), ...after]);
    },
    read: (bytes) => parseJson(bytes, 'fuzz'),
  };
}

/** What libhdf5 writes, in the first form of the format and in the last. */
async function ofLibrary(form: 'earliest' | 'latest'): Promise<Uint8Array> {
  await ready;
  const file = new File('seed.h5', 'w', { libver: [form, 'latest'] });
  const group = file.create_group('layers').create_group('vars');
  group.create_attribute('name', 'dense');
  group.create_dataset({ name: '0', data: new Float32Array(4), shape: [2, 2] });
  group.create_dataset({ name: '1', data: Int16Array.of(1, 2), dtype: '<h' });
  file.close();
  return Uint8Array.from(FS!.readFile('seed.h5') as Uint8Array);
}

async function hdf5(): Promise<Target> {
  const pick = await modelFiles();
  const small = [await ofLibrary('earliest'), await ofLibrary('latest')];
  return {
    make: (dice) => mutateBytes(dice.chance(0.5) ? dice.pick(small) : pick(dice).weights, dice),
    read: (bytes) => readHdf5(bytes, 'fuzz'),
  };
}

async function keras(): Promise<Target> {
  const pick = await modelFiles();
  return {
    make(dice) {
      const { metadata, config: own, weights } = pick(dice);
      const which = dice.below(10);
      return writeZip([
        ['metadata.json', which === 0 ? mutateBytes(metadata, dice) : metadata],
        ['config.json', which < 3 ? mutateJson(own, dice) : own],
        ['model.weights.h5', which < 3 ? weights : mutateBytes(weights, dice)],
      ]);
    },
    read: (bytes) => deserializeModel(bytes),
  };
}

/** Descriptions of the same length in their place, so that the file around them stays whole. */
function legacy(): Target {
  const seeds = fixtures('legacy', '.h5');
  const isText = (byte: number) => byte >= 0x20 && byte < 0x7f;
  return {
    make(dice) {
      const bytes = Uint8Array.from(dice.pick(seeds));
      if (dice.chance(0.5)) return mutateBytes(bytes, dice);
      for (let changes = 1 + dice.below(4); changes > 0; changes--) {
        let at = dice.below(bytes.length);
        for (let i = 0; i < 4096 && !isText(bytes[at]!); i++) at = (at + 1) % bytes.length;
        for (let i = dice.below(6); i >= 0 && isText(bytes[at]!); i--, at++)
          bytes[at] = encode(dice.pick([...'0123456789[]{}",: -ntfe']))[0]!;
      }
      return bytes;
    },
    read: (bytes) => deserializeLegacy(bytes, 'fuzz'),
  };
}

function safetensors(): Target {
  const good = writeSafetensors(
    { a: tensor([1, 2]), b: tensor([[3]]), c: tensor([1], undefined, 'int32') },
    { d: 'e' },
  );
  const length = Number(new DataView(good.buffer).getBigUint64(0, true));
  const header = JSON.parse(decode(good.subarray(8, 8 + length))) as unknown;
  return {
    make(dice) {
      if (dice.chance(0.3)) return mutateBytes(good, dice);
      const text = encode(JSON.stringify(mutateTree(header, dice)));
      const bytes = new Uint8Array(8 + text.length + good.length - 8 - length);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
      bytes.set(text, 8);
      bytes.set(good.subarray(8 + length), 8 + text.length);
      return bytes;
    },
    read: (bytes) => readSafetensors(bytes),
  };
}

const arrays = [
  tensor([
    [1, 2],
    [3, 4],
  ]),
  tensor([1, 2], undefined, 'int32'),
  tensor([1, 0], undefined, 'bool'),
];

function npy(): Target {
  const singles = arrays.map(writeNpy);
  return { make: (dice) => mutateBytes(dice.pick(singles), dice), read: (bytes) => readNpy(bytes) };
}

function npz(): Target {
  const singles = arrays.map(writeNpy);
  const archived = writeNpz({ x: arrays[0]!, y: arrays[1]! });
  return {
    make: (dice) =>
      dice.chance(0.5)
        ? mutateBytes(archived, dice)
        : writeZip([['x.npy', mutateBytes(dice.pick(singles), dice)]]),
    read: (bytes) => readNpz(bytes),
  };
}

/** Numbers of messages changed, and bytes; the lengths around them often stay right. */
function mutateMessages(source: Uint8Array, dice: Dice): Uint8Array {
  if (dice.chance(0.4)) return mutateBytes(source, dice);
  const bytes = Uint8Array.from(source);
  for (let changes = 1 + dice.below(6); changes > 0; changes--) {
    const at = dice.below(bytes.length);
    bytes[at] = dice.pick([0, 1, 2, 3, 7, 8, 0x7f, 0x80, 0xff, bytes[at]! + 1, bytes[at]! - 1]);
  }
  return bytes;
}

function onnx(): Target {
  const seeds = fixtures('onnx', '.onnx').filter((bytes) => bytes.length < 8000);
  return {
    make: (dice) => mutateMessages(dice.pick(seeds), dice),
    read: (bytes) => loadOnnx(bytes),
  };
}

/** The messages of ONNX files alone, without layers. */
function protobuf(): Target {
  const seeds = fixtures('onnx', '.onnx').filter((bytes) => bytes.length < 2000);
  return {
    make: (dice) => mutateMessages(dice.pick(seeds), dice),
    read: (bytes) => decodeOnnx(bytes, 'fuzz'),
  };
}

/** The four numbers of a header, and few bytes after it. */
function randomIdx(dice: Dice): Uint8Array<ArrayBuffer> {
  const rank = dice.pick([0, 1, 2, 3, 4, 5, 200]);
  const types = [8, 9, 11, 12, 13, 14, 0, 0xff];
  const bytes = new Uint8Array(4 + 4 * Math.min(rank, 5) + dice.below(64));
  bytes.set([dice.chance(0.05) ? 1 : 0, 0, dice.pick(types), rank]);
  const view = new DataView(bytes.buffer);
  const extents = [0, 1, 2, 3, 8, 28, 60_000, 0x7fffffff, 0x80000000, 0xffffffff];
  for (let axis = 0; axis < Math.min(rank, 5); axis++)
    view.setUint32(4 + 4 * axis, dice.pick(extents));
  return bytes;
}

function idx(): Target {
  return {
    make: (dice) => (dice.chance(0.7) ? randomIdx(dice) : mutateBytes(randomIdx(dice), dice)),
    read: (bytes) => readIdx(bytes),
  };
}

function gzip(): Target {
  const bomb = gzipSync(new Uint8Array(8 * 2 ** 20));
  return {
    make(dice) {
      if (dice.chance(0.05)) return Uint8Array.from(bomb);
      const bytes = new Uint8Array(gzipSync(randomIdx(dice)));
      return dice.chance(0.3) ? bytes : mutateBytes(bytes, dice);
    },
    read: (bytes) => readIdx(bytes),
  };
}

function png(): Target {
  const pixels = Uint8Array.from({ length: 7 * 5 * 4 }, (_, i) => (i * 37) % 256);
  const seeds = [1, 3, 4].map((channels) =>
    encodePng({ width: 7, height: 5, data: pixels.slice(0, 35 * channels), channels }),
  );
  return {
    make: (dice) => mutateBytes(dice.pick(seeds), dice),
    read: (bytes) => decodePng(bytes, 'fuzz'),
  };
}

/** Runs sealed anew after a change, so that what is behind the seal is reached. */
async function run(): Promise<Target> {
  const whole = await serializeRun(smallNetwork(), {
    epoch: 1,
    batch: 3,
    begun: true,
    seed: 5,
    learningRate: 0.001,
    stopTraining: false,
    logs: { loss: 0.5 },
    timing: [{ steps: 4, trainSeconds: 1, seconds: 2 }],
    configuration: { batchSize: '8' },
    callbacks: { EarlyStopping: { wait: 1, best: tensor([1, 2]) } },
    variables: [tensor([1, 2, 3])],
  });
  const members = await Promise.all(
    [...zipMembers(whole, 'run')].map(
      async ([name, member]): Promise<[string, Uint8Array]> => [
        name,
        await unzipMember(whole, member, 'run'),
      ],
    ),
  );
  const inner = members.filter(([name]) => name !== 'sha256');
  return {
    make(dice) {
      if (dice.chance(0.2)) return mutateBytes(whole, dice);
      const which = dice.below(inner.length);
      const changed = inner.map(([name, bytes], i): [string, Uint8Array] => {
        if (i !== which) return [name, bytes];
        const isJson = name.endsWith('.json') && dice.chance(0.8);
        return [
          name,
          isJson
            ? encode(pythonJson(mutateTree(JSON.parse(decode(bytes)), dice)))
            : mutateBytes(bytes, dice),
        ];
      });
      return writeZip(changed);
    },
    async read(bytes) {
      await deserializeRun(await sealed(bytes), 'fuzz');
    },
  };
}

/** An archive without a seal gets the right one; others stay as they are. */
async function sealed(bytes: Uint8Array): Promise<Uint8Array> {
  let entries: [string, Uint8Array][] = [];
  try {
    entries = await Promise.all(
      [...zipMembers(bytes, 'run')].map(
        async ([name, member]): Promise<[string, Uint8Array]> => [
          name,
          await unzipMember(bytes, member, 'run'),
        ],
      ),
    );
  } catch {
    return bytes;
  }
  if (entries.length === 0 || entries.some(([name]) => name === 'sha256')) return bytes;
  const length = entries.reduce((sum, [name, data]) => sum + 30 + name.length + data.length, 0);
  const seal = encode(await sha256(writeZip(entries).subarray(0, length)));
  return writeZip([...entries, ['sha256', seal]]);
}

/** By name; each is made when it is its turn. */
export const targets: Readonly<Record<string, () => Target | Promise<Target>>> = {
  idx,
  gzip,
  png,
  zip,
  json,
  config,
  hdf5,
  keras,
  legacy,
  safetensors,
  npy,
  npz,
  protobuf,
  onnx,
  run,
};
