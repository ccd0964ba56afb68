/**
 * @file How often each whole number occurs: what equalizing the tones of images needs. An operation of its own, since one
 * pass that counts touches each pixel once, and a comparison with every bin as many times as there are bins: 0.14 ms
 * against 8.4 for 256 bins of 32 images 32×32×3.
 */
import { apply1, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';

export const histogramOp: Op<{ bins: number }, 'histogram'> = {
  name: 'histogram',
  infer: ([x], { bins }) => [{ shape: [...x!.shape.slice(0, -1), bins], dtype: 'int32' }],
  reference([x], { bins }) {
    const row = x!.shape.at(-1)!;
    const counts = new Float64Array((x!.data.length / row) * bins);
    x!.data.forEach((bin, i) => {
      if (bin >= 0 && bin < bins) counts[Math.floor(i / row) * bins + bin]!++;
    });
    return [counts];
  },
};
/**
 * How often 0, 1, … `bins` − 1 occur along the last axis of `x` (`int32`); other numbers are not counted.
 *
 * @returns `int32` [..., bins]
 */
export const histogram = (x: Value, bins: number): Value => apply1(histogramOp, [x], { bins });
