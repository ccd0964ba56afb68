/** @file A file of any kind that is read → pixels, or what is wrong with it. */
import { decodeJpeg, inspectJpeg } from './image_jpeg.ts';
import type { Pixels } from './image_pixels.ts';
import { decodePng, inspectPng } from './image_png.ts';
import { type ImageType, typeOf } from './image_type.ts';
import { decodeWebp, inspectWebp } from './image_webp.ts';

interface Format {
  inspect(bytes: Uint8Array, name: string): { width: number; height: number };
  decode(bytes: Uint8Array, name: string): Promise<Pixels>;
}

const formats: Readonly<Record<ImageType, Format>> = {
  png: { inspect: inspectPng, decode: decodePng },
  jpeg: { inspect: inspectJpeg, decode: decodeJpeg },
  webp: { inspect: inspectWebp, decode: decodeWebp },
};

export interface ImageInfo {
  type: ImageType;
  width: number;
  height: number;
}

/**
 * The type and size of an image, from its structure; pixels are not decoded.
 *
 * @param name for messages.
 * @throws TsunoError `IMAGE` where it is no image that is read, or cut; `IMAGE_LIMIT` where it is too large.
 */
export function inspectImage(bytes: Uint8Array, name: string): ImageInfo {
  const type = typeOf(bytes, name);
  const { width, height } = formats[type].inspect(bytes, name);
  return { type, width, height };
}

/**
 * The pixels of an image, with the channels it has.
 *
 * @param name for messages.
 * @throws TsunoError `IMAGE` where it is no image that is read, or damaged; `IMAGE_LIMIT` where it is too large.
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
): Promise<Pixels & { type: ImageType }> {
  const type = typeOf(bytes, name);
  return { type, ...(await formats[type].decode(bytes, name)) };
}
