/** @file HDF5 files that lie or lead elsewhere: refused before data is read, in time that the file's length bounds. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { File, FS, ready } from 'h5wasm';
import { tensor } from '../../src/core/tensor.ts';
import { datasetNumbers, h5Dataset, h5Group } from '../../src/saving/hdf5.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { writeHdf5 } from '../../src/saving/hdf5_write.ts';

/** A group `g` with arrays `0` and `1`, and where its parts lie. */
function sample() {
  const root = h5Group({ name: 'model' });
  const group = h5Group({ name: 'layer' });
  root.children.set('g', group);
  group.children.set('0', h5Dataset(tensor([1, 2, 3])));
  group.children.set('1', h5Dataset(tensor([4])));
  return writeHdf5(root);
}

const good = sample();

/** Every place of `text` in the file. */
function places(text: string): number[] {
  const found: number[] = [];
  for (let at = 0; at < good.length; at++)
    if (String.fromCharCode(...good.subarray(at, at + text.length)) === text) found.push(at);
  return found;
}

/** Places of messages of a kind and size, as `[u16 kind, u16 size]`. */
function messages(kind: number, size: number): number[] {
  const found: number[] = [];
  for (let at = 96; at + 8 < good.length; at += 8) {
    const [k, s] = new Uint16Array(good.slice(at, at + 4).buffer);
    if (k === kind && s === size && good[at + 5] === 0) found.push(at);
  }
  return found;
}

/** The sample with numbers of 1, 2, 4 or 8 bytes put at places. */
function patched(
  ...changes: readonly (readonly [at: number, value: number | bigint, width: 1 | 2 | 4 | 8])[]
): Uint8Array {
  const bytes = good.slice();
  const view = new DataView(bytes.buffer);
  for (const [at, value, width] of changes) {
    for (let i = 0; i < width; i++)
      view.setUint8(at + i, Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));
  }
  return bytes;
}

const [groupNode, rootNode] = places('SNOD') as [number, number];
const [rootTree] = places('TREE') as [number];
const [rootHeap] = places('HEAP') as [number];
const [dataspace] = messages(1, 16) as [number];
const [datatype] = messages(3, 24) as [number];
const [fill] = messages(5, 8) as [number];
const [layout] = messages(8, 24) as [number];
const [table] = messages(17, 16) as [number];
const rootHeader = 96;

describe('refused', () => {
  const cases: [what: string, bytes: Uint8Array, code: string, message?: RegExp][] = [
    ['nothing', new Uint8Array(0), 'HDF5'],
    ['another signature', patched([0, 0x88, 1]), 'HDF5'],
    ['version 4', patched([8, 4, 1]), 'HDF5'],
    ['4-byte offsets', patched([13, 4, 1]), 'UNSUPPORTED'],
    ['a base address', patched([24, 512, 8]), 'UNSUPPORTED'],
    ['a file cut short', good.slice(0, good.length - 8), 'HDF5', /must end at byte/],
    ['a file with bytes after it', Uint8Array.from([...good, 0]), 'HDF5'],
    ['a root beyond the end', patched([64, 2 ** 40, 8]), 'HDF5'],
    ['a soft link', patched([groupNode + 8 + 16, 2, 4]), 'HDF5_LINK', /soft link/],
    ['data in another file', patched([fill, 7, 2]), 'HDF5_LINK', /another file/],
    ['a virtual array', patched([layout + 8, 4, 1], [layout + 9, 3, 1]), 'HDF5_LINK', /virtual/],
    ['chunks', patched([layout + 9, 2, 1]), 'UNSUPPORTED', /chunks/],
    ['layout version 1', patched([layout + 8, 1, 1]), 'UNSUPPORTED'],
    ['a filter', patched([fill, 11, 2]), 'UNSUPPORTED', /filter/],
    ['a named type', patched([datatype + 4, 3, 1]), 'UNSUPPORTED', /named type/],
    ['text for numbers', patched([datatype + 8, 0x13, 1]), 'UNSUPPORTED', /text/],
    ['a compound for numbers', patched([datatype + 8, 0x16, 1]), 'UNSUPPORTED'],
    ['a float that is not IEEE', patched([datatype + 8 + 13, 9, 1]), 'UNSUPPORTED'],
    ['floats of 3 bytes', patched([datatype + 12, 3, 4]), 'UNSUPPORTED'],
    ['a shape of 2^52', patched([dataspace + 16, 2 ** 52, 8]), 'HDF5_LIMIT'],
    ['a shape beyond 2^53', patched([dataspace + 16, 2n ** 63n, 8]), 'HDF5'],
    [
      'a shape larger than the data',
      patched([dataspace + 16, 4, 8]),
      'HDF5_LIMIT',
      /must hold 16 bytes/,
    ],
    ['33 axes', patched([dataspace + 9, 33, 1]), 'HDF5', /rank/],
    ['data beyond the end', patched([layout + 10, 2 ** 40, 8]), 'HDF5_LIMIT'],
    ['data that was never written', patched([layout + 10, 2n ** 64n - 1n, 8]), 'HDF5_LIMIT'],
    ['no type', patched([datatype, 0, 2]), 'HDF5'],
    [
      'a group that holds itself',
      patched([groupNode + 16, rootHeader, 8]),
      'HDF5_LINK',
      /there already/,
    ],
    [
      'one array under two names',
      patched([groupNode + 56, new DataView(good.buffer).getUint32(groupNode + 16, true), 8]),
      'HDF5_LINK',
    ],
    [
      'a tree that holds itself',
      patched([rootTree + 5, 1, 1], [rootTree + 32, rootTree, 8]),
      'HDF5',
    ],
    ['a tree of 65,535 children', patched([rootTree + 6, 0xffff, 2]), 'HDF5_LIMIT'],
    ['a symbol node of 65,535 members', patched([rootNode + 6, 0xffff, 2]), 'HDF5_LIMIT'],
    ['a tree that is none', patched([rootTree, 0, 4]), 'HDF5', /"TREE"/],
    ['a symbol node that is none', patched([rootNode, 0, 4]), 'HDF5', /"SNOD"/],
    ['a heap that is none', patched([rootHeap, 0, 4]), 'HDF5', /"HEAP"/],
    ['a heap of 2^40 bytes', patched([rootHeap + 8, 2 ** 40, 8]), 'HDF5_LIMIT'],
    ['a name outside its heap', patched([groupNode + 8, 2 ** 20, 8]), 'HDF5', /inside the heap/],
    ['two members of one name', patched([groupNode + 48, 8, 8]), 'HDF5', /there once/],
    ['a header of 2^32 bytes', patched([rootHeader + 8, 2 ** 32 - 1, 4]), 'HDF5_LIMIT'],
    ['a header of another version', patched([rootHeader, 7, 1]), 'HDF5'],
    ['a message beyond its header', patched([rootHeader + 18, 0xfff8, 2]), 'HDF5', /must end by/],
    [
      'a header that continues in itself',
      patched(
        [table, 16, 2],
        [table + 8, rootHeader + 16, 8],
        [table + 16, 24, 8],
        [rootHeader + 2, 9, 2],
      ),
      'HDF5',
    ],
    [
      'a header with more messages than it has',
      patched([rootHeader + 2, 100, 2]),
      'HDF5',
      /messages/,
    ],
  ];
  for (const [what, bytes, code, message] of cases) {
    test(what, () => {
      assert.throws(() => readHdf5(bytes, 'test'), {
        name: 'TsunoError',
        code,
        ...(message ? { message } : {}),
      });
    });
  }
});

