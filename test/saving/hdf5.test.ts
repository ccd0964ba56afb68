/** @file The HDF5 of weights: what is written, libhdf5 reads; what libhdf5 and h5py wrote is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { File, FS, ready } from 'h5wasm';
import { tensor } from '../../src/core/tensor.ts';
import { float16 } from '../../src/saving/elements.ts';
import { datasetNumbers, type H5Node, h5Dataset, h5Group } from '../../src/saving/hdf5.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { writeHdf5 } from '../../src/saving/hdf5_write.ts';

type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | BigInt64Array
  | Uint32Array;

test('libhdf5 reads what is written: groups, text, arrays of each type', async () => {
  await ready;
  const root = h5Group({ name: 'größe' });
  const inner = h5Group({ name: 'conv2d', other: '' });
  root.children.set('inner', inner).set('empty', h5Group());
  inner.children.set(
    '0',
    h5Dataset(
      tensor([
        [1.5, -2],
        [3, 4],
      ]),
    ),
  );
  inner.children.set('1', h5Dataset(tensor(7, undefined, 'int32')));
  inner.children.set('2', h5Dataset(tensor(Uint8Array.of(1, 2, 255))));
  FS!.writeFile('written.h5', writeHdf5(root));
  const file = new File('written.h5', 'r');
  assert.equal(file.attrs.name!.value, 'größe');
  assert.deepEqual(file.keys().sort(), ['empty', 'inner']);
  assert.equal((file.get('inner') as File).attrs.other!.value, '');
  const array = (name: string) =>
    file.get(`inner/${name}`) as { value: unknown; shape: number[]; dtype: string };
  assert.deepEqual([array('0').shape, array('0').dtype], [[2, 2], '<f']);
  assert.deepEqual(array('0').value, Float32Array.of(1.5, -2, 3, 4));
  assert.deepEqual([array('1').dtype, array('1').value], ['<q', 7n]);
  assert.deepEqual(array('2').value, Uint8Array.of(1, 2, 255));
  file.close();
});

test('groups of any size: one node, many, several levels of tree', async () => {
  await ready;
  for (const count of [0, 1, 8, 9, 256, 257, 5000]) {
    const root = h5Group();
    for (let i = 0; i < count; i++) root.children.set(String(i), h5Dataset(tensor([i])));
    const bytes = writeHdf5(root);
    FS!.writeFile('many.h5', bytes);
    const file = new File('many.h5', 'r');
    assert.equal(file.keys().length, count);
    for (const i of [0, 7, 8, 255, 256, count - 1].filter((i) => i >= 0 && i < count)) {
      assert.deepEqual((file.get(String(i)) as { value: unknown }).value, Float32Array.of(i));
    }
    file.close();
    const back = readHdf5(bytes, 'many.h5');
    assert.equal(back.children.size, count);
    for (const [name, node] of back.children) {
      assert.ok(node.kind === 'dataset');
      assert.deepEqual(datasetNumbers(node), Float32Array.of(Number(name)));
    }
  }
});

test('more texts than one heap holds', async () => {
  await ready;
  const root = h5Group();
  for (let i = 0; i < 60_001; i++) root.children.set(`g${i}`, h5Group({ name: `n${i}` }));
  FS!.writeFile('texts.h5', writeHdf5(root));
  const file = new File('texts.h5', 'r');
  for (const i of [0, 59_999, 60_000])
    assert.equal((file.get(`g${i}`) as File).attrs.name!.value, `n${i}`);
  file.close();
});

test('what libhdf5 writes is read, in the old and the new form of the format', async () => {
  await ready;
  const values: [name: string, data: NumericArray, dtype: string, expected: number[]][] = [
    ['float', Float32Array.of(1.5, -0.25), '<f', [1.5, -0.25]],
    ['double', Float64Array.of(0.1, 2), '<d', [Math.fround(0.1), 2]],
    ['byte', Int8Array.of(-1, 2), '<b', [-1, 2]],
    ['short', Int16Array.of(-300, 2), '<h', [-300, 2]],
    ['long', BigInt64Array.of(-5n, 2n), '<q', [-5, 2]],
    ['unsigned', Uint32Array.of(4294967295, 2), '<I', [4294967295, 2]],
  ];
  for (const libver of ['earliest', 'v108', 'v110', 'v114'] as const) {
    const file = new File('library.h5', 'w', { libver: [libver, 'latest'] });
    const group = file.create_group('a').create_group('b');
    group.create_attribute('name', 'x');
    for (const [name, data, dtype] of values) {
      group.create_dataset({ name, data, dtype, shape: [2] });
    }
    file.close();
    const root = readHdf5(FS!.readFile('library.h5') as Uint8Array, libver);
    const a = root.children.get('a')!;
    assert.ok(a.kind === 'group');
    const b = a.children.get('b')!;
    assert.ok(b.kind === 'group');
    for (const [name, , , expected] of values) {
      const node: H5Node = b.children.get(name)!;
      assert.ok(node.kind === 'dataset', `${libver} ${name}`);
      assert.deepEqual([...datasetNumbers(node)], expected, `${libver} ${name}`);
    }
  }
});

test('big-endian numbers are read right', () => {
  const root = h5Group();
  const bytes = Uint8Array.of(0x3f, 0xc0, 0, 0, 0xbe, 0x80, 0, 0);
  const type = { kind: 'float', size: 4, signed: true, bigEndian: true } as const;
  root.children.set('big', { kind: 'dataset', type, shape: [2], bytes });
  const back = readHdf5(writeHdf5(root), 'big').children.get('big')!;
  assert.ok(back.kind === 'dataset');
  assert.deepEqual(datasetNumbers(back), Float32Array.of(1.5, -0.25));
});

test('half precision means the right numbers', () => {
  assert.deepEqual([0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00].map(float16), [
    1,
    -2,
    65504,
    2 ** -24,
    -0,
    Number.POSITIVE_INFINITY,
  ]);
  assert.ok(Number.isNaN(float16(0x7e00)));
});
