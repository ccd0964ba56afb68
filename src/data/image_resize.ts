/**
 * @file Images at another size, as TensorFlow's `tf.image.resize` computes them without antialiasing and as Keras uses
 * them in `image_dataset_from_directory`. Each axis has its taps: which pixels of the source a pixel of the target is
 * made of, and with what weights. The centres of pixels are at half; positions are computed in float32, as there.
 */
import type { Pixels } from './image_pixels.ts';

export const interpolations = [
  'bilinear',
  'nearest',
  'bicubic',
  'area',
  'lanczos3',
  'lanczos5',
  'gaussian',
  'mitchellcubic',
] as const;

/** How pixels between pixels are found. */
export type ImageInterpolation = (typeof interpolations)[number];

/** A part of an image. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The pixels that one pixel of the target is made of: `start`, `start + 1`, … with these weights. */
interface Tap {
  start: number;
  weights: readonly number[];
}

const fround = Math.fround;

/** A weight by the distance from the centre, with the distance from which on it is none. */
interface Kernel {
  radius: number;
  weight(distance: number): number;
}

function lanczos(radius: number): Kernel {
  return {
    radius,
    weight: (x) => {
      if (x > radius) return 0;
      if (x <= 1e-3) return 1;
      return (
        (radius * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / radius)) / (Math.PI * x) ** 2
      );
    },
  };
}

const kernels: Readonly<Record<'lanczos3' | 'lanczos5' | 'gaussian' | 'mitchellcubic', Kernel>> = {
  lanczos3: lanczos(3),
  lanczos5: lanczos(5),
  gaussian: { radius: 1.5, weight: (x) => (x >= 1.5 ? 0 : Math.exp(-(x * x) / (2 * 0.5 ** 2))) },
  mitchellcubic: {
    radius: 2,
    weight: (x) => {
      if (x >= 2) return 0;
      if (x >= 1) return (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9;
      return ((7 / 6) * x - 2) * x * x + 8 / 9;
    },
  },
};

/** The taps of one axis. */
function tapsOf(source: number, target: number, interpolation: ImageInterpolation): Tap[] {
  const scale = fround(source / target);
  const tap = (i: number): Tap => {
    switch (interpolation) {
      case 'nearest': {
        const place = Math.floor(fround(fround(i + 0.5) * scale));
        return { start: Math.min(place, source - 1), weights: [1] };
      }
      case 'bilinear':
        return bilinearTap(fround(fround(fround(i + 0.5) * scale) - 0.5), source);
      case 'bicubic':
        return cubicTap(fround(fround(fround(i + 0.5) * scale) - 0.5), source);
      case 'area':
        return areaTap(fround(i * scale), fround((i + 1) * scale), source);
      default:
        return kernelTap(fround((i + 0.5) * scale), source, kernels[interpolation]);
    }
  };
  return Array.from({ length: target }, (_, i) => tap(i));
}

function bilinearTap(place: number, source: number): Tap {
  const below = Math.floor(place);
  const start = Math.max(0, below);
  const end = Math.min(Math.ceil(place), source - 1);
  const share = fround(place - below);
  return start >= end ? { start: end, weights: [1] } : { start, weights: [1 - share, share] };
}

/** Keys's cubic with a = -1/2; TensorFlow takes the weights from a table of 1,024 steps. */
function cubicTap(place: number, source: number): Tap {
  const a = -0.5;
  const below = Math.floor(place);
  const share = Math.round(fround(place - below) * 1024) / 1024;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return within(below - 1, [far(share + 1), near(share), near(1 - share), far(2 - share)], source);
}

/** Means over what lies under a pixel of the target. */
function areaTap(from: number, to: number, source: number): Tap {
  const start = Math.floor(from);
  const end = Math.min(source, Math.ceil(to));
  const covered = (i: number) => Math.min(i + 1, to) - Math.max(i, from);
  return within(
    start,
    Array.from({ length: end - start }, (_, i) => covered(start + i)),
    source,
  );
}

function kernelTap(centre: number, source: number, { radius, weight }: Kernel): Tap {
  const start = Math.max(0, Math.ceil(centre - radius - 0.5));
  const end = Math.min(source - 1, Math.floor(centre + radius - 0.5));
  const weights = Array.from({ length: end - start + 1 }, (_, i) =>
    weight(Math.abs(start + i + 0.5 - centre)),
  );
  return within(start, weights, source);
}

/** Without what lies outside, the weights brought to a sum of 1. */
function within(start: number, weights: readonly number[], source: number): Tap {
  const first = Math.max(0, start);
  const inside = weights.slice(first - start, source - start);
  const sum = inside.reduce((a, b) => a + b, 0);
  return { start: first, weights: inside.map((weight) => weight / sum) };
}

/** The elements of resized images. */
export type Elements = Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/**
 * Writes the part `box` of an image (default all of it) at another size.
 *
 * @param out `[height, width, channels]`; `Uint8Array` gets rounded values from 0 to 255.
 */
export function resize(
  { width: sourceWidth, height: sourceHeight, channels, data }: Pixels,
  [height, width]: readonly [height: number, width: number],
  interpolation: ImageInterpolation,
  out: Elements,
  box: Box = { x: 0, y: 0, width: sourceWidth, height: sourceHeight },
): void {
  const across = flat(tapsOf(box.width, width, interpolation));
  const down = tapsOf(box.height, height, interpolation);
  const isWhole = out instanceof Uint8Array;
  /** Row `y` of the box at the target's width. */
  const stretched = (y: number): Float32Array => {
    const { starts, counts, weights, stride } = across;
    const row = new Float32Array(width * channels);
    const line = (box.y + y) * sourceWidth + box.x;
    for (let x = 0, to = 0; x < width; x++) {
      const first = x * stride;
      const last = first + counts[x]!;
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = 0;
        let from = (line + starts[x]!) * channels + channel;
        for (let i = first; i < last; i++, from += channels) sum += weights[i]! * data[from]!;
        row[to] = sum;
      }
    }
    return row;
  };
  const rows = new Map<number, Float32Array>();
  const rowAt = (y: number): Float32Array => {
    let row = rows.get(y);
    if (!row) {
      row = stretched(y);
      rows.set(y, row);
    }
    return row;
  };
  const sums = new Float64Array(width * channels);
  for (let y = 0; y < height; y++) {
    const { start, weights } = down[y]!;
    for (const old of rows.keys()) if (old < start) rows.delete(old);
    sums.fill(0);
    for (const [i, weight] of weights.entries()) {
      const row = rowAt(start + i);
      for (let x = 0; x < sums.length; x++) sums[x]! += weight * row[x]!;
    }
    const at = y * sums.length;
    if (!isWhole) out.set(sums, at);
    else
      for (let x = 0; x < sums.length; x++)
        out[at + x] = Math.min(255, Math.max(0, Math.round(fround(sums[x]!))));
  }
}

