/** @file A rectangle in each image, at random: what is erased, or exchanged for a piece of another image. */
import type { Value } from '../ir/graph.ts';
import { add, less, lessEqual, logicalAnd, mul, sub } from '../ops/index.ts';
import { gridOf } from './affine_transform.ts';

/**
 * @param width share of the image's width, [n, 1, 1, 1]; `height` likewise.
 * @param uniform draws [n, 1, 1, 1] in [0, 1).
 * @returns [n, h, w, 1]: whether a pixel lies in its image's rectangle.
 */
export function randomBox(
  images: Value,
  { width, height }: { width: Value; height: Value },
  uniform: () => Value,
): Value {
  const [, h, w] = images.shape as readonly [number, number, number, number];
  const { x, y } = gridOf(images);
  const within = (place: Value, extent: number, share: Value) => {
    const length = mul(share, extent);
    const start = mul(uniform(), sub(extent, length));
    return logicalAnd(lessEqual(start, place), less(place, add(start, length)));
  };
  const columns = within(x, w, width);
  return logicalAnd(columns, within(y, h, height));
}