describe('what libhdf5 makes of links and packed data is refused', () => {
  const cases: [what: string, make: (file: File) => void, code: string][] = [
    ['an external link', (file) => file.create_external_link('/etc/passwd', '/', 'x'), 'HDF5_LINK'],
    ['a soft link', (file) => file.create_soft_link('/a', 'x'), 'HDF5_LINK'],
    ['a hard link to the same array', (file) => file.create_hard_link('/a', 'x'), 'HDF5_LINK'],
    [
      'gzip',
      (file) =>
        file.create_dataset({
          name: 'x',
          data: new Float32Array(1000),
          chunks: [100],
          compression: 'gzip',
        }),
      'UNSUPPORTED',
    ],
    [
      'chunks',
      (file) => file.create_dataset({ name: 'x', data: new Float32Array(1000), chunks: [100] }),
      'UNSUPPORTED',
    ],
    [
      'text of any length',
      (file) => file.create_dataset({ name: 'x', data: ['a', 'bc'] }),
      'UNSUPPORTED',
    ],
    [
      'text of one length',
      (file) => file.create_dataset({ name: 'x', data: ['a', 'b'], dtype: 'S2' }),
      'UNSUPPORTED',
    ],
  ];
  for (const libver of ['earliest', 'latest'] as const) {
    for (const [what, make, code] of cases) {
      test(`${what}, form ${libver}`, async () => {
        await ready;
        const file = new File('attack.h5', 'w', { libver: [libver, 'latest'] });
        file.create_dataset({ name: 'a', data: new Float32Array(3) });
        make(file);
        file.close();
        const bytes = FS!.readFile('attack.h5') as Uint8Array;
        assert.throws(() => readHdf5(bytes, 'test'), { name: 'TsunoError', code });
      });
    }
  }

  test('a group with more members than lie in its header, in the new form', async () => {
    await ready;
    const file = new File('attack.h5', 'w', { libver: 'latest' });
    for (let i = 0; i < 100; i++) file.create_group(`g${i}`);
    file.close();
    const bytes = FS!.readFile('attack.h5') as Uint8Array;
    assert.throws(() => readHdf5(bytes, 'test'), { code: 'UNSUPPORTED', message: /heap of links/ });
  });
});

test('groups 100 deep are refused', () => {
  let group = h5Group();
  for (let depth = 0; depth < 100; depth++) {
    const outer = h5Group();
    outer.children.set('g', group);
    group = outer;
  }
  assert.throws(() => readHdf5(writeHdf5(group), 'test'), { code: 'HDF5_LIMIT' });
});

describe('what h5py makes (tools/keras/hdf5_files.py)', () => {
  const seeds = new URL('../../../test/attacks/seeds/', import.meta.url);
  const seed = (name: string) => new Uint8Array(readFileSync(new URL(`hdf5__${name}`, seeds)));
  const cases: [name: string, code: string, message: RegExp][] = [
    ['external_storage', 'HDF5_LINK', /another file/],
    ['virtual_array', 'HDF5_LINK', /virtual/],
    ['texts_of_any_length', 'UNSUPPORTED', /text|length/],
    ['compound', 'UNSUPPORTED', /./],
    ['lzf', 'UNSUPPORTED', /filter|chunks/],
    ['unknown_filter', 'UNSUPPORTED', /filter|chunks/],
  ];
  for (const [name, code, message] of cases)
    test(`${name} is refused`, () =>
      assert.throws(() => readHdf5(seed(name), 'test'), { name: 'TsunoError', code, message }));

  test('big-endian numbers are read right', () => {
    const node = readHdf5(seed('big_endian'), 'test').children.get('x')!;
    assert.ok(node.kind === 'dataset');
    assert.deepEqual(datasetNumbers(node), Float32Array.of(1.5, -0.25));
  });
});
