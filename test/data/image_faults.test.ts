/** @file Folders and image files that are not as they should be: what is refused, when, and what the message says. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, mock, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { Tensor } from '../../src/core/tensor.ts';
import { UnreadableImages } from '../../src/data/image_check.ts';
import { imageDatasetFromDirectory } from '../../src/data/image_dataset.ts';
import type { ImageDatasetOptions } from '../../src/data/image_dataset_options.ts';
import { decodeImage, inspectImage } from '../../src/data/image_decode.ts';
import { encodeImage, loadImage } from '../../src/data/load_image.ts';
import { assertCheap } from '../support/cost.ts';
import { fixture, imageFixtures, singleFiles } from './image_fixtures.ts';
import { refuses } from './refusals.ts';

let root: string;
let warnings: string[] = [];

before(() => {
  root = mkdtempSync(join(tmpdir(), 'tsuno-faults-'));
  mock.method(console, 'warn', (text: string) => warnings.push(text));
});
after(() => {
  mock.restoreAll();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  warnings = [];
});

let folders = 0;

/** A folder with these files; `null`: a folder in it. */
function folder(files: Readonly<Record<string, Uint8Array | string | null>>): string {
  const place = join(root, String(folders++));
  mkdirSync(place);
  for (const [path, contents] of Object.entries(files)) {
    const full = join(place, path);
    mkdirSync(contents === null ? full : dirname(full), { recursive: true });
    if (contents !== null) writeFileSync(full, contents);
  }
  return place;
}

/** A small image, another one for each number. */
function png(number: number): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: 12 }, (_, i) => (number * 31 + i * 17) % 256);
  return encodeImage(new Tensor('uint8', [2, 2, 3], data), 'png');
}

type Single = ImageDatasetOptions & { subset?: undefined };

function open(place: string, options: Single = {}) {
  return imageDatasetFromDirectory(place, { imageSize: 4, verbose: false, ...options });
}

function chunk(type: string, data: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc(body));
  return Buffer.concat([head, body, sum]);
}

/** `crc32` of node:zlib is young; the fixture's own checksums show that this is the same. */
function crc(bytes: Uint8Array): number {
  if (typeof crc32 === 'function') return crc32(bytes);
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function header(width: number, height: number, depth = 8, colour = 2): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data[8] = depth;
  data[9] = colour;
  return chunk('IHDR', data);
}

/** A black PNG. */
function blackPng(width: number, height: number): Buffer {
  const rows = deflateSync(Buffer.alloc(height * (1 + 3 * width)), { level: 1 });
  return Buffer.concat([signature, header(width, height), chunk('IDAT', rows), chunk('IEND')]);
}

