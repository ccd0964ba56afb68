/** @file Pixels are Keras's: decoded, resized, loaded one by one and from folders, split by the same seed. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { imageDatasetFromDirectory } from '../../src/data/image_dataset.ts';
import type { ImageDatasetOptions } from '../../src/data/image_dataset_options.ts';
import { decodeImage } from '../../src/data/image_decode.ts';
import { inColorMode } from '../../src/data/image_pixels.ts';
import {
  arrayToImage,
  encodeImage,
  imageToArray,
  type LoadImageOptions,
  loadImage,
  saveImage,
} from '../../src/data/load_image.ts';
import { numpyShuffle } from '../../src/data/numpy_shuffle.ts';
import {
  camelCase,
  difference,
  expected,
  fixture,
  imageCases,
  imageFixtures,
  singleFiles,
} from './image_fixtures.ts';
import { refuses } from './refusals.ts';

/** Of coloured JPEG and lossy WebP: decoders may round differently. */
const isLossy = (file: string) =>
  /^(half|full|progressive|grey|turned)\.jpg$|^lossy\.webp$/.test(file);

describe('decoding', () => {
  for (const { file, mode, by, array } of imageCases.decoded) {
    test(`${file} as ${mode}`, async () => {
      const { type, ...decoded } = await decodeImage(fixture(`single/${file}`), file);
      const luma = by === 'tensorflow' && type === 'png' ? 'libpng' : 'pillow';
      const pixels = inColorMode(decoded, mode, luma);
      const golden = expected(array);
      const shape = [pixels.height, pixels.width, pixels.channels];
      assert.deepEqual(shape, golden.shape.length === 2 ? [...golden.shape, 1] : golden.shape);
      const { largest, mean } = difference(pixels.data, golden.data);
      // TensorFlow takes grey from where the file has it; here it is made of the colours, as Pillow does
      if (mode === 'grayscale' && isLossy(file))
        assert.ok(largest <= 8 && mean <= 0.1, `${largest}, ${mean}`);
      else if (isLossy(file)) assert.ok(largest <= 2 && mean <= 0.5, `${largest}, ${mean}`);
      // TensorFlow makes grey of 16 bits before it drops the lower 8
      else if (mode === 'grayscale' && file === 'rgb_16.png') assert.ok(largest <= 1);
      else assert.equal(largest, 0);
    });
  }

  test('covers every file', () => {
    assert.deepEqual([...new Set(imageCases.decoded.map(({ file }) => file))], singleFiles);
    assert.ok(singleFiles.length >= 23);
  });
});

describe('a folder of images', () => {
  for (const [
    number,
    { options, array, labels, class_names, files },
  ] of imageCases.datasets.entries()) {
    test(`${number}: ${JSON.stringify(options)}`, async () => {
      const given = {
        ...camelCase(options),
        shuffle: false,
        verbose: false,
      } as ImageDatasetOptions;
      const set = await imageDatasetFromDirectory(`${imageFixtures}folder`, {
        ...given,
        subset: undefined,
      });
      assert.deepEqual(
        set.filePaths,
        files.map((file) => join(imageFixtures, 'folder', file)),
      );
      const read = await set.load();
      if (labels === null) assert.deepEqual(new Set(read.labels.data), new Set([-1]));
      else assert.deepEqual(read.labels.toArray(), labels);
      const isListed = Array.isArray(options.labels);
      assert.deepEqual(set.classNames ?? null, isListed ? ['0', '1', '2', '3', '4'] : class_names);
      if (array === null) return;
      const golden = expected(array);
      assert.equal(read.images.dtype, 'float32');
      assert.deepEqual(read.images.shape, golden.shape);
      // files 1 and 3 are JPEG
      const size = golden.size / files.length;
      for (const [i, file] of files.entries()) {
        const part = (data: Tensor) => data.data.subarray(i * size, (i + 1) * size);
        const { largest, mean } = difference(part(read.images), part(golden));
        // TensorFlow decodes them for data sets with the fast transform, which is less exact than that of Pillow and here
        if (/jpe?g$/.test(file))
          assert.ok(largest <= 4 && mean <= 1.25, `${file}: ${largest}, ${mean}`);
        else if (options.interpolation === 'nearest') assert.equal(largest, 0, file);
        else assert.ok(largest <= 1e-2, `${file}: ${largest}`);
      }
    });
  }

  test('as uint8 has the same numbers, rounded', async () => {
    const options = { imageSize: [10, 8], shuffle: false, verbose: false } as const;
    const exact = await imageDatasetFromDirectory(`${imageFixtures}folder`, options);
    const whole = await imageDatasetFromDirectory(`${imageFixtures}folder`, {
      ...options,
      dtype: 'uint8',
    });
    const { images } = await whole.load();
    assert.equal(images.dtype, 'uint8');
    assert.deepEqual(images.data, Uint8Array.from((await exact.load()).images.data, Math.round));
  });
});

