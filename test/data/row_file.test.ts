/** @file Rows of files: which bytes are read, that few are held, and that changed files are noticed. */
import assert from 'node:assert/strict';
import {
  appendFile,
  mkdtemp,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import type { ErrorCode } from '../../src/core/errors.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { tensor } from '../../src/core/tensor.ts';
import { streamIdx } from '../../src/data/idx_stream.ts';
import type { RandomBytes } from '../../src/data/open_bytes.ts';
import { randomBytes } from '../../src/data/random_bytes.ts';
import { readRows } from '../../src/data/row_file.ts';
import { writeNpy } from '../../src/saving/npy.ts';
import { streamNpy } from '../../src/saving/npy_stream.ts';
import { smallModel, stripes } from '../support/small_models.ts';

const folder = await mkdtemp(join(tmpdir(), 'tsuno-rows-'));
after(() => rm(folder, { recursive: true }));

interface Reads {
  count: number;
  bytes: number;
  largest: number;
  open: number;
}

/** A file of `size` bytes that nobody has: byte i is that of `i * 7`. */
function madeUp(size: number): { bytes: RandomBytes; reads: Reads } {
  const reads: Reads = { count: 0, bytes: 0, largest: 0, open: 0 };
  const bytes: RandomBytes = {
    name: 'made up',
    size,
    callCost: 2 ** 15,
    async open() {
      reads.open++;
      return {
        async read(into, at, length, offset) {
          reads.count++;
          reads.bytes += length;
          reads.largest = Math.max(reads.largest, length);
          for (let i = 0; i < length; i++) into[at + i] = (offset + i) * 7;
        },
        async close() {
          reads.open--;
        },
      };
    },
  };
  return { bytes, reads };
}

describe('rows of a file', () => {
  test('are those asked for, in any order, twice too', async () => {
    const numbers = fc.array(fc.nat(499), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(numbers, fc.integer({ min: 1, max: 3000 }), async (rows, rowBytes) => {
        const { bytes, reads } = madeUp(16 + 500 * rowBytes);
        const place = { bytes, start: 16, rowBytes };
        const found = await readRows(place, Uint32Array.from(rows));
        assert.equal(found.length, rows.length * rowBytes);
        rows.forEach((row, i) => {
          const at = 16 + row * rowBytes;
          assert.equal(found[i * rowBytes], (at * 7) % 256);
          assert.equal(found[(i + 1) * rowBytes - 1], ((at + rowBytes - 1) * 7) % 256);
        });
        assert.equal(reads.open, 0);
      }),
      { numRuns: 50 },
    );
  });

  test('are read together where they are near, one by one where they are not', async () => {
    const { bytes, reads } = madeUp(16 + 1e9);
    const place = { bytes, start: 16, rowBytes: 784 };
    await readRows(place, Uint32Array.of(3, 1, 2, 0, 20));
    assert.deepEqual([reads.count, reads.bytes], [1, 21 * 784]);
    await readRows(place, Uint32Array.of(900_000, 5));
    assert.deepEqual([reads.count, reads.bytes], [3, 23 * 784]);
  });

  test('of a file of 300 MB never need more than 1 MiB a call', async () => {
    const rowBytes = 784;
    const count = Math.floor(300e6 / rowBytes);
    const { bytes, reads } = madeUp(16 + count * rowBytes);
    const rows = Uint32Array.from({ length: 5000 }, (_, i) => (i * 48_271) % count);
    await readRows({ bytes, start: 16, rowBytes }, rows);
    assert.ok(reads.largest <= 2 ** 20, `${reads.largest}`);
    assert.ok(reads.bytes < 150e6, `${reads.bytes}`);
  });
});

const data = stripes(60);
const imageFile = join(folder, 'images.npy');
const labelFile = join(folder, 'labels.npy');

async function writeFiles(): Promise<void> {
  await writeFile(imageFile, writeNpy(data.images));
  await writeFile(labelFile, writeNpy(data.labels));
}

test('.npy files give what was written, from a path, a URL and a Blob', async () => {
  await writeFiles();
  const labels = new Blob([writeNpy(data.labels)]);
  for (const images of [imageFile, pathToFileURL(imageFile), new Blob([writeNpy(data.images)])]) {
    const set = await streamNpy({ images, labels });
    assert.deepEqual(set.sampleShape, [6, 6, 1]);
    const found = await set.shuffle(4).load();
    const expected = data.shuffle(4);
    assert.deepEqual(found.images, expected.images);
    assert.deepEqual(found.labels, expected.labels);
  }
  const flat = await streamNpy({ images: imageFile, labels, shape: [36] });
  assert.deepEqual((await flat.peek()).images.shape, [1, 36]);
});

/** The four bytes of a number in an IDX file. */
const be = (value: number) => [value >>> 24, value >>> 16, value >>> 8, value].map((b) => b & 255);

test('IDX files of each type', async () => {
  const labels = new Blob([new Uint8Array([0, 0, 8, 1, ...be(2), 1, 0])]);
  const shorts = new Blob([
    new Uint8Array([0, 0, 0x0b, 2, ...be(2), ...be(2), 0, 1, 0, 2, 255, 255, 1, 0]),
  ]);
  const set = await streamIdx({ images: shorts, labels, classNames: ['a', 'b'] });
  const { images } = await set.load();
  assert.equal(images.dtype, 'int32');
  assert.deepEqual(images.toArray(), [
    [1, 2],
    [-1, 256],
  ]);
  assert.deepEqual(set.classNames, ['a', 'b']);
});

const pictures = [0, 0, 8, 3, ...be(2), ...be(1), ...be(2), 1, 2, 3, 4];
const two = [0, 0, 8, 1, ...be(2), 1, 0];
const blob = (bytes: readonly number[]) => new Blob([Uint8Array.from(bytes)]);

const refused: [string, () => Promise<unknown>, ErrorCode, RegExp][] = [
  [
    'no file',
    () => streamIdx({ images: join(folder, 'none'), labels: blob(two) }),
    'FILE',
    /ENOENT/,
  ],
  ['a folder', () => streamIdx({ images: folder, labels: blob(two) }), 'FILE', /must be a file/],
  [
    'a server',
    () => streamIdx({ images: new URL('https://example.org/x'), labels: blob(two) }),
    'ARGUMENT',
    /a path or a file: URL/,
  ],
  [
    'a short file',
    () => streamIdx({ images: blob(pictures.slice(0, -1)), labels: blob(two) }),
    'IDX_TRUNCATED',
    /20 bytes.*received 19/,
  ],
  [
    'a long file',
    () => streamIdx({ images: blob([...pictures, 0]), labels: blob(two) }),
    'IDX_FORMAT',
    /must end after 20 bytes/,
  ],
  [
    'a packed file',
    () => streamIdx({ images: blob([0x1f, 0x8b, 8, 0]), labels: blob(two) }),
    'UNSUPPORTED',
    /gunzip/,
  ],
  [
    'other counts',
    () => streamIdx({ images: blob(pictures), labels: blob([0, 0, 8, 1, ...be(1), 1]) }),
    'DATA_MISMATCH',
    /2 images and 1 labels/,
  ],
  [
    'labels that are images',
    () => streamIdx({ images: blob(pictures), labels: blob(pictures) }),
    'SHAPE',
    /one-hot rows/,
  ],
  [
    'another shape',
    () => streamIdx({ images: blob(pictures), labels: blob(two), shape: [3] }),
    'SHAPE',
    /as many elements as \(1, 2, 1\)/,
  ],
  [
    'other bytes for an array',
    () => streamNpy({ images: blob(pictures), labels: blob(two) }),
    'NPY',
    /an array of NumPy/,
  ],
  [
    'an array cut short',
    () =>
      streamNpy({
        images: new Blob([writeNpy(tensor([1, 2])).subarray(0, -1)]),
        labels: blob(two),
      }),
    'NPY',
    /8 bytes/,
  ],
];

for (const [name, body, code, says] of refused) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(body, (error: TsunoError) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      return true;
    });
  });
}

