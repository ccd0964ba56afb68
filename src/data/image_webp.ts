/**
 * @file WebP → pixels: the container is walked first (RFC 9649, section 2), then libwebp in WebAssembly decodes: the
 * same pixels in Node and in every browser. Animations are refused.
 */
import { type Codec, openCodec } from './image_codec.ts';
import type { Pixels } from './image_pixels.ts';
import { checkSize, cutShort, imageFault } from './image_type.ts';

export interface WebpInfo {
  width: number;
  height: number;
  hasAlpha: boolean;
}

/**
 * Reads the header.
 *
 * @throws TsunoError `IMAGE` for a file that is cut or damaged, or an animation; `IMAGE_LIMIT` for too many pixels.
 */
export function inspectWebp(bytes: Uint8Array, name: string): WebpInfo {
  if (bytes.length < 30) throw cutShort(name, 'a WebP has 30 bytes at least', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = view.getUint32(4, true) + 8;
  if (size > bytes.length) throw cutShort(name, `its header says ${size} bytes`, bytes.length);
  const info = readHeader(view, String.fromCharCode(...bytes.subarray(12, 16)), name);
  checkSize(name, info.width, info.height);
  return info;
}

function readHeader(view: DataView, chunk: string, name: string): WebpInfo {
  if (chunk === 'VP8 ') {
    if ((view.getUint8(20) & 1) !== 0 || (view.getUint32(22) & 0xffffff) !== 0x9d012a)
      throw imageFault(name, 'VP8 image', 'must begin with a key frame', 'none');
    const side = (at: number) => view.getUint16(at, true) & 0x3fff;
    return { width: side(26), height: side(28), hasAlpha: false };
  }
  if (chunk === 'VP8L') {
    if (view.getUint8(20) !== 0x2f)
      throw imageFault(name, 'VP8L image', 'must begin with byte 47', String(view.getUint8(20)));
    const bits = view.getUint32(21, true);
    return {
      width: (bits & 0x3fff) + 1,
      height: ((bits >>> 14) & 0x3fff) + 1,
      hasAlpha: ((bits >>> 28) & 1) === 1,
    };
  }
  if (chunk !== 'VP8X')
    throw imageFault(name, 'first chunk', 'VP8, VP8L or VP8X', JSON.stringify(chunk));
  const flags = view.getUint8(20);
  if (flags & 0x02) throw imageFault(name, 'WebP', 'one image', 'an animation');
  const side = (at: number) => (view.getUint16(at, true) | (view.getUint8(at + 2) << 16)) + 1;
  return { width: side(24), height: side(27), hasAlpha: (flags & 0x10) !== 0 };
}

let codec: Promise<Codec> | undefined;

/**
 * Decodes a WebP: three channels, four with transparency.
 *
 * @throws TsunoError `IMAGE` where it is damaged or an animation, `IMAGE_LIMIT` for too many pixels.
 */
export async function decodeWebp(bytes: Uint8Array, name: string): Promise<Pixels> {
  const { width, height, hasAlpha } = inspectWebp(bytes, name);
  codec ??= openCodec(
    import('@jsquash/webp/codec/dec/webp_dec.js'),
    '@jsquash/webp/codec/dec/webp_dec.wasm',
  ).catch((error: unknown) => {
    codec = undefined;
    throw error;
  });
  const rgba = await (await codec).decode(bytes, name);
  if (rgba.width !== width || rgba.height !== height)
    throw imageFault(
      name,
      'decoded size',
      `${width} × ${height}`,
      `${rgba.width} × ${rgba.height}`,
    );
  if (hasAlpha) return { width, height, channels: 4, data: new Uint8Array(rgba.data) };
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, from = 0; i < data.length; from += 4) {
    data[i++] = rgba.data[from]!;
    data[i++] = rgba.data[from + 1]!;
    data[i++] = rgba.data[from + 2]!;
  }
  return { width, height, channels: 3, data };
}
