/** @file IDX files: every element type, every way to be cut, damaged or made to lie about its size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { RandomSequence } from '../../src/core/random.ts';
import { parseIdx, readIdx } from '../../src/data/idx.ts';
import { assertCheap } from '../support/cost.ts';
import { refuses } from './refusals.ts';

/** An IDX file: header, then `elements` as they are. */
function idx(type: number, shape: readonly number[], elements: Iterable<number>): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint8(2, type);
  header.setUint8(3, shape.length);
  for (const [axis, extent] of shape.entries()) header.setUint32(4 + 4 * axis, extent);
  return Uint8Array.from([...new Uint8Array(header.buffer), ...elements]);
}

/** Numbers as big-endian bytes. */
function bigEndian(
  bytes: number,
  write: (view: DataView, value: number) => void,
  values: number[],
) {
  return values.flatMap((value) => {
    const view = new DataView(new ArrayBuffer(bytes));
    write(view, value);
    return [...new Uint8Array(view.buffer)];
  });
}

const types: [name: string, type: number, dtype: string, bytes: number[], values: number[]][] = [
  ['unsigned byte', 0x08, 'uint8', [0, 7, 128, 255], [0, 7, 128, 255]],
  ['signed byte', 0x09, 'int32', [0, 127, 128, 255], [0, 127, -128, -1]],
  [
    'short',
    0x0b,
    'int32',
    bigEndian(2, (v, x) => v.setInt16(0, x), [0, 258, -32768, -1]),
    [0, 258, -32768, -1],
  ],
  [
    'int',
    0x0c,
    'int32',
    bigEndian(4, (v, x) => v.setInt32(0, x), [1, 16909060, -(2 ** 31), -1]),
    [1, 16909060, -(2 ** 31), -1],
  ],
  [
    'float',
    0x0d,
    'float32',
    bigEndian(4, (v, x) => v.setFloat32(0, x), [0, 0.5, -1e30, Infinity]),
    [0, 0.5, Math.fround(-1e30), Infinity],
  ],
  [
    'double',
    0x0e,
    'float32',
    bigEndian(8, (v, x) => v.setFloat64(0, x), [0, 0.1, -3, 1e300]),
    [0, Math.fround(0.1), -3, Infinity],
  ],
];
for (const [name, type, dtype, bytes, values] of types) {
  test(`reads elements of type ${name}, plain and gzip'd`, async () => {
    const file = idx(type, [2, 2], bytes);
    for (const form of [file, new Uint8Array(gzipSync(file))]) {
      const read = await readIdx(form);
      assert.equal(read.dtype, dtype);
      assert.deepEqual(read.shape, [2, 2]);
      assert.deepEqual(Array.from(read.data), values);
    }
  });
}

test('reads from the middle of a buffer, at an odd offset', async () => {
  const file = idx(0x0d, [1], [0x3f, 0x80, 0, 0]);
  const buffer = Buffer.concat([Buffer.from([9, 9, 9]), file, Buffer.from([9])]);
  const read = await readIdx(buffer.subarray(3, 3 + file.length));
  assert.deepEqual(read.toArray(), [1]);
});

test('unsigned bytes are a view, and a plain Uint8Array whatever came in', async () => {
  const file = Buffer.from(idx(0x08, [3], [1, 2, 3]));
  const { data } = await readIdx(file);
  assert.equal(data.buffer, file.buffer);
  assert.equal(Object.getPrototypeOf(data), Uint8Array.prototype);
});

test('an extent of zero makes an empty tensor, whatever the others', async () => {
  assert.deepEqual((await readIdx(idx(0x08, [0, 28, 28], []))).shape, [0, 28, 28]);
  const huge = 2 ** 32 - 1;
  const shape = [huge, huge, huge, huge, huge, huge, huge, 0];
  assert.deepEqual((await readIdx(idx(0x0e, shape, []))).shape, shape);
});

test('cut at every length from 0 to 64', async () => {
  const file = idx(0x08, [5, 4, 4], new Uint8Array(80));
  for (let length = 0; length <= 64; length++) {
    const needed = length < 4 ? '4 bytes' : length < 16 ? '16 bytes' : '96 bytes';
    const found = `received ${length}.`;
    await refuses(
      () => readIdx(file.slice(0, length), { name: 'cut' }),
      'IDX_TRUNCATED',
      '[cut]',
      needed,
      found,
    );
  }
});

test('cut at 200 random lengths, plain and before it was gzip’d', async () => {
  const random = new RandomSequence(1, 1);
  const file = idx(0x0c, [50, 7, 9], new Uint8Array(50 * 7 * 9 * 4));
  for (let i = 0; i < 200; i++) {
    const length = random.below(file.length);
    const cut = file.slice(0, length);
    const found = `received ${length}.`;
    await refuses(() => readIdx(cut, { name: 'cut' }), 'IDX_TRUNCATED', '[cut]', found);
    if (i % 4 > 0) continue;
    const packed = new Uint8Array(gzipSync(cut));
    await refuses(() => readIdx(packed, { name: 'cut.gz' }), 'IDX_TRUNCATED', '[cut.gz]', found);
  }
});

