/** @file The tests' reader of safetensors files: what it returns, and that it refuses everything out of form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TsunoError } from '../../src/core/errors.ts';
import { parseSafetensors } from './safetensors.ts';

/** A file of this header and `data` bytes; `length` overrides the header's stated length. */
function fileOf(header: unknown, data: ArrayLike<number> = [], length?: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: unknown, ...data_offsets: number[]) => ({
  dtype,
  shape,
  data_offsets,
});

test('reads each type, in the order of the bytes, whatever the alignment', () => {
  const floats = new Uint8Array(Float32Array.of(1.5, -2).buffer);
  const integers = new Uint8Array(Int32Array.of(-7).buffer);
  const header = {
    __metadata__: { format: 'np' },
    x: entry('F32', [1, 2], 2, 10),
    flags: entry('BOOL', [1], 0, 1),
    bytes: entry('U8', [1], 1, 2),
    count: entry('I32', [], 10, 14),
    none: entry('F32', [0, 3], 14, 14),
  };
  const tensors = parseSafetensors(fileOf(header, [1, 200, ...floats, ...integers]), 'a file');
  assert.deepEqual([...tensors.keys()], ['flags', 'bytes', 'x', 'count', 'none']);
  assert.deepEqual(tensors.get('x')!.toArray(), [[1.5, -2]]);
  assert.equal(tensors.get('x')!.dtype, 'float32');
  assert.equal(tensors.get('count')!.toArray(), -7);
  assert.equal(tensors.get('flags')!.dtype, 'bool');
  assert.deepEqual(tensors.get('bytes')!.toArray(), [200]);
  assert.deepEqual(tensors.get('none')!.shape, [0, 3]);
});

const four = [0, 0, 0, 0];
const outOfForm: [string, Uint8Array, RegExp][] = [
  ['too short', Uint8Array.of(1, 0, 0), /file must be at least 8 bytes long, received 3 bytes/],
  ['header past the end', fileOf({}, [], 3), /length of the header must be at most 2, received 3/],
  ['header not an object', fileOf([1]), /header must be a JSON object, received \[1\]/],
  [
    'unknown type',
    fileOf({ a: entry('F64', [1], 0, 8) }, [...four, ...four]),
    /type of "a" .*"F64"/,
  ],
  ['entry not an object', fileOf({ a: 3 }), /type of "a" .*undefined/],
  ['negative extent', fileOf({ a: entry('F32', [-1], 0, 4) }, four), /shape of "a" .*\[-1\]/],
  ['one offset', fileOf({ a: entry('F32', [1], 0) }, four), /offsets of "a" .*\[0\]/],
  ['size and shape disagree', fileOf({ a: entry('F32', [2], 0, 4) }, four), /must be 8 bytes/],
  ['bytes left over', fileOf({ a: entry('F32', [1], 0, 4) }, [...four, 0]), /data must be 4 bytes/],
  ['bytes missing', fileOf({ a: entry('F32', [1], 0, 4) }, [0, 0]), /data must be 4 bytes/],
  ['a gap', fileOf({ a: entry('F32', [1], 1, 5) }, [...four, 0]), /offset of "a" must be 0/],
  [
    'overlap',
    fileOf({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 2, 6) }, [...four, 0, 0]),
    /offset of "b" must be 4, received 2/,
  ],
];

for (const [name, bytes, message] of outOfForm) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => parseSafetensors(bytes, 'a file'),
      (error) =>
        error instanceof TsunoError && error.code === 'FILE' && message.test(error.message),
    );
  });
}