/** The taps of an axis as numbers side by side, `stride` weights for each. */
function flat(taps: readonly Tap[]) {
  const stride = taps.reduce((most, { weights }) => Math.max(most, weights.length), 0);
  const weights = new Float64Array(taps.length * stride);
  for (const [i, tap] of taps.entries()) weights.set(tap.weights, i * stride);
  return {
    stride,
    weights,
    starts: Int32Array.from(taps, ({ start }) => start),
    counts: Int32Array.from(taps, (tap) => tap.weights.length),
  };
}

/** The largest part in the middle with the proportions of the target. */
export function cropBox(
  { width, height }: Pick<Pixels, 'width' | 'height'>,
  [targetHeight, targetWidth]: readonly [height: number, width: number],
): Box {
  const fittingHeight = Math.trunc(fround(fround(width * targetHeight) / targetWidth));
  const fittingWidth = Math.trunc(fround(fround(height * targetWidth) / targetHeight));
  const cropHeight = Math.max(1, Math.min(height, fittingHeight));
  const cropWidth = Math.max(1, Math.min(width, fittingWidth));
  return {
    x: Math.trunc((width - cropWidth) / 2),
    y: Math.trunc((height - cropHeight) / 2),
    width: cropWidth,
    height: cropHeight,
  };
}

/**
 * The largest part in the middle of the target that has the proportions of the image, as `tf.image.resize_with_pad`
 * finds it; the rest stays black.
 */
export function padBox(
  { width, height }: Pick<Pixels, 'width' | 'height'>,
  [targetHeight, targetWidth]: readonly [height: number, width: number],
): Box {
  const ratio = Math.max(fround(width / targetWidth), fround(height / targetHeight));
  const fittingHeight = fround(height / ratio);
  const fittingWidth = fround(width / ratio);
  return {
    x: Math.max(0, Math.floor(fround(targetWidth - fittingWidth) / 2)),
    y: Math.max(0, Math.floor(fround(targetHeight - fittingHeight) / 2)),
    width: Math.max(1, Math.floor(fittingWidth)),
    height: Math.max(1, Math.floor(fittingHeight)),
  };
}
