/**
 * @file JPEG → pixels: the segments are walked first, within limits (ITU-T T.81, annex B), then mozjpeg in WebAssembly
 * decodes: the same pixels in Node and in every browser. Read are baseline and progressive images of 8 bits, grey or in
 * colour; a rotation in EXIF is not applied, as Keras does not.
 */

import { TsunoError } from '../core/errors.ts';
import { type Codec, openCodec } from './image_codec.ts';
import { showName } from './image_names.ts';
import type { Pixels } from './image_pixels.ts';
import { checkSize, cutShort, imageFault } from './image_type.ts';

export interface JpegInfo {
  width: number;
  height: number;
  /** 1 for grey, 3 for colours. */
  components: number;
  scans: number;
}

/** Kinds of frames by their marker, SOF0 to SOF15; 4, 8 and 12 are other segments. */
const frames: Readonly<Record<number, string>> = {
  192: 'baseline',
  193: 'sequential',
  194: 'progressive',
  195: 'lossless',
  197: 'differential',
  198: 'differential progressive',
  199: 'differential lossless',
  201: 'arithmetic coding',
  202: 'progressive arithmetic coding',
  203: 'lossless arithmetic coding',
  205: 'differential arithmetic coding',
  206: 'differential progressive arithmetic coding',
  207: 'differential lossless arithmetic coding',
};

/** Encoders make about ten. */
const mostScans = 100;
/** Each scan passes over all pixels. */
const mostWork = 1e9;

const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;
const isAlone = (marker: number) => marker === 1 || (marker >= 0xd0 && marker <= soi);

/**
 * Walks the segments.
 *
 * @throws TsunoError `IMAGE` for a file that is cut or damaged or of a kind that is not read, `IMAGE_LIMIT` for too
 * many pixels or scans.
 */
export function inspectJpeg(bytes: Uint8Array, name: string): JpegInfo {
  const short = () => cutShort(name, 'a marker EOI ends a JPEG', bytes.length);
  let frame: Omit<JpegInfo, 'scans'> | undefined;
  let scans = 0;
  let at = 2;
  for (;;) {
    if (bytes[at] !== 0xff) {
      if (at >= bytes.length) throw short();
      throw imageFault(name, `byte ${at}`, 'a marker', String(bytes[at]));
    }
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (marker === undefined) throw short();
    if (marker === eoi) break;
    if (isAlone(marker)) continue;
    if (at + 2 > bytes.length) throw short();
    const length = (bytes[at]! << 8) | bytes[at + 1]!;
    if (length < 2)
      throw imageFault(name, `segment at byte ${at}`, 'of 2 bytes at least', String(length));
    if (at + length > bytes.length) throw short();
    if (frames[marker]) {
      if (frame) throw imageFault(name, 'file', 'must have one frame', 'a second one');
      frame = readFrame(marker, bytes.subarray(at + 2, at + length), name);
    }
    at += length;
    if (marker !== sos) continue;
    if (!frame) throw imageFault(name, 'file', 'must have a frame before a scan', 'none');
    scans++;
    if (scans > mostScans || scans * frame.width * frame.height > mostWork) {
      throw new TsunoError('IMAGE_LIMIT', {
        where: showName(name),
        what: `a JPEG of ${frame.width} × ${frame.height}`,
        expected: `must have at most ${Math.min(mostScans, Math.floor(mostWork / (frame.width * frame.height)))} scans`,
        found: 'more',
      });
    }
    at = endOfScan(bytes, at);
  }
  if (!frame || scans === 0) throw imageFault(name, 'file', 'must have pixels', 'none');
  return { ...frame, scans };
}

/** Where the next marker is that is no part of the coded numbers. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== undefined && next !== 0 && next !== 0xff && !(next >= 0xd0 && next < soi))
      return at;
  }
  return bytes.length;
}

function readFrame(marker: number, contents: Uint8Array, name: string): Omit<JpegInfo, 'scans'> {
  if (marker > 194) throw imageFault(name, 'JPEG', 'baseline or progressive', `${frames[marker]}`);
  if (contents.length < 6)
    throw imageFault(name, 'frame', '6 bytes at least', String(contents.length));
  const [precision, h1, h0, w1, w0, components] = contents as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [height, width] = [(h1 << 8) | h0, (w1 << 8) | w0];
  if (precision !== 8) throw imageFault(name, 'JPEG', 'of 8 bits', `${precision} bits`);
  if (components === 4) {
    throw new TsunoError('IMAGE', {
      where: showName(name),
      what: 'JPEG',
      expected: 'grey or in colours',
      found: 'CMYK, the inks of a print',
      repair: 'Convert it to RGB.',
    });
  }
  if (components !== 1 && components !== 3)
    throw imageFault(name, 'JPEG', 'of 1 or 3 components', String(components));
  checkSize(name, width, height);
  return { width, height, components };
}

/** What mozjpeg says where it goes on; this alone is harmless, and so it is for Keras. */
const harmless = /extraneous bytes/;

/** Whether the rotation that EXIF asks for is applied. */
const isTurned = false;

let codec: Promise<Codec> | undefined;

/**
 * Decodes a JPEG: one channel where it is grey, else three.
 *
 * @throws TsunoError `IMAGE` where it is damaged or of a kind that is not read, `IMAGE_LIMIT` for too many pixels or
 * scans.
 */
export async function decodeJpeg(bytes: Uint8Array, name: string): Promise<Pixels> {
  const { width, height, components } = inspectJpeg(bytes, name);
  codec ??= openCodec(
    import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js'),
    '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
    [isTurned],
  ).catch((error: unknown) => {
    codec = undefined;
    throw error;
  });
  const rgba = await (await codec).decode(bytes, name, harmless);
  if (rgba.width !== width || rgba.height !== height)
    throw imageFault(
      name,
      'decoded size',
      `${width} × ${height}`,
      `${rgba.width} × ${rgba.height}`,
    );
  const channels = components as 1 | 3;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0, from = 0; i < data.length; from += 4) {
    data[i++] = rgba.data[from]!;
    if (channels === 1) continue;
    data[i++] = rgba.data[from + 1]!;
    data[i++] = rgba.data[from + 2]!;
  }
  return { width, height, channels, data };
}
