/** @file Files that hold code: refused by name and by content, with what to do instead, and nothing of them is read. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Input, layers, loadModel, readNpy, readNpz, Sequential } from '../../src/index.ts';
import { writeZip } from '../../src/saving/zip.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-foreign-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const encode = (text: string) => new TextEncoder().encode(text);
/** `os.system('true')`, as a pickle. */
const pickle = Uint8Array.from([0x80, 4, ...encode("cos\nsystem\n(S'true'\ntR.")]);
const torch = writeZip([
  ['model/data.pkl', pickle],
  ['model/data/0', new Uint8Array(4)],
]);
const honest = () => new Sequential([Input({ shape: [2] }), layers.dense(1)]);

describe('by name', () => {
  for (const ending of ['pt', 'pth', 'pkl', 'pickle', 'ckpt', 'joblib', 'PT']) {
    test(ending, async () => {
      const path = join(folder, `model.${ending}`); // is not even there
      const error = { code: 'UNSUPPORTED', message: /pickle.*torch\.onnx\.export/ };
      await assert.rejects(loadModel(path), error);
      await assert.rejects(honest().loadWeights(path), error);
    });
  }
});

describe('by content, under names of other kinds', () => {
  for (const name of ['a.keras', 'a.onnx', 'a.h5']) {
    for (const [what, bytes] of Object.entries({ pickle, torch })) {
      test(`${what} as ${name}`, async () => {
        const path = join(folder, name);
        writeFileSync(path, bytes);
        await assert.rejects(loadModel(path), { code: 'UNSUPPORTED', message: /pickle.*Python/ });
      });
    }
  }
  for (const name of ['a.weights.h5', 'a.safetensors', 'b.keras']) {
    test(`weights as ${name}`, async () => {
      const path = join(folder, name);
      writeFileSync(path, pickle);
      await assert.rejects(honest().loadWeights(path), { code: 'UNSUPPORTED', message: /pickle/ });
    });
  }
});

describe('arrays of Python objects', () => {
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }";
  const text = header.padEnd(117, ' ');
  const npy = Uint8Array.from([
    0x93,
    ...encode('NUMPY'),
    1,
    0,
    118,
    0,
    ...encode(`${text}\n`),
    ...pickle,
  ]);
  const error = { code: 'NPY_OBJECTS', message: /numpy\.asarray/ };
  test('npy', () => assert.throws(() => readNpy(npy), error));
  test('a pickle called npy', () => assert.throws(() => readNpy(pickle), error));
  test('npz', () => assert.rejects(readNpz(writeZip([['x.npy', npy]])), error));
});