describe('shuffling', () => {
  const names = Array.from({ length: 23 }, (_, i) => `${'ab'[i % 2]}/${i}.png`).sort();
  for (const { seed, fraction, training, validation } of imageCases.splits) {
    test(`seed ${seed} splits as Keras's ${fraction}`, () => {
      const order = Array.from(numpyShuffle(names.length, seed), (i) => names[i]);
      assert.deepEqual(order.slice(0, training.length), training);
      assert.deepEqual(order.slice(training.length), validation);
    });
  }
});

describe('loadImage', () => {
  for (const { file, options, array } of imageCases.loaded) {
    test(`${file} with ${JSON.stringify(options)}`, async () => {
      const image = await loadImage(
        `${imageFixtures}single/${file}`,
        camelCase(options) as LoadImageOptions,
      );
      const golden = expected(array);
      assert.deepEqual(image.shape, golden.shape);
      assert.equal(difference(image.data, golden.data).largest, 0);
    });
  }

  test('takes bytes, a Blob and a URL', async () => {
    const path = `${imageFixtures}single/rgb.png`;
    const bytes = fixture('single/rgb.png');
    const whole = await loadImage(path);
    for (const place of [bytes, bytes.buffer, new Blob([bytes]), new URL(`file://${path}`)])
      assert.deepEqual(await loadImage(place), whole);
    const data = `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
    assert.deepEqual(await loadImage(data), whole);
  });

  test('refuses impossible options', async () => {
    const path = `${imageFixtures}single/rgb.png`;
    await refuses(
      () => loadImage(path, { targetSize: [0, 3] }),
      'ARGUMENT',
      'targetSize',
      '[0, 3]',
    );
    const mode = 'cmyk' as 'rgb';
    await refuses(() => loadImage(path, { colorMode: mode }), 'ARGUMENT', 'colorMode', '"cmyk"');
    await refuses(() => loadImage('nowhere/at-all.png'), 'FILE', 'nowhere/at-all.png', 'ENOENT');
    await refuses(() => loadImage(imageFixtures), 'FILE', 'a folder');
  });
});

describe('arrays and images', () => {
  for (const { scale, x, image } of imageCases.arrays) {
    test(`${x}, scale ${scale}`, () => {
      assert.deepEqual(arrayToImage(expected(x), { scale }).data, expected(image).data);
    });
  }

  test('imageToArray keeps the values and adds a channel to rows of numbers', () => {
    const image = new Tensor('uint8', [1, 2], Uint8Array.of(3, 250));
    assert.deepEqual(
      imageToArray(image),
      new Tensor('float32', [1, 2, 1], Float32Array.of(3, 250)),
    );
  });

  test('other shapes are refused', async () => {
    await refuses(() => arrayToImage(tensor([1, 2])), 'SHAPE', '(2,)');
    await refuses(() => imageToArray(new Tensor('uint8', [2, 2, 2])), 'SHAPE', '(2, 2, 2)');
  });

  for (const channels of [1, 3, 4] as const) {
    test(`${channels} channels go through a PNG unchanged`, async () => {
      const data = Uint8Array.from({ length: 35 * channels }, (_, i) => (i * 37) % 256);
      const image = new Tensor('uint8', [5, 7, channels], data);
      const colorMode = channels === 1 ? 'grayscale' : channels === 3 ? 'rgb' : 'rgba';
      assert.deepEqual(await loadImage(await encodeImage(image, 'png'), { colorMode }), image);
    });
  }

  test('saveImage writes what the ending says', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tsuno-images-'));
    try {
      const slope = Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => Math.floor(i / 48));
      const image = new Tensor('float32', [16, 16, 3], slope);
      for (const [name, start] of [
        ['a.png', [0x89, 0x50]],
        ['b.JPG', [0xff, 0xd8]],
      ] as const) {
        await saveImage(join(folder, name), image);
        assert.deepEqual([...(await readFile(join(folder, name))).subarray(0, 2)], start);
        const read = await loadImage(join(folder, name));
        const { mean } = difference(
          read.data,
          slope.map((value) => value * 17),
        );
        assert.ok(mean < 2, `${name}: ${mean}`);
      }
      await refuses(() => saveImage(join(folder, 'c.gif'), image), 'ARGUMENT', '.png');
      await refuses(() => saveImage(join(folder, 'no/c.png'), image), 'FILE', 'ENOENT');
      await refuses(() => encodeImage(image, 'jpeg', { quality: 0 }), 'ARGUMENT', 'quality', '0');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
