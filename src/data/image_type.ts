/** @file What a file really is, by its first bytes: its name may say anything. */
import { TsunoError } from '../core/errors.ts';
import { showName } from './image_names.ts';

/** The kinds of images that are read. */
export type ImageType = 'png' | 'jpeg' | 'webp';

/** Bytes as characters at a place of the file. */
type Signature = readonly [at: number, characters: string];

const signatures: Readonly<Record<ImageType, readonly Signature[]>> = {
  png: [[0, '\x89PNG\r\n\x1a\n']],
  jpeg: [[0, '\xff\xd8\xff']],
  webp: [
    [0, 'RIFF'],
    [8, 'WEBP'],
  ],
};

/** What else files named as images turn out to be. */
const others: readonly (readonly [string, Signature])[] = [
  ['a GIF image', [0, 'GIF8']],
  ['a BMP image', [0, 'BM']],
  ['a TIFF image', [0, 'II*\0']],
  ['a TIFF image', [0, 'MM\0*']],
  ['an AVIF image', [4, 'ftypavi']],
  ['a HEIC image', [4, 'ftyphe']],
  ['a HEIC image', [4, 'ftypmif1']],
  ['a video', [4, 'ftyp']],
  ['a JPEG XL image', [0, '\xff\x0a']],
  ['a JPEG XL image', [4, 'JXL ']],
  ['a JPEG 2000 image', [4, 'jP  ']],
  ['an icon', [0, '\0\0\x01\0']],
  ['a Photoshop document', [0, '8BPS']],
  ['a PDF document', [0, '%PDF']],
  ['a ZIP archive', [0, 'PK\x03\x04']],
  ['a pointer of Git LFS', [0, 'version https://git-lfs']],
];

const isHtml = /<(!doctype html|html|head|body)\b/i;
const isControl = (byte: number) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27);

/**
 * The type of the image in `bytes`, whatever its name.
 *
 * @throws TsunoError `IMAGE` where it is none that is read; the message says what it is.
 */
export function typeOf(bytes: Uint8Array, name: string): ImageType {
  const start = String.fromCharCode(...bytes.subarray(0, 512));
  const has = ([at, characters]: Signature) => start.startsWith(characters, at);
  for (const [type, parts] of Object.entries(signatures))
    if (parts.every(has)) return type as ImageType;
  throw imageFault(
    name,
    'file',
    'a PNG, JPEG or WebP image',
    others.find(([, signature]) => has(signature))?.[0] ?? textOrBytes(bytes, start),
  );
}

function textOrBytes(bytes: Uint8Array, start: string): string {
  if (bytes.length === 0) return 'an empty file';
  if (!bytes.subarray(0, 512).some(isControl)) {
    if (/<svg\b/i.test(start)) return 'an SVG image';
    return isHtml.test(start) ? 'an HTML page' : 'text';
  }
  return `a file that begins with ${Array.from(bytes.subarray(0, 4), hex).join(' ')}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** A refusal of one image. */
export function imageFault(
  name: string,
  what: string,
  expected: string,
  found: string,
  cause?: unknown,
): TsunoError {
  return new TsunoError('IMAGE', { where: showName(name), what, expected, found, cause });
}

/** More pixels are refused from the header, before memory for them is taken. */
export const largestImage = 64e6;

/**
 * Refuses sizes that are none or too large.
 *
 * @throws TsunoError `IMAGE` for a side of zero, `IMAGE_LIMIT` for more than 64 million pixels.
 */
export function checkSize(name: string, width: number, height: number): void {
  if (width < 1 || height < 1)
    throw imageFault(name, 'size', 'one pixel at least', `${width} × ${height}`);
  if (width * height > largestImage) {
    throw new TsunoError('IMAGE_LIMIT', {
      where: showName(name),
      what: 'size',
      expected: `at most ${largestImage / 1e6} million pixels`,
      found: `${width} × ${height}`,
    });
  }
}

/** A file that ends before the image does. */
export function cutShort(name: string, expected: string, length: number): TsunoError {
  return imageFault(name, 'file', `must go on: ${expected}`, `its end after ${length} bytes`);
}