describe('the folder', () => {
  test('that is missing, or a file, is named with the code of the system', async () => {
    await refuses(() => open(join(root, 'nowhere')), 'FILE', 'nowhere', 'ENOENT');
    const place = folder({ 'a.txt': 'text' });
    await refuses(() => open(join(place, 'a.txt')), 'FILE', 'a.txt', 'a folder', 'ENOTDIR');
  });

  test('that may not be read, and a class that may not', { skip: noOtherUser() }, async () => {
    const place = folder({ 'cats/a.png': await png(1) });
    chmodSync(root, 0o755);
    for (const [closed, named] of [
      [place, place],
      [join(place, 'cats'), join(place, 'cats')],
    ] as const) {
      chmodSync(closed, 0o000);
      try {
        await asNobody(() => refuses(() => open(place), 'FILE', named, 'EACCES'));
      } finally {
        chmodSync(closed, 0o755);
      }
    }
  });

  test('without images, without classes, with one class', async () => {
    await refuses(() => open(folder({})), 'DATA_EMPTY', 'a folder for each class');
    await refuses(() => open(folder({ cats: null })), 'DATA_EMPTY', 'one image at least');
    const flat = folder({ 'a.png': await png(1) });
    await refuses(() => open(flat), 'DATA_EMPTY', 'Pass labels: null');
    assert.equal((await open(flat, { labels: null })).length, 1);
    await refuses(
      () => open(folder({ 'a.txt': 'x' }), { labels: null }),
      'DATA_EMPTY',
      'one image',
    );
    assert.deepEqual(warnings, []);
    const set = await open(folder({ 'cats/a.png': await png(1) }));
    assert.deepEqual(set.classNames, ['cats']);
    assert.match(warnings.join(), /one class only, "cats"/);
  });

  test('with an empty class', async () => {
    const place = folder({ 'ants/a.png': await png(1), bees: null, 'cats/c.png': await png(2) });
    await refuses(() => open(place), 'DATA_EMPTY', '"bees"', 'allowEmpty');
    const set = await open(place, { allowEmpty: true, shuffle: false });
    assert.deepEqual(set.classNames, ['ants', 'bees', 'cats']);
    assert.deepEqual((await set.load()).labels.toArray(), [0, 2]);
    assert.equal((await open(place, { classNames: ['cats', 'ants'] })).length, 2);
  });

  test('options that are impossible', async () => {
    const place = folder({ 'a/a.png': await png(1), 'b/b.png': await png(2) });
    const wrong = (options: object, ...texts: string[]) =>
      refuses(() => open(place, options as Single), 'ARGUMENT', ...texts);
    await wrong({ imageSize: [0, 3] }, 'imageSize', '[0, 3]');
    await wrong({ imageSize: [1.5, 3] }, 'imageSize');
    await wrong({ colorMode: 'cmyk' }, 'colorMode', '"cmyk"');
    await wrong({ interpolation: 'best' }, 'interpolation', '"best"');
    await wrong({ labelMode: 'float' }, 'labelMode');
    await wrong({ seed: -1 }, 'seed', '-1');
    await wrong({ validationSplit: 1, subset: 'both', seed: 1 }, 'validationSplit');
    await wrong({ validationSplit: 0.5, seed: 1 }, 'subset');
    await wrong({ subset: 'both', seed: 1 }, 'validationSplit');
    await wrong({ validationSplit: 0.5, subset: 'both' }, 'seed', 'shuffle: false');
    await wrong({ validationSplit: 0.1, subset: 'both', seed: 1 }, 'both parts of 2');
    await wrong({ cropToAspectRatio: true, padToAspectRatio: true }, 'padToAspectRatio');
    await wrong({ classNames: ['a', 'z'] }, 'classNames', '"z"');
    await wrong({ classNames: ['a', 'a'] }, 'classNames', 'once');
    await wrong({ classNames: ['a'], labels: [0, 1] }, 'classNames');
    await wrong({ classNames: ['a'], labelMode: 'binary' }, 'labelMode', '2 classes');
    await wrong({ unreadable: 'skip', check: 'none' }, 'check');
    await refuses(() => open(place, { labels: [0] }), 'DATA_MISMATCH', '2 files', '1');
    await refuses(() => open(place, { labels: [0, 1.5] }), 'LABEL_RANGE', 'file 1', '1.5');
  });
});

