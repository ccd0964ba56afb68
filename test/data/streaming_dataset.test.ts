/** @file StreamingDataset and BatchedDataset: views, maps, caches and batches of what is read when it is wanted. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { TsunoError } from '../../src/core/errors.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { Dataset } from '../../src/data/dataset.ts';
import type { StreamingDataset } from '../../src/data/streaming_dataset.ts';

/** Images that hold their number, labels ten times that; `reads` gets the numbers of each read. */
function numbered(length: number, reads: number[][] = []): StreamingDataset<'float32', 'int32'> {
  return Dataset.fromSource({
    length,
    image: { dtype: 'float32', shape: [1, 2] },
    label: { dtype: 'int32', shape: [] },
    classNames: ['a'],
    async read(rows) {
      reads.push([...rows]);
      return {
        images: new Tensor(
          'float32',
          [rows.length, 1, 2],
          Float32Array.from([...rows].flatMap((row) => [row, row])),
        ),
        labels: tensor(Int32Array.from(rows, (row) => 10 * row)),
      };
    },
  });
}

/** The same in memory. */
function inMemory(length: number): Dataset<'float32', 'int32'> {
  return Dataset.from({
    images: new Tensor(
      'float32',
      [length, 1, 2],
      Float32Array.from({ length: 2 * length }, (_, i) => Math.floor(i / 2)),
    ),
    labels: tensor(Int32Array.from({ length }, (_, i) => 10 * i)),
    classNames: ['a'],
  });
}

async function numbersOf(set: StreamingDataset): Promise<number[]> {
  const { images, labels } = await set.load();
  return Array.from(labels.data, (label, i) => {
    assert.equal(label, 10 * images.at(i, 0, 1));
    return images.at(i, 0, 0);
  });
}

test('views are those of a set in memory', async () => {
  const views: ((set: StreamingDataset<'float32', 'int32'>) => StreamingDataset)[] = [
    (set) => set.take(4),
    (set) => set.skip(4),
    (set) => set.slice(-3, -1),
    (set) => set.slice(2).shuffle(9),
    (set) => set.split(0.3)[1],
    (set) => set.take(3).concatenate(set.skip(7)).shuffle(1),
  ];
  for (const view of views) {
    const memory = inMemory(10);
    // The method names are the same.
    const expected = view(
      memory as unknown as StreamingDataset<'float32', 'int32'>,
    ) as unknown as Dataset;
    const found = view(numbered(10));
    assert.deepEqual(
      await numbersOf(found),
      Array.from(expected.labels.data, (label) => label / 10),
      String(view),
    );
    assert.equal(found.length, expected.length);
    assert.deepEqual(found.classNames, ['a']);
    assert.deepEqual(found.sampleShape, [1, 2]);
  }
});

test('nothing is read before it is wanted, and skipped samples never', async () => {
  const reads: number[][] = [];
  const set = numbered(1000, reads)
    .skip(10)
    .shuffle(3)
    .take(900)
    .map(({ image }) => ({ image }))
    .cache();
  assert.deepEqual(reads, []);
  const sequence = numbered(1000, reads).skip(500).batch(10).skip(3);
  for await (const { labels } of sequence) {
    assert.equal(labels.at(0), 5300);
    break;
  }
  assert.deepEqual(reads, [Array.from({ length: 10 }, (_, i) => 530 + i)]);
  assert.equal(set.length, 900);
});

describe('map', () => {
  test('changes types and shapes, asynchronously too, and knows the number', async () => {
    const set = numbered(5).map(async ({ image, label }, number) => {
      await Promise.resolve();
      return {
        image: tensor(Uint8Array.of(image.data[0]!, number, 7)),
        label: tensor(Float32Array.of(label.data[0]! / 10), []),
      };
    });
    assert.throws(() => set.sampleShape, /Await set.peek\(\) before/);
    const typed: StreamingDataset<'uint8', 'float32'> = set.skip(2);
    const { images, labels } = await typed.load();
    assert.deepEqual(images.toArray(), [
      [2, 2, 7],
      [3, 3, 7],
      [4, 4, 7],
    ]);
    assert.deepEqual(labels.toArray(), [2, 3, 4]);
    assert.deepEqual(set.sampleShape, [3]);
  });

  test('names the sample that throws, or has another shape, or is none', async () => {
    const boom = new Error('boom');
    const throwing = numbered(9).map(({ image }, number) => {
      if (number === 7) throw boom;
      return { image };
    });
    await assert.rejects(throwing.load(), (error: TsunoError) => {
      assert.equal(error.code, 'USER_CODE');
      assert.match(error.message, /\[map, sample 7\].*Error: boom/);
      assert.equal(error.cause, boom);
      return true;
    });
    const ragged = numbered(9).map((_, number) => ({
      image: new Tensor('float32', [1 + (number > 3 ? 1 : 0)]),
    }));
    await assert.rejects(
      ragged.load(),
      /\[map, sample 4\] image must be float32 of shape \(1,\), received float32 of shape \(2,\)/,
    );
    const none = numbered(9).map(() => 5 as unknown as { image: Tensor<'float32'> });
    await assert.rejects(none.load(), /\[map, sample 0\] the result must be/);
  });
});

