/**
 * @file Single images: from a file to a tensor and back, as Keras's `load_img`, `img_to_array`, `array_to_img` and
 * `save_img` do it. Where those have images of Pillow, these have `uint8` tensors `[height, width, channels]`.
 */
import { show, showFailure, TsunoError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { inNode } from './files.ts';
import { program } from './image_codec.ts';
import { sizeOf } from './image_dataset_options.ts';
import { inspectImage } from './image_decode.ts';
import { showName } from './image_names.ts';
import { type PillowFilter, pillowFilters } from './image_pillow.ts';
import { type ColorMode, channelsOf, colorModes } from './image_pixels.ts';
import { imagePool } from './image_pool.ts';
import { type ImageFile, type LoadSpec, perform } from './image_tasks.ts';

export interface LoadImageOptions {
  /** Channels: `'grayscale'` 1, `'rgb'` (default) 3, `'rgba'` 4. */
  colorMode?: ColorMode | undefined;
  /** Height and width to resize to. Default: the image's own. */
  targetSize?: readonly [height: number, width: number] | undefined;
  /** How it is resized, as Pillow does it; default `'nearest'`. */
  interpolation?: PillowFilter | undefined;
  /** Cut the image to the proportions of `targetSize` first, instead of distorting it; default false. */
  keepAspectRatio?: boolean | undefined;
}

/** Where an image is: a path or URL, a file of a page, or the bytes of the file. */
export type ImageLocation = string | URL | Blob | Uint8Array | ArrayBuffer;

/** More pixels are decoded on another thread: fewer take some milliseconds. */
const mostHere = 250_000;

/**
 * Reads a PNG, JPEG or WebP image.
 *
 * @param location a path in Node, a URL, a `File` or `Blob`, or the bytes of the file.
 * @returns `uint8` `[height, width, channels]`.
 * @throws TsunoError `FILE` where it cannot be read, `IMAGE` where it is no image that is read, `IMAGE_LIMIT` where it is
 * too large, `ARGUMENT` for impossible options.
 *
 * @example
 * ```ts no-run
 * const image = await loadImage('cat.jpg', { targetSize: [64, 64], interpolation: 'bilinear' });
 * const probabilities = await model.predict(imageToArray(image).reshape([1, 64, 64, 3]));
 * ```
 * @see https://keras.io/api/data_loading/image/#loadimg-function
 */
export async function loadImage(
  location: ImageLocation,
  options: LoadImageOptions = {},
): Promise<Tensor<'uint8'>> {
  const spec = specOf(options);
  const file = await fileAt(location);
  const { width, height } =
    file.source instanceof Uint8Array
      ? inspectImage(file.source, file.name)
      : { width: 0, height: 0 };
  const isSmall = file.source instanceof Uint8Array && width * height <= mostHere;
  const task = { kind: 'load', file, spec } as const;
  const pixels = isSmall ? await perform(task) : await imagePool.run(task);
  const shape = [pixels.height, pixels.width, channelsOf(spec.colorMode)];
  return new Tensor('uint8', shape, pixels.data);
}

function specOf(options: LoadImageOptions): LoadSpec {
  const { colorMode = 'rgb', targetSize, interpolation = 'nearest' } = options;
  const where = 'loadImage';
  const among = <T>(what: string, value: T, allowed: readonly T[]): T => {
    if (allowed.includes(value)) return value;
    const expected = `one of ${allowed.map(show).join(', ')}`;
    throw new TsunoError('ARGUMENT', { where, what, expected, found: show(value) });
  };
  return {
    colorMode: among('colorMode', colorMode, colorModes),
    targetSize: targetSize && sizeOf('targetSize', targetSize, where),
    interpolation: among('interpolation', interpolation, pillowFilters),
    keepAspectRatio: options.keepAspectRatio ?? false,
  };
}

async function fileAt(location: ImageLocation): Promise<ImageFile> {
  if (location instanceof Uint8Array) return { name: 'image', source: new Uint8Array(location) };
  if (location instanceof ArrayBuffer) return { name: 'image', source: new Uint8Array(location) };
  if (location instanceof Blob)
    return { name: location instanceof File ? location.name : 'image', source: location };
  const text = String(location);
  if (inNode() && !/^(https?|data|blob):/.test(text)) {
    const { fileURLToPath } = await import('node:url');
    const path = text.startsWith('file:') ? fileURLToPath(text) : text;
    return { name: path, source: path };
  }
  return { name: text.slice(0, 200), source: await download(text) };
}

async function download(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const refuse = (found: string, cause?: unknown) =>
    new TsunoError('FILE', {
      where: showName(url.slice(0, 200)),
      what: 'image',
      expected: 'readable',
      found,
      cause,
    });
  const response = await fetch(url).catch((error: unknown) => {
    throw refuse(String(error), error);
  });
  if (!response.ok) throw refuse(`HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * The image as numbers: `float32` `[height, width, channels]` with the same values.
 *
 * @param image `[height, width, channels]`, or `[height, width]`, which gets a channel.
 * @throws TsunoError `SHAPE` for another rank.
 *
 * @example
 * ```ts
 * const image = new Tensor('uint8', [2, 2, 3], new Uint8Array(12).fill(255));
 * imageToArray(image).at(0, 0, 0); // 255
 * ```
 * @see https://keras.io/api/data_loading/image/#imgtoarray-function
 */
export function imageToArray(image: Tensor): Tensor<'float32'> {
  const shape = imageShape('imageToArray', image);
  return new Tensor('float32', shape, Float32Array.from(image.data));
}

function imageShape(where: string, image: Tensor): readonly [number, number, number] {
  const [height, width, channels = 1] = image.shape;
  if ((image.rank === 2 || image.rank === 3) && [1, 3, 4].includes(channels))
    return [height!, width!, channels];
  throw new TsunoError('SHAPE', {
    where,
    what: 'image',
    expected: '[height, width, 1, 3 or 4]',
    found: showShape(image.shape),
  });
}

export interface ArrayToImageOptions {
  /** Stretch the values so that the least becomes 0 and the largest 255; default true. Else they are cut to 0…255. */
  scale?: boolean | undefined;
}

/**
 * Numbers as an image that can be looked at or saved.
 *
 * @param x `[height, width, channels]` with 1, 3 or 4 channels, or `[height, width]`.
 * @throws TsunoError `SHAPE` for another shape.
 *
 * @example
 * ```ts
 * const slope = tensor([[-1, 0], [1, 3]]);
 * arrayToImage(slope).toArray(); // [[[0],[63]],[[127],[255]]]
 * ```
 * @see https://keras.io/api/data_loading/image/#arraytoimg-function
 */
export function arrayToImage(
  x: Tensor,
  { scale = true }: ArrayToImageOptions = {},
): Tensor<'uint8'> {
  const shape = imageShape('arrayToImage', x);
  const values = Float32Array.from(x.data);
  if (scale) {
    const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    for (let i = 0; i < values.length; i++) values[i]! -= least;
    const largest = values.reduce((a, b) => Math.max(a, b), 0);
    // each step rounds to float32, as NumPy's do
    if (largest !== 0) for (let i = 0; i < values.length; i++) values[i]! /= largest;
    for (let i = 0; i < values.length; i++) values[i]! *= 255;
  }
  return new Tensor('uint8', shape, Uint8Array.from(Uint8ClampedArray.from(values, Math.trunc)));
}

export interface EncodeImageOptions extends ArrayToImageOptions {
  /** Stretch the values to 0…255; default true for numbers, false for `uint8`, which is an image already. */
  scale?: boolean | undefined;
  /** Of a JPEG, 1 to 100; default 75. */
  quality?: number | undefined;
}

/** File formats that are written. */
export type ImageFormat = 'png' | 'jpeg';

/**
 * The bytes of an image file.
 *
 * @param x `[height, width, channels]`; JPEG drops alpha.
 * @throws TsunoError `SHAPE` for another shape, `ARGUMENT` for another format or quality.
 *
 * @example
 * ```ts
 * const png = await encodeImage(tensor([[0, 0.5], [0.75, 1]]), 'png');
 * (await loadImage(png)).shape; // [2, 2, 3]
 * ```
 */
export async function encodeImage(
  x: Tensor,
  format: ImageFormat,
  options: EncodeImageOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { scale = x.dtype !== 'uint8', quality = 75 } = options;
  if (format !== 'png' && format !== 'jpeg')
    throw wrong('encodeImage', 'format', "'png' or 'jpeg'", show(format));
  if (!(quality >= 1 && quality <= 100))
    throw wrong('encodeImage', 'quality', 'a number from 1 to 100', show(quality));
  const image = arrayToImage(x, { scale });
  const [height, width, channels] = image.shape as [number, number, number];
  if (format === 'jpeg') return encodeJpeg(image, quality);
  const { encode } = await import('fast-png');
  return new Uint8Array(encode({ width, height, channels, depth: 8, data: image.data }));
}

interface JpegEncoder {
  encode(rgba: Uint8Array, width: number, height: number, options: object): Uint8Array;
}

async function encodeJpeg(
  image: Tensor<'uint8'>,
  quality: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const [height, width, channels] = image.shape as [number, number, number];
  const [open, { defaultOptions }] = await Promise.all([
    program<JpegEncoder>(
      import('@jsquash/jpeg/codec/enc/mozjpeg_enc.js'),
      '@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm',
      () => undefined,
    ),
    import('@jsquash/jpeg/meta.js'),
  ]);
  const rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++)
      rgba[4 * i + channel] = image.data[i * channels + (channels === 1 ? 0 : channel)]!;
    rgba[4 * i + 3] = 255;
  }
  const options = { ...defaultOptions, quality, ...(channels === 1 && { color_space: 1 }) };
  return new Uint8Array((await open()).encode(rgba, width, height, options));
}

/**
 * Writes an image as a PNG or JPEG file, by the ending of its path: `.png`, `.jpg` or `.jpeg`. In a page, use
 * {@link encodeImage}.
 *
 * @param x `[height, width, channels]`; JPEG drops alpha.
 * @throws TsunoError `ARGUMENT` for another ending, `FILE` where it cannot be written, `SHAPE` for another shape,
 * `UNSUPPORTED` in a browser.
 *
 * @example
 * ```ts no-run
 * await saveImage('noise.png', new Tensor('float32', [8, 8, 1]));
 * ```
 * @see https://keras.io/api/data_loading/image/#saveimg-function
 */
export async function saveImage(
  path: string,
  x: Tensor,
  options: EncodeImageOptions = {},
): Promise<void> {
  const ending = /\.(png|jpg|jpeg)$/i.exec(path)?.[1]?.toLowerCase();
  if (!ending) throw wrong('saveImage', 'path', 'must end in .png, .jpg or .jpeg', showName(path));
  if (!inNode()) {
    throw new TsunoError('UNSUPPORTED', {
      where: 'saveImage',
      what: 'the platform',
      expected: 'Node, which has files',
      found: 'a browser',
      repair: 'Use encodeImage and offer its bytes as a download.',
    });
  }
  const bytes = await encodeImage(x, ending === 'png' ? 'png' : 'jpeg', options);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(path, bytes).catch((cause: unknown) => {
    const found = showFailure(cause);
    const where = showName(path);
    throw new TsunoError('FILE', { where, what: 'file', expected: 'writable', found, cause });
  });
}

function wrong(where: string, what: string, expected: string, found: string): TsunoError {
  return new TsunoError('ARGUMENT', { where, what, expected, found });
}