describe('files that are no images', () => {
  test('all of them are named before anything is trained, the first twenty in the message', async () => {
    const files: Record<string, Uint8Array | string> = {};
    for (let i = 0; i < 60; i++)
      files[`${'ab'[i % 2]}/${100 + i}.jpg`] = i < 25 ? 'no' : await png(i);
    const place = folder(files);
    const error = await refuses(() => open(place), 'IMAGE', '25 of 60 files', 'and 5 more', 'text');
    assert.ok(error instanceof UnreadableImages);
    assert.equal(error.files.length, 25);
    assert.equal(error.message.match(/received text/g)?.length, 20);
    assert.equal(error.files[0]!.name, join(place, 'a/100.jpg'));
  });

  test('are left out on demand, counted, and every run has the same bits', async () => {
    const files: Record<string, Uint8Array> = {};
    for (let i = 0; i < 20; i++) files[`${'ab'[i % 2]}/${100 + i}.png`] = await png(i);
    const cut = files['a/104.png']!.subarray(0, 50);
    const place = folder({ ...files, 'a/104.png': cut });
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const set = await open(place, { unreadable: 'skip', seed: 3 });
      assert.deepEqual(
        set.skipped.map(({ name }) => name),
        [join(place, 'a/104.png')],
      );
      runs.push({ files: set.filePaths, ...(await set.load()) });
    }
    assert.equal(runs[0]!.images.length, 19);
    assert.deepEqual(runs[0], runs[1]);
    assert.match(warnings[0]!, /1 of 20 files are left out:\n.*104\.png/);
  });

  test('where all are, nothing runs', async () => {
    const place = folder({ 'a/1.png': 'x', 'b/2.png': 'y' });
    for (const unreadable of ['error', 'skip'] as const)
      await refuses(() => open(place, { unreadable }), 'IMAGE', 'all 2 files');
  });

  test('where all of one class are, the class is named', async () => {
    const place = folder({ 'a/1.png': await png(1), 'b/2.png': 'y' });
    await refuses(() => open(place, { unreadable: 'skip' }), 'DATA_EMPTY', '"b"');
  });

  test('come to light when read, where nothing was checked', async () => {
    const place = folder({ 'a/1.png': await png(1), 'b/2.png': 'y' });
    const set = await open(place, { check: 'none', shuffle: false });
    assert.equal((await set.take(1).load()).images.length, 1);
    await refuses(() => set.load(), 'IMAGE', '2.png', 'text');
  });

  test('a damaged image is found by decoding, a cut one by its structure', async () => {
    const whole = fixture('single/half.jpg');
    const bent = whole.slice();
    bent.fill(0x55, bent.length - 300, bent.length - 100);
    const damaged = folder({ 'a/1.jpg': bent, 'b/2.jpg': whole });
    await refuses(() => open(damaged), 'IMAGE', '1.jpg');
    assert.equal((await open(damaged, { check: 'structure' })).length, 2);
    const cut = folder({ 'a/1.jpg': whole.subarray(0, whole.length - 2), 'b/2.jpg': whole });
    await refuses(() => open(cut, { check: 'structure' }), 'IMAGE', '1.jpg', 'EOI');
  });

  for (const [name, contents, found] of [
    ['text', 'hello', 'text'],
    ['HTML', '<!DOCTYPE html><html><body>Not found</body></html>', 'an HTML page'],
    ['nothing', '', 'an empty file'],
    ['BMP', fixture('refused/bmp_inside.jpg'), 'a BMP image'],
    ['GIF', fixture('refused/animated.gif'), 'a GIF image'],
    ['animated WebP', fixture('refused/animated.webp'), 'an animation'],
    ['CMYK', fixture('refused/cmyk.jpg'), 'CMYK'],
    ['TIFF', 'II*\0and more', 'a TIFF image'],
    ['Git LFS', 'version https://git-lfs.github.com/spec/v1\n', 'a pointer of Git LFS'],
    ['bytes', Uint8Array.of(1, 2, 3, 4, 5), 'begins with 01 02 03 04'],
  ] as const) {
    test(`${name} named .jpg is refused by what it is`, async () => {
      const bytes = typeof contents === 'string' ? Buffer.from(contents, 'latin1') : contents;
      await refuses(() => loadImage(new Uint8Array(bytes)), 'IMAGE', found);
    });
  }

  test('a PNG named .jpg is read', async () => {
    assert.deepEqual((await loadImage(fixture('single/png_inside.jpg'))).shape, [5, 6, 3]);
  });
});

