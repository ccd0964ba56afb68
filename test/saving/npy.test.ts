/** @file NumPy's arrays: round trips, what NumPy writes, and what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { type Tensor, tensor } from '../../src/core/tensor.ts';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/saving/npy.ts';
import { deflatedZip } from '../attacks/archive_builder.ts';

/** A file as NumPy lays it out. */
function npy(header: string, data: number[] | Uint8Array = [], version = 1): Uint8Array {
  const text = `${header}\n`;
  const head = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(head + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(new TextEncoder().encode(text), head);
  bytes.set(data, head + text.length);
  return bytes;
}

const header = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

test('what is written is read', () => {
  const tensors: Tensor[] = [
    tensor([
      [1, 2.5],
      [3, 4],
    ]),
    tensor(7),
    tensor([1, -2], undefined, 'int32'),
    tensor(Uint8Array.of(1, 255)),
    tensor([0, 1], undefined, 'bool'),
    tensor(new Float32Array(0), [0, 2]),
  ];
  for (const value of tensors) {
    const bytes = writeNpy(value);
    const { dtype, shape, data } = readNpy(bytes);
    assert.deepEqual([dtype, [...shape], data], [value.dtype, [...value.shape], value.data]);
    assert.equal((bytes.length - data.byteLength) % 64, 0, 'the data begins at a multiple of 64');
  }
});

test('what NumPy writes is read: types, orders, versions', () => {
  const cases: [bytes: Uint8Array, dtype: string, shape: number[], expected: number[]][] = [
    [npy(header('<f8', '(1,)'), [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]), 'float32', [1], [1.5]],
    [npy(header('>f4', '(1,)'), [0x3f, 0xc0, 0, 0]), 'float32', [1], [1.5]],
    [npy(header('<f2', '(2,)'), [0, 0x3c, 0, 0xc0]), 'float32', [2], [1, -2]],
    [npy(header('<i8', '()'), [5, 0, 0, 0, 0, 0, 0, 0]), 'int32', [], [5]],
    [npy(header('|u1', '(2,2)'), [1, 2, 3, 4]), 'uint8', [2, 2], [1, 2, 3, 4]],
    [npy(header('|u1', '(2, 3)', 'True'), [1, 4, 2, 5, 3, 6]), 'uint8', [2, 3], [1, 2, 3, 4, 5, 6]],
    [npy(header('|b1', '(2,)'), [0, 1], 2), 'bool', [2], [0, 1]],
    [npy(header('|i1', '(1,)'), [255], 3), 'int32', [1], [-1]],
  ];
  for (const [bytes, dtype, shape, expected] of cases) {
    const found = readNpy(bytes);
    assert.deepEqual([found.dtype, [...found.shape], [...found.data]], [dtype, shape, expected]);
  }
});

describe('refused', () => {
  const cases: [what: string, bytes: Uint8Array, code: string][] = [
    ['objects', npy(header('|O', '(1,)'), [0x80, 4]), 'NPY_OBJECTS'],
    [
      'a record with objects',
      npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }"),
      'NPY_OBJECTS',
    ],
    ['a pickle', Uint8Array.of(0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x2e), 'NPY_OBJECTS'],
    ['another file', new TextEncoder().encode('PK not an array'), 'NPY'],
    ['an empty file', new Uint8Array(0), 'NPY'],
    ['version 4', npy(header('<f4', '(1,)'), [0, 0, 0, 0], 4), 'NPY'],
    ['a header beyond the end', npy(header('<f4', '(1,)')).slice(0, 40), 'NPY'],
    ['too little data', npy(header('<f4', '(2,)'), [0, 0, 0, 0]), 'NPY'],
    ['too much data', npy(header('<f4', '(1,)'), [0, 0, 0, 0, 0]), 'NPY'],
    ['a shape of 2^60', npy(header('<f4', '(1152921504606846976,)')), 'NPY'],
    ['a shape that overflows', npy(header('<f4', '(4294967296, 4294967296, 0)')), 'NPY'],
    ['a negative shape', npy(header('<f4', '(-1,)')), 'NPY'],
    ['text', npy(header('<U4', '(1,)'), new Uint8Array(16)), 'NPY'],
    ['complex numbers', npy(header('<c8', '(1,)'), new Uint8Array(8)), 'NPY'],
    [
      'a header with a call',
      npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }"),
      'NPY',
    ],
    ['a key twice', npy("{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }"), 'NPY'],
    ['a key missing', npy("{'descr': '<f4', 'shape': (1,), }"), 'NPY'],
    ['a boolean that is 2', npy(header('|b1', '(1,)'), [2]), 'NPY'],
    ['an integer beyond 32 bits', npy(header('<i8', '(1,)'), new Uint8Array(8).fill(0x7f)), 'NPY'],
  ];
  for (const [what, bytes, code] of cases)
    test(what, () => assert.throws(() => readNpy(bytes, 'test'), { name: 'TsunoError', code }));
});

describe('archives', () => {
  test('what is written is read', async () => {
    const found = await readNpz(writeNpz({ x: tensor([1, 2]), y: tensor(Uint8Array.of(3)) }));
    assert.deepEqual([...found.get('x')!.data, ...found.get('y')!.data], [1, 2, 3]);
  });

  test('compressed ones are read', async () => {
    const array = writeNpy(tensor(new Float32Array(10_000).fill(0.5)));
    const bytes = deflatedZip('x.npy', array, deflateRawSync(array));
    assert.ok((await readNpz(bytes)).get('x')!.data.every((value) => value === 0.5));
  });

  test('other members and objects are refused', async () => {
    const zip = (name: string, data: Uint8Array) => deflatedZip(name, data, deflateRawSync(data));
    await assert.rejects(readNpz(zip('x.txt', Uint8Array.of(1))), { code: 'ZIP' });
    await assert.rejects(readNpz(zip('x.npy', npy(header('|O', '(1,)'), [0x80]))), {
      code: 'NPY_OBJECTS',
    });
  });
});