const magics: [name: string, bytes: number[], seen: string][] = [
  ['text', [0x3c, 0x21, 0x64, 0x6f], '3c 21 64 6f'],
  ['a zip file', [0x50, 0x4b, 3, 4], '50 4b 03 04'],
  ['first byte not zero', [1, 0, 8, 1], '01 00 08 01'],
  ['second byte not zero', [0, 1, 8, 1], '00 01 08 01'],
  ['type 0', [0, 0, 0, 3], '00 00 00 03'],
  ['type 0x0a, which is not assigned', [0, 0, 0x0a, 3], '00 00 0a 03'],
  ['type 0x0f', [0, 0, 0x0f, 3], '00 00 0f 03'],
  ['rank 0', [0, 0, 8, 0], '00 00 08 00'],
  ['rank 9', [0, 0, 8, 9], '00 00 08 09'],
  ['rank 200', [0, 0, 8, 200], '00 00 08 c8'],
];
for (const [name, bytes, seen] of magics) {
  test(`refused: ${name}`, async () => {
    const file = Uint8Array.from([...bytes, ...new Uint8Array(1000)]);
    await refuses(() => readIdx(file, { name: 'odd' }), 'IDX_FORMAT', '[odd]', `received ${seen}.`);
    const packed = new Uint8Array(gzipSync(file));
    await refuses(() => readIdx(packed, { name: 'odd' }), 'IDX_FORMAT', `received ${seen}.`);
  });
}

test('a header that promises 2³²−1 items in 1 KB is refused quickly, with little memory', async () => {
  const most = 2 ** 32 - 1;
  for (const shape of [[most], [most, most, most], new Array<number>(8).fill(most)]) {
    const file = idx(0x0e, shape, new Uint8Array(1024));
    for (const form of [file, new Uint8Array(gzipSync(file))]) {
      const refuse = async () => {
        const error = await refuses(
          () => readIdx(form, { name: 'liar', maxBytes: Number.MAX_VALUE }),
          'IDX_TRUNCATED',
          '[liar]',
        );
        assert.equal(error.found, String(file.length));
      };
      await assertCheap(refuse, { cpu: 50, memory: 10e6 });
    }
  }
});

test('bytes behind the last element are refused, or left out when allowed', async () => {
  const file = idx(0x08, [3], [1, 2, 3, 4, 5]);
  await refuses(
    () => readIdx(file, { name: 'long' }),
    'IDX_FORMAT',
    '[long]',
    'end after 11 bytes',
    '2 more',
    'allowTrailing',
  );
  const packed = new Uint8Array(gzipSync(file));
  await refuses(
    () => readIdx(packed, { name: 'long' }),
    'IDX_FORMAT',
    'end after 11 bytes',
    'at least 2 more',
  );
  for (const form of [file, packed]) {
    assert.deepEqual((await readIdx(form, { allowTrailing: true })).toArray(), [1, 2, 3]);
  }
});

test('a gzip bomb is stopped at the size its header needs', async () => {
  const inside = new Uint8Array(200e6);
  inside.set([0, 0, 8, 1, 0, 0, 0x27, 0x10]); // 10,000 items
  const bomb = new Uint8Array(gzipSync(inside, { level: 1 }));
  for (const allowTrailing of [false, true]) {
    const read = async () => {
      if (allowTrailing) {
        assert.equal((await readIdx(bomb, { allowTrailing })).length, 10_000);
        return;
      }
      await refuses(
        () => readIdx(bomb, { name: 'bomb' }),
        'IDX_FORMAT',
        '[bomb]',
        'end after 10008 bytes',
      );
    };
    await assertCheap(read, { cpu: 100, memory: 10e6 });
  }
});

test('a gzip bomb that does promise its size is stopped by maxBytes', async () => {
  const inside = new Uint8Array(5e6);
  inside.set([0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff]);
  const bomb = new Uint8Array(gzipSync(inside));
  await refuses(
    () => readIdx(bomb, { name: 'bomb', maxBytes: 1e6 }),
    'MEMORY',
    '[bomb]',
    '1000000',
    '2147483655',
  );
});

test('gzip data that are cut or damaged', async () => {
  const file = idx(
    0x08,
    [3000],
    Uint8Array.from({ length: 3000 }, (_, i) => (i * i) >> 3),
  );
  const packed = new Uint8Array(gzipSync(file));
  for (const length of [
    2,
    9,
    10,
    17,
    100,
    packed.length - 9,
    packed.length - 8,
    packed.length - 1,
  ]) {
    await refuses(
      () => readIdx(packed.slice(0, length), { name: 'cut' }),
      'IDX_FORMAT',
      '[cut]',
      'gzip',
      `${length} bytes`,
    );
  }
  const wrongSum = packed.slice();
  wrongSum[packed.length - 6]! ^= 1;
  const error = await refuses(
    () => readIdx(wrongSum, { name: 'sum' }),
    'IDX_FORMAT',
    '[sum]',
    'undamaged',
  );
  assert.ok(error.cause instanceof Error);
});

test('property: what is written is read, for every shape', () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(shapes, (shape) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const values = Uint8Array.from({ length: size }, (_, i) => i);
      const read = parseIdx(idx(0x08, shape, values));
      assert.deepEqual(read.shape, shape);
      assert.deepEqual(read.data, values);
    }),
  );
});

test('property: any bytes are read or refused with a typed error', async () => {
  const codes = ['IDX_FORMAT', 'IDX_TRUNCATED', 'MEMORY'];
  const header = fc.constantFrom([0, 0, 8, 1], [0, 0, 0x0d, 2], [0x1f, 0x8b, 8, 0], []);
  const bytes = fc.tuple(header, fc.uint8Array({ maxLength: 64 }));
  await fc.assert(
    fc.asyncProperty(bytes, async ([start, rest]) => {
      const read = await readIdx(Uint8Array.from([...start, ...rest])).catch((error) => {
        assert.ok(codes.includes(error.code), String(error));
      });
      if (read) assert.equal(read.size, read.data.length);
    }),
    { numRuns: 500 },
  );
});
