/** @file The middle of images, cut out: of a size, or of given proportions. */
import type { Value } from '../ir/graph.ts';
import { slice } from '../ops/index.ts';

/** The middle `height` × `width` of images [n, h, w, c]; an odd rest is longer at the bottom and on the right. */
export function middleOf(x: Value, height: number, width: number): Value {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const start = [0, Math.floor((h - height) / 2), Math.floor((w - width) / 2), 0];
  return slice(x, start, [n, height, width, c]);
}

/** Extents of the largest part of an image of `h` × `w` with the proportions `height` : `width`, rounded down. */
export function largestPart(
  [h, w]: readonly [number, number],
  height: number,
  width: number,
): [number, number] {
  return [
    Math.min(h, Math.floor((w * height) / width)),
    Math.min(w, Math.floor((h * width) / height)),
  ];
}