test('cache reads each sample once, also where two ask at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(19), { maxLength: 12 }), { maxLength: 8 }),
      async (asked) => {
        const reads: number[][] = [];
        const { source } = numbered(20, reads).cache();
        const found = await Promise.all(asked.map((rows) => source.read(Uint32Array.from(rows))));
        found.forEach(({ labels }, i) => {
          assert.deepEqual(
            [...labels.data],
            asked[i]!.map((row) => 10 * row),
          );
        });
        const all = reads.flat();
        assert.equal(new Set(all).size, all.length);
      },
    ),
    { numRuns: 60 },
  );
});

describe('batch', () => {
  test('is every sample in order, the last batch smaller or left out', async () => {
    for (const set of [numbered(10), inMemory(10)]) {
      const sizes = async (dropRemainder: boolean) =>
        (await set.batch(4, { dropRemainder }).toArray()).map(({ labels }) => labels.length);
      assert.deepEqual(await sizes(false), [4, 4, 2]);
      assert.deepEqual(await sizes(true), [4, 4]);
      assert.equal(set.batch(4).length, 3);
      const taken = await set
        .batch(4)
        .skip(1)
        .take(1)
        .map(({ images, labels }) => ({ images, labels }))
        .toArray();
      assert.deepEqual(taken[0]?.labels.toArray(), [40, 50, 60, 70]);
    }
  });

  test('of a set in memory is views', async () => {
    const set = inMemory(6);
    const [, second] = await set.cache().prefetch(3).batch(2).toArray();
    assert.equal(second?.images.data.buffer, set.images.data.buffer);
  });

  test('reads ahead as far as it is told, and no further', async () => {
    const reads: number[][] = [];
    const batches = numbered(100, reads).prefetch(2).batch(10)[Symbol.asyncIterator]();
    await batches.next();
    assert.equal(reads.length, 3);
    await batches.next();
    assert.equal(reads.length, 4);
    await batches.return();
    assert.equal(reads.length, 4);
  });

  test('throws what reading or mapping threw, in its turn', async () => {
    const failing = numbered(10)
      .batch(2)
      .map((batch, number) => {
        if (number === 2) throw new Error('boom');
        return batch;
      });
    let seen = 0;
    await assert.rejects(async () => {
      for await (const _ of failing.prefetch(4)) seen++;
    }, /\[map, batch 3\].*boom/);
    assert.equal(seen, 2);
  });

  test('refuses sizes that are none', () => {
    for (const size of [0, -1, 1.5])
      assert.throws(() => numbered(3).batch(size), /batchSize must be a positive integer/);
  });
});

test('sets that do not go together are refused', async () => {
  assert.throws(
    () => Dataset.fromSource({ ...numbered(1).source, length: 0 }),
    /the source must have one sample at least/,
  );
  const other = numbered(3).map(() => ({ image: new Tensor('float32', [5]) }));
  await assert.rejects(
    numbered(3).concatenate(other).load(),
    /images of the second set must be float32 of shape \(1, 2\)/,
  );
  for (const wrong of [-1, 1.5]) {
    assert.throws(() => numbered(3).take(wrong), /count must be a whole number/);
    assert.throws(() => numbered(3).skip(wrong), /count must be a whole number/);
  }
  assert.throws(() => numbered(3).shuffle(0.5), /seed must be a whole number/);
  assert.throws(() => numbered(3).split(1), /between 0 and 1/);
});