describe('cut and hostile files', () => {
  for (const file of ['rgb.png', 'half.jpg', 'progressive.jpg', 'lossy.webp', 'lossless.webp']) {
    test(`${file} cut anywhere is refused`, async () => {
      const whole = fixture(`single/${file}`);
      for (let length = 0; length < whole.length; length += 1 + (length >> 4))
        await refuses(() => decodeImage(whole.subarray(0, length), file), 'IMAGE');
    });
  }

  test('mutations are decoded or refused, nothing else', async () => {
    let state = 7;
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    let refused = 0;
    for (const file of singleFiles) {
      for (let round = 0; round < 20; round++) {
        const bytes = fixture(`single/${file}`);
        for (let i = 0; i <= round % 4; i++) bytes[random(bytes.length)] = random(256);
        try {
          const pixels = await decodeImage(bytes, file);
          assert.equal(pixels.data.length, pixels.width * pixels.height * pixels.channels);
        } catch (error) {
          refused++;
          assert.ok((error as { code?: string }).code?.startsWith('IMAGE'), String(error));
        }
      }
    }
    assert.ok(refused > 100, String(refused));
  });

  test('an image after a refused one has the same pixels', async () => {
    const good = fixture('single/half.jpg');
    const first = await decodeImage(good, 'good');
    const bad = good.slice();
    bad.fill(0x55, bad.length - 300, bad.length - 100);
    await refuses(() => decodeImage(bad, 'bad'), 'IMAGE', 'bad');
    assert.deepEqual(await decodeImage(good, 'good'), first);
  });

  test('a PNG of 100,000 × 100,000 is refused from its header', async () => {
    const bytes = Buffer.concat([
      signature,
      header(100_000, 100_000),
      chunk('IDAT'),
      chunk('IEND'),
    ]);
    const load = () => loadImage(new Uint8Array(bytes));
    await assertCheap(() => refuses(load, 'IMAGE_LIMIT', '100000 × 100000', '64'), {
      memory: 20e6,
    });
  });

  test('a PNG that inflates without end gives no more than its header says', async () => {
    const bomb = deflateSync(Buffer.alloc(200e6), { level: 9 });
    const bytes = Buffer.concat([signature, header(2, 2), chunk('IDAT', bomb), chunk('IEND')]);
    const decode = async () =>
      assert.deepEqual((await decodeImage(bytes, 'bomb')).data, new Uint8Array(12));
    await assertCheap(decode, { cpu: 2000, memory: 50e6 });
  });

  test('a PNG with chunks without end or length is refused soon', async () => {
    const empty = chunk('teSt');
    const chunks = Buffer.alloc(empty.length * 1_000_000, empty);
    const bytes = new Uint8Array(Buffer.concat([signature, header(2, 2), chunks]));
    const inspect = () => refuses(() => inspectImage(bytes, 'a.png'), 'IMAGE', 'chunks');
    await assertCheap(inspect, { cpu: 2000 });
  });

  test('a JPEG with 1,000 scans is refused soon', async () => {
    const whole = fixture('single/progressive.jpg');
    const scan = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0x12]);
    const body = Buffer.from(whole.subarray(0, whole.length - 2));
    const bytes = Buffer.concat([
      body,
      Buffer.alloc(scan.length * 1000, scan),
      Buffer.from([0xff, 0xd9]),
    ]);
    const load = () => refuses(() => loadImage(new Uint8Array(bytes)), 'IMAGE_LIMIT', 'scans');
    await assertCheap(load, { cpu: 2000 });
  });

  test('a segment without length is refused', async () => {
    const bytes = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9);
    await refuses(() => loadImage(bytes), 'IMAGE', 'segment');
  });

  test('a changed checksum is refused', async () => {
    const bytes = fixture('single/rgb.png');
    bytes[60]! ^= 1;
    await refuses(() => loadImage(bytes), 'IMAGE', 'IDAT', 'checksum');
  });

  test('large images leave the event loop free', async () => {
    const large = new Uint8Array(blackPng(3000, 2500));
    await loadImage(large); // threads come up
    let best = Number.POSITIVE_INFINITY;
    // the machine may be busy with something else: one of ten must do
    for (let attempt = 0; attempt < 10 && best > 50; attempt++) {
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 2);
      await loadImage(large);
      clearInterval(timer);
      best = Math.min(best, longest);
    }
    assert.ok(best <= 50, `${best} ms`);
  });
});

describe('names and links', () => {
  test('of all kinds keep their class, and are printed escaped', async () => {
    const names = [
      '\u00e9.png', // one letter
      'e\u0301.png', // a letter and its accent
      'two words.png',
      '🦊.png',
      'line\nend.png',
      '<img onerror=alert(1)>.png',
      'red\u001b[31m.png',
      `${'x'.repeat(251)}.png`,
    ];
    const files: Record<string, Uint8Array | string> = { 'b/0.png': await png(99) };
    for (const [i, name] of names.entries()) files[`ä\u001b[2J/${name}`] = await png(i);
    const set = await open(folder(files), { shuffle: false });
    assert.deepEqual(set.classNames, ['b', 'ä\u001b[2J']);
    assert.deepEqual((await set.load()).labels.toArray(), [0, 1, 1, 1, 1, 1, 1, 1, 1]);
    for (const name of Object.keys(files)) files[name] = 'no';
    const error = await refuses(() => open(folder(files)), 'IMAGE', '\\u001b[31m', 'line\\nend');
    assert.ok(!error.message.includes('\u001b'));
    assert.equal(error.message.split('\n').length, 3 + names.length);
  });

  test('links that stay are followed, in circles not', async () => {
    const place = folder({ 'a/1.png': await png(1), 'b/2.png': await png(2), 'a/in': null });
    symlinkSync('../b/2.png', join(place, 'a/link.png'));
    symlinkSync('..', join(place, 'a/in/loop'));
    symlinkSync('self.png', join(place, 'b/self.png'));
    await refuses(() => open(place), 'IMAGE', 'self.png', 'ELOOP');
    rmSync(join(place, 'b/self.png'));
    for (const followLinks of [false, true]) {
      const set = await open(place, { shuffle: false, followLinks });
      assert.deepEqual(
        set.filePaths.map((path) => path.slice(place.length + 1)),
        ['a/1.png', 'a/link.png', 'b/2.png'],
      );
    }
  });

  test('links that leave the folder are refused, unless they are to be followed', async () => {
    const other = folder({ 'c/3.png': await png(3) });
    const place = folder({ 'a/1.png': await png(1), 'b/2.png': await png(2) });
    symlinkSync(join(other, 'c/3.png'), join(place, 'a/out.png'));
    await refuses(() => open(place), 'IMAGE', 'out.png', 'a link to', 'followLinks');
    rmSync(join(place, 'a/out.png'));
    symlinkSync(join(other, 'c'), join(place, 'c'));
    await refuses(() => open(place), 'FILE', 'followLinks');
    const set = await open(place, { followLinks: true });
    assert.deepEqual(set.classNames, ['a', 'b', 'c']);
    assert.equal((await set.load()).images.length, 3);
  });

  test('a pipe is refused without waiting for it', async () => {
    const place = folder({ 'a/1.png': await png(1), 'b/2.png': await png(2) });
    execFileSync('mkfifo', [join(place, 'a/pipe.png')]);
    for (const check of ['decode', 'structure'] as const)
      await refuses(() => open(place, { check }), 'IMAGE', 'pipe.png', 'a pipe');
  });

  test('what systems leave behind is passed over', async () => {
    const image = await png(1);
    const place = folder({
      'a/1.png': image,
      'a/.DS_Store': 'x',
      'a/Thumbs.db': 'x',
      'a/._1.png': 'x',
      'a/.ipynb_checkpoints/1.png': image,
      '.git/a.png': image,
      'a/notes.txt': 'x',
      'b/2.png': await png(2),
    });
    const set = await open(place);
    assert.equal(set.length, 2);
    assert.deepEqual(set.classNames, ['a', 'b']);
  });
});

