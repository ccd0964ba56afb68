/**
 * @file Images at another size, to the bit as Pillow computes them, which Keras's `load_img` uses: where an image gets
 * smaller all its pixels count. Weights are whole numbers in units of 2⁻²², each axis rounds to 8 bits
 * (`Resample.c` of Pillow 12; Pillow 13 takes the columns first where that is quicker, which rounds otherwise).
 */
import type { Pixels } from './image_pixels.ts';
import type { Box } from './image_resize.ts';

interface Filter {
  /** Where it ends, in pixels of the coarser of both images. */
  support: number;
  weight(x: number): number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const filters = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) => {
      const distance = Math.abs(x);
      if (distance === 0) return 1;
      return distance >= 1 ? 0 : sinc(distance) * (0.54 + 0.46 * Math.cos(Math.PI * distance));
    },
  },
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} satisfies Record<string, Filter>;

export type PillowFilter = 'nearest' | keyof typeof filters;

export const pillowFilters: readonly PillowFilter[] = [
  'nearest',
  'bilinear',
  'bicubic',
  'hamming',
  'box',
  'lanczos',
];

const one = 2 ** 22;

interface Tap {
  start: number;
  /** Whole numbers, in units of 2⁻²². */
  weights: readonly number[];
}

function tapsOf(
  source: number,
  from: number,
  length: number,
  target: number,
  filter: Filter,
): Tap[] {
  const scale = length / target;
  const coarse = Math.max(1, scale);
  const support = filter.support * coarse;
  return Array.from({ length: target }, (_, i) => {
    const centre = from + (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(source, Math.trunc(centre + support + 0.5));
    const weights = Array.from({ length: end - start }, (_, j) =>
      filter.weight((j + start - centre + 0.5) * (1 / coarse)),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    const whole = (weight: number) => Math.trunc(weight * one + (weight < 0 ? -0.5 : 0.5));
    return { start, weights: weights.map((weight) => whole(sum === 0 ? weight : weight / sum)) };
  });
}

/** Along rows. */
function stretch({ width, height, channels, data }: Pixels, taps: readonly Tap[]): Pixels {
  const target = taps.length;
  const out = new Uint8Array(height * target * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (const { start, weights } of taps) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = one / 2;
        for (let i = 0, from = (y * width + start) * channels + channel; i < weights.length; i++) {
          sum += data[from]! * weights[i]!;
          from += channels;
        }
        out[at++] = Math.min(255, Math.max(0, Math.floor(sum / one)));
      }
    }
  }
  return { width: target, height, channels, data: out };
}

/** Rows become columns. */
function transposed({ width, height, channels, data }: Pixels): Pixels {
  const out = new Uint8Array(data.length);
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++)
        out[(x * height + y) * channels + channel] = data[from++]!;
    }
  }
  return { width: height, height: width, channels, data: out };
}

/** The sums of steps, as Pillow walks over an image, cut to whole numbers. */
function nearestPlaces(from: number, length: number, target: number): number[] {
  const step = length / target;
  let place = from + step * 0.5;
  return Array.from({ length: target }, () => {
    const whole = Math.floor(place);
    place += step;
    return whole;
  });
}

function nearest(
  { width, channels, data }: Pixels,
  [targetHeight, targetWidth]: readonly [number, number],
  box: Box,
): Pixels {
  const columns = nearestPlaces(box.x, box.width, targetWidth);
  const out = new Uint8Array(targetHeight * targetWidth * channels);
  let at = 0;
  for (const y of nearestPlaces(box.y, box.height, targetHeight)) {
    for (const x of columns) {
      for (let channel = 0; channel < channels; channel++)
        out[at++] = data[(y * width + x) * channels + channel]!;
    }
  }
  return { width: targetWidth, height: targetHeight, channels, data: out };
}

/** Colours times alpha, and back: what is transparent lends no colour to its neighbours. */
function premultiplied(pixels: Pixels, map: (colour: number, alpha: number) => number): Pixels {
  if (pixels.channels !== 4) return pixels;
  const data = pixels.data.slice();
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3]!;
    for (let channel = i; channel < i + 3; channel++) data[channel] = map(data[channel]!, alpha);
  }
  return { ...pixels, data };
}

function times(colour: number, alpha: number): number {
  const product = colour * alpha + 128;
  return ((product >> 8) + product) >> 8;
}

function over(colour: number, alpha: number): number {
  return alpha === 0 || alpha === 255 ? colour : Math.min(255, Math.floor((255 * colour) / alpha));
}

/** The part `box` of an image (default all of it) at another size. */
export function pillowResize(
  pixels: Pixels,
  target: readonly [height: number, width: number],
  filter: PillowFilter,
  box: Box = { x: 0, y: 0, width: pixels.width, height: pixels.height },
): Pixels {
  const [height, width] = target;
  if (filter === 'nearest') return nearest(pixels, target, box);
  let image = premultiplied(pixels, times);
  if (width !== pixels.width || box.x !== 0 || box.width !== width)
    image = stretch(image, tapsOf(pixels.width, box.x, box.width, width, filters[filter]));
  if (height !== pixels.height || box.y !== 0 || box.height !== height) {
    const taps = tapsOf(pixels.height, box.y, box.height, height, filters[filter]);
    image = transposed(stretch(transposed(image), taps));
  }
  return premultiplied(image, over);
}

/** The middle part with the proportions of the target, as `load_img` cuts it. */
export function pillowCrop(
  { width, height }: Pick<Pixels, 'width' | 'height'>,
  [targetHeight, targetWidth]: readonly [height: number, width: number],
): Box {
  const cropHeight = Math.min(height, Math.floor((width * targetHeight) / targetWidth));
  const cropWidth = Math.min(width, Math.floor((height * targetWidth) / targetHeight));
  return {
    x: Math.floor((width - cropWidth) / 2),
    y: Math.floor((height - cropHeight) / 2),
    width: cropWidth,
    height: cropHeight,
  };
}
