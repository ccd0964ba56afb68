/** @file Decoded pixels, and how they become grey, coloured or transparent. */

/** Rows of pixels with their channels side by side: grey, grey with alpha, RGB, or RGB with alpha. */
export interface Pixels {
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
  /** `[height, width, channels]`. */
  data: Uint8Array<ArrayBuffer>;
}

/** What an image is read as. */
export type ColorMode = 'grayscale' | 'rgb' | 'rgba';

export const colorModes: readonly ColorMode[] = ['grayscale', 'rgb', 'rgba'];

export function channelsOf(mode: ColorMode): 1 | 3 | 4 {
  return mode === 'grayscale' ? 1 : mode === 'rgb' ? 3 : 4;
}

/** How colours become grey: as Pillow does it, or as libpng, whose weights have 15 bits and which cuts off. */
export type Luma = 'pillow' | 'libpng';

/**
 * The pixels in another colour mode. Alpha is dropped, not blended; where there is none it is 255; grey is 0.299 R +
 * 0.587 G + 0.114 B.
 */
export function inColorMode(pixels: Pixels, mode: ColorMode, luma: Luma = 'pillow'): Pixels {
  const { width, height, channels: from, data } = pixels;
  const to = channelsOf(mode);
  if (from === to) return pixels;
  const out = new Uint8Array(width * height * to);
  const isGrey = from < 3;
  for (let i = 0, source = 0, target = 0; i < width * height; i++, source += from, target += to) {
    const r = data[source]!;
    const g = isGrey ? r : data[source + 1]!;
    const b = isGrey ? r : data[source + 2]!;
    if (to === 1) {
      out[target] = isGrey ? r : grey(r, g, b, luma);
      continue;
    }
    out[target] = r;
    out[target + 1] = g;
    out[target + 2] = b;
    if (to === 4) out[target + 3] = from === 2 || from === 4 ? data[source + from - 1]! : 255;
  }
  return { width, height, channels: to, data: out };
}

function grey(r: number, g: number, b: number, luma: Luma): number {
  return luma === 'pillow'
    ? (19595 * r + 38470 * g + 7471 * b + 0x8000) >> 16
    : (9797 * r + 19234 * g + 3737 * b) >> 15;
}