describe('a file that changes during fit stops it at a batch, with file and offset', () => {
  const changes: Record<string, () => Promise<void>> = {
    shortened: () => truncate(imageFile, 3000),
    grown: () => appendFile(imageFile, 'x'),
    'written to': () => utimes(imageFile, new Date(), new Date(Date.now() - 5000)),
    replaced: async () => {
      await writeFile(`${imageFile}.new`, writeNpy(data.images));
      await rename(`${imageFile}.new`, imageFile);
    },
    'taken away': () => rm(imageFile),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(name, async () => {
      await writeFiles();
      const set = await streamNpy({ images: imageFile, labels: labelFile });
      const model = smallModel();
      const { Callback } = await import('../../src/callbacks/index.ts');
      class Changes extends Callback {
        override async onEpochEnd(epoch: number): Promise<void> {
          if (epoch === 1) await change();
        }
      }
      const options = { epochs: 5, seed: 3, verbose: 0, batchSize: 10 } as const;
      await assert.rejects(
        model.fit(set, { ...options, callbacks: [new Changes()] }),
        (error: TsunoError) => {
          assert.ok(error instanceof TsunoError);
          assert.equal(error.code, name === 'taken away' ? 'FILE' : 'DATASET_CHANGED');
          assert.match(error.message, /\[fit, batch(es)? 1/);
          assert.ok(error.message.includes(imageFile), error.message);
          return true;
        },
      );
      const other = smallModel();
      await other.fit(data, { ...options, epochs: 2 });
      assert.deepEqual(
        model.weights.map((weight) => [...weight.data]),
        other.weights.map((weight) => [...weight.data]),
      );
      model.close();
      other.close();
    });
  }
});

test('a file in Node: what lies in memory is read at once, and what waits for a disk in the background', async () => {
  await writeFiles();
  const bytes = await randomBytes(imageFile, 'test');
  const file = await bytes.open();
  const expected = await readFile(imageFile);
  const into = new Uint8Array(40);
  assert.equal(file.read(into, 10, 30, 100), undefined);
  assert.deepEqual(into.subarray(10), new Uint8Array(expected.subarray(100, 130)));
  assert.throws(() => file.read(into, 0, 40, expected.length - 20), { code: 'DATASET_CHANGED' });

  // A clock on which the next read takes a second.
  const { now } = performance;
  let time = 0;
  performance.now = () => (time += 1000);
  try {
    file.read(into, 0, 40, 0);
  } finally {
    performance.now = now;
  }
  into.fill(0);
  const later = file.read(into, 0, 30, 200);
  assert.ok(later instanceof Promise);
  await later;
  assert.deepEqual(into.subarray(0, 30), new Uint8Array(expected.subarray(200, 230)));
  await assert.rejects(async () => file.read(into, 0, 40, expected.length - 20), {
    code: 'DATASET_CHANGED',
  });
  await file.close();
  await assert.rejects(async () => file.read(into, 0, 40, 0), { code: 'FILE' });
});
