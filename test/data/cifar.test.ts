/** @file CIFAR-10 and CIFAR-100 from files in their layout, and what is said where they are missing or others. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { datasets } from '../../src/data/index.ts';
import { refuses } from './refusals.ts';

let root: string;
before(() => {
  root = mkdtempSync(join(tmpdir(), 'tsuno-cifar-'));
});
after(() => rmSync(root, { recursive: true }));

const plane = 1024;

/** Records whose red is the number of the image, green 1 and blue the place in the plane, all by their low bits. */
function records(count: number, labels: (i: number) => number[]): Uint8Array {
  const width = labels(0).length + 3 * plane;
  const bytes = new Uint8Array(count * width);
  for (let i = 0; i < count; i++) {
    const given = labels(i);
    bytes.set(given, i * width);
    const at = i * width + given.length;
    bytes.fill(i, at, at + plane);
    bytes.fill(1, at + plane, at + 2 * plane);
    for (let j = 0; j < plane; j++) bytes[at + 2 * plane + j] = j;
  }
  return bytes;
}

function folder(name: string, files: Readonly<Record<string, Uint8Array | string>>): string {
  const place = join(root, name);
  mkdirSync(place);
  for (const [file, contents] of Object.entries(files)) writeFileSync(join(place, file), contents);
  return place;
}

describe('cifar10', () => {
  test('is read pixel by pixel, with its classes', async () => {
    const from = folder('ten', { 'test_batch.bin': records(10_000, (i) => [i % 10]) });
    const { test: loaded } = await datasets.cifar10.load({ from, only: 'test' });
    assert.deepEqual(loaded.images.shape, [10_000, 32, 32, 3]);
    assert.deepEqual([loaded.images.dtype, loaded.labels.dtype], ['uint8', 'uint8']);
    assert.deepEqual(loaded.labels.slice(8, 12).toArray(), [8, 9, 0, 1]);
    const pixel = (...at: number[]) => [0, 1, 2].map((channel) => loaded.images.at(...at, channel));
    assert.deepEqual(pixel(7, 0, 3), [7, 1, 3]);
    assert.deepEqual(pixel(300, 5, 1), [44, 1, 161]);
    assert.equal(loaded.classNames?.[9], 'truck');
  });

  test('joins its five files', async () => {
    const files = Object.fromEntries(
      [1, 2, 3, 4, 5].map((n) => [`data_batch_${n}.bin`, records(2, () => [n])]),
    );
    const from = folder('five', files);
    const { train } = await datasets.cifar10.load({ from, only: 'train', verify: false });
    assert.deepEqual(train.labels.toArray(), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  });

  test('where it is missing, the way to get it is told', async () => {
    const none = undefined as unknown as { from: string };
    const texts = [
      'https://www.cs.toronto.edu/~kriz/cifar.html',
      'cifar-10-binary.tar.gz',
      'tar -xzf',
    ];
    await refuses(() => datasets.cifar10.load(none), 'ARGUMENT', 'data_batch_1.bin', ...texts);
    const from = folder('empty', {});
    await refuses(() => datasets.cifar10.load({ from }), 'FILE', 'data_batch_1.bin', ...texts);
    await refuses(() => datasets.cifar10.load({ from: join(root, 'no') }), 'FILE', 'ENOENT');
  });

  test('other files are refused', async () => {
    const load = (name: string, bytes: Uint8Array, verify = true) => {
      const from = folder(name, { 'test_batch.bin': bytes });
      return datasets.cifar10.load({ from, only: 'test', verify });
    };
    const few = records(10, (i) => [i % 10]);
    await refuses(() => load('few', few), 'FILE', '30730000 bytes', '30730', 'verify: false');
    assert.equal((await load('own', few, false)).test.length, 10);
    await refuses(() => load('cut', few.subarray(1), false), 'FILE', '3073');
    const odd = records(10, (i) => [i + 1]);
    await refuses(() => load('odd', odd, false), 'LABEL_RANGE', 'image 9', '10');
    const uneven = records(10_000, (i) => [i % 9]);
    await refuses(() => load('uneven', uneven), 'CHECKSUM', 'class 0', '1000', '1112');
    const only = 'validation' as 'test';
    await refuses(() => datasets.cifar10.load({ from: root, only }), 'ARGUMENT', '"validation"');
  });
});

describe('cifar100', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `name${i}\n`).join('');

  test('has fine and coarse labels', async () => {
    const from = folder('hundred', {
      'test.bin': records(100, (i) => [i % 20, i]),
      'train.bin': records(1, () => [0, 0]),
      'fine_label_names.txt': names(100),
      'coarse_label_names.txt': names(20),
    });
    const options = { from, verify: false } as const;
    const fine = await datasets.cifar100.load(options);
    assert.deepEqual(fine.test.labels.slice(98).toArray(), [98, 99]);
    assert.equal(fine.test.classNames?.length, 100);
    assert.equal(fine.test.images.at(98, 0, 2, 2), 2);
    const coarse = await datasets.cifar100.load({ ...options, labelMode: 'coarse' });
    assert.deepEqual(coarse.test.labels.slice(98).toArray(), [18, 19]);
    assert.equal(coarse.train.classNames?.[19], 'name19');
  });

  test('refuses what is not its own', async () => {
    const from = folder('names', { 'fine_label_names.txt': names(99) });
    await refuses(() => datasets.cifar100.load({ from }), 'FILE', '100 lines', '99');
    const labelMode = 'medium' as 'fine';
    await refuses(() => datasets.cifar100.load({ from, labelMode }), 'ARGUMENT', '"medium"');
  });
});
