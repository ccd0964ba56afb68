/** @file Safetensors: round trips, what other writers wrote, and a code for each rule that is broken. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { ErrorCode } from '../../src/core/errors.ts';
import { type Tensor, tensor } from '../../src/core/tensor.ts';
import { readSafetensors, writeSafetensors } from '../../src/saving/safetensors.ts';
import { modelCases } from '../support/keras_cases.ts';
import { parseSafetensors } from '../support/safetensors.ts';

/** A file of any header and this much data. */
function file(header: unknown, data: Uint8Array = new Uint8Array(8), length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const body = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + body.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(body.length), true);
  bytes.set(body, 8);
  bytes.set(data, 8 + body.length);
  return bytes;
}

const two = (entry: object = {}) => ({ dtype: 'F32', shape: [2], data_offsets: [0, 8], ...entry });

test('what is written is read, by another reader too', () => {
  const tensors: Record<string, Tensor> = {
    a: tensor([
      [1, 2],
      [3, 4.5],
    ]),
    scalar: tensor(7, undefined, 'int32'),
    bytes: tensor(Uint8Array.of(1, 2, 3)),
    flags: tensor([1, 0], undefined, 'bool'),
    empty: tensor(new Float32Array(0), [0, 3]),
    'größe/"x"': tensor([5]),
  };
  const bytes = writeSafetensors(tensors, { by: 'tsuno' });
  assert.equal(bytes.length % 1, 0);
  for (const found of [readSafetensors(bytes), parseSafetensors(bytes, 'test')]) {
    assert.deepEqual([...found.keys()].sort(), Object.keys(tensors).sort());
    for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
      const { dtype: type, shape: extents, data: numbers } = found.get(name)!;
      assert.deepEqual([type, [...extents], numbers], [dtype, [...shape], data]);
    }
  }
});

test('files of the Python package are read', () => {
  for (const { file: path, x, predict } of modelCases()) {
    const found = readSafetensors(readFileSync(path.replace(/keras$/, 'safetensors')));
    assert.deepEqual(found.get('x')!.data, x.data);
    assert.deepEqual(found.get('predict')!.data, predict.data);
  }
});

test('types that tensors lack become those they have', () => {
  const cases: [dtype: string, bytes: number[], expected: number[]][] = [
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
    ['F16', [0, 0x3c, 0, 0xc0], [1, -2]],
    ['BF16', [0xc0, 0x3f, 0, 0xc0], [1.5, -2]],
    ['I64', [0xfe, 255, 255, 255, 255, 255, 255, 255], [-2]],
    ['I16', [0xfe, 255, 1, 0], [-2, 1]],
    ['I8', [0xfe, 1], [-2, 1]],
    ['U16', [0xff, 0xff], [65535]],
  ];
  for (const [dtype, bytes, expected] of cases) {
    const entry = { dtype, shape: [expected.length], data_offsets: [0, bytes.length] };
    const found = readSafetensors(file({ a: entry }, Uint8Array.from(bytes)));
    assert.deepEqual([...found.get('a')!.data], expected, dtype);
  }
});

describe('each rule has its code', () => {
  const cases: [rule: string, bytes: Uint8Array, code: ErrorCode][] = [
    ['seven bytes', new Uint8Array(7), 'SAFETENSORS_LENGTH'],
    ['a header beyond the end', file('{}', new Uint8Array(0), 100n), 'SAFETENSORS_LENGTH'],
    [
      'a header of 2^63 bytes',
      file('{}', new Uint8Array(0), 2n ** 63n),
      'SAFETENSORS_HEADER_LIMIT',
    ],
    [
      'a header of 100,000,001 bytes',
      file('{}', new Uint8Array(0), 100_000_001n),
      'SAFETENSORS_HEADER_LIMIT',
    ],
    ['a header that is not UTF-8', file('{}', Uint8Array.of(0xff), 3n), 'SAFETENSORS_HEADER'],
    ['a header that is not JSON', file('{"a": }'), 'SAFETENSORS_HEADER'],
    ['a header that begins with a space', file(' {}'), 'SAFETENSORS_HEADER_START'],
    ['a header that is a list', file('[]'), 'SAFETENSORS_HEADER_START'],
    ['a name twice', file('{"a": 1, "a": 2}'), 'SAFETENSORS_DUPLICATE'],
    ['the name __proto__', file('{"__proto__": {}}'), 'SAFETENSORS_HEADER'],
    [
      'metadata of numbers',
      file({ __metadata__: { a: 1 } }, new Uint8Array(0)),
      'SAFETENSORS_METADATA',
    ],
    [
      'metadata that is a list',
      file({ __metadata__: [] }, new Uint8Array(0)),
      'SAFETENSORS_METADATA',
    ],
    ['an entry that is a number', file({ a: 1 }), 'SAFETENSORS_ENTRY'],
    ['an entry with a key too many', file({ a: two({ extra: 1 }) }), 'SAFETENSORS_ENTRY'],
    [
      'an entry without a shape',
      file({ a: { dtype: 'F32', data_offsets: [0, 8] } }),
      'SAFETENSORS_ENTRY',
    ],
    ['an unknown type', file({ a: two({ dtype: 'F8' }) }), 'SAFETENSORS_DTYPE'],
    ['a negative extent', file({ a: two({ shape: [-2] }) }), 'SAFETENSORS_SHAPE'],
    ['half an extent', file({ a: two({ shape: [0.5] }) }), 'SAFETENSORS_SHAPE'],
    [
      'a shape that overflows',
      file({ a: two({ shape: [2 ** 40, 2 ** 40] }) }),
      'SAFETENSORS_SHAPE',
    ],
    ['one offset', file({ a: two({ data_offsets: [0] }) }), 'SAFETENSORS_OFFSETS'],
    ['offsets in reverse', file({ a: two({ data_offsets: [8, 0] }) }), 'SAFETENSORS_OFFSETS'],
    ['a shape of another size', file({ a: two({ shape: [3] }) }), 'SAFETENSORS_SIZE'],
    [
      'a hole before the first',
      file({ a: two({ data_offsets: [8, 16] }) }, new Uint8Array(16)),
      'SAFETENSORS_GAP',
    ],
    [
      'tensors that overlap',
      file({ a: two(), b: two({ data_offsets: [4, 12] }) }, new Uint8Array(12)),
      'SAFETENSORS_GAP',
    ],
    ['data that ends early', file({ a: two() }, new Uint8Array(7)), 'SAFETENSORS_LENGTH'],
    ['data after the last', file({ a: two() }, new Uint8Array(9)), 'SAFETENSORS_END'],
    [
      'an integer beyond 32 bits',
      file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, new Uint8Array(8).fill(0x7f)),
      'SAFETENSORS_DTYPE',
    ],
    [
      'a boolean that is 2',
      file({ a: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, Uint8Array.of(2)),
      'SAFETENSORS_DTYPE',
    ],
  ];
  for (const [rule, bytes, code] of cases) {
    test(`${rule}: ${code}`, () => {
      assert.throws(() => readSafetensors(bytes, 'test'), { name: 'TsunoError', code });
    });
  }

  test('no other object is touched', () => {
    assert.equal(Object.keys(Object.prototype).length, 0);
    assert.equal(({} as { dtype?: unknown }).dtype, undefined);
  });
});