describe('the same image twice', () => {
  test('in training and validation is counted in a warning', async () => {
    const files: Record<string, Uint8Array> = {};
    for (let i = 0; i < 10; i++) files[`${'ab'[i % 2]}/${i}.png`] = await png(i % 5);
    const place = folder(files);
    const options = { imageSize: 4, verbose: false, validationSplit: 0.5, shuffle: false } as const;
    const [training, validation] = await imageDatasetFromDirectory(place, {
      ...options,
      subset: 'both',
    });
    assert.equal(training.length + validation.length, 10);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /5 of 5 images for validation are for training too/);
    warnings = [];
    await imageDatasetFromDirectory(place, { ...options, subset: 'training' });
    assert.deepEqual(warnings, []);
    await imageDatasetFromDirectory(place, { ...options, subset: 'validation' });
    assert.equal(warnings.length, 1);
  });
});

describe('a list of files, as a page has it', () => {
  test('reads like the folder', async () => {
    const place = `${imageFixtures}folder`;
    const options = { imageSize: 9, verbose: false, seed: 5 };
    const fromFolder = await imageDatasetFromDirectory(place, options);
    const files = fromFolder.filePaths.map((path) => {
      const short = path.slice(place.length + 1);
      return new File([fixture(`folder/${short}`)], short);
    });
    const fromList = await imageDatasetFromDirectory(files.reverse(), options);
    assert.deepEqual(
      fromList.filePaths,
      fromFolder.filePaths.map((path) => path.slice(place.length + 1)),
    );
    assert.deepEqual(await fromList.load(), await fromFolder.load());
  });

  test('of which some are no files is refused', async () => {
    const list = ['a.png'] as unknown as File[];
    await refuses(() => imageDatasetFromDirectory(list), 'ARGUMENT', 'directory', '"a.png"');
    await refuses(() => imageDatasetFromDirectory([]), 'DATA_EMPTY');
  });
});

describe('reading', () => {
  test('stops when nobody wants the samples any more', async () => {
    const set = await open(folder({ 'a/1.png': await png(1), 'b/2.png': await png(2) }));
    await assert.rejects(
      set.source.read(Uint32Array.of(0), AbortSignal.abort(new Error('enough'))),
      {
        message: 'enough',
      },
    );
  });

  test('names a file that is gone', async () => {
    const place = folder({ 'a/1.png': await png(1), 'b/2.png': await png(2) });
    const set = await open(place);
    rmSync(join(place, 'b/2.png'));
    await refuses(() => set.load(), 'FILE', '2.png', 'ENOENT');
  });
});

/** Why the rights of another user cannot be tried here. */
function noOtherUser(): string | false {
  if (process.platform === 'win32') return 'Windows has other rights';
  return process.seteuid ? false : 'this platform has one user';
}

/** Runs as a user without rights, where this is the one that has them all. */
async function asNobody(run: () => Promise<unknown>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid!(65534);
  try {
    await run();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}
