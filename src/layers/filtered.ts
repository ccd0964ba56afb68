/** @file Each channel of images through one small filter, zeros around. */
import type { Value } from '../ir/graph.ts';
import { broadcast, conv2d, reshape } from '../ops/index.ts';

/** @param kernel [rows, columns], both odd. */
export function filtered(images: Value, kernel: Value): Value {
  const c = images.shape[3]!;
  const [rows, columns] = kernel.shape as readonly [number, number];
  const around = (extent: number) => [(extent - 1) / 2, (extent - 1) / 2] as const;
  const weights = broadcast(reshape(kernel, [rows, columns, 1, 1]), [rows, columns, 1, c]);
  return conv2d(images, weights, {
    strides: [1, 1],
    padding: [around(rows), around(columns)],
    dilation: [1, 1],
    groups: c,
  });
}
