/**
 * @file Random numbers inside a graph: the element at `index` is Threefry-2x32 of key (seed, stream) and counter
 * (step, index), as `core/random.ts` computes it on the host.
 */
import { threefry, threefryParity, threefryRotations } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Lanes } from '../ir/lanes.ts';
import type { Op } from '../ir/op.ts';

export interface RandomAttrs {
  shape: Shape;
  /** Which use of randomness this is; no two uses of a model share it. */
  stream: number;
}

function threefryLanes<L>(k: Lanes<L>, key0: L, key1: L, counter0: L, counter1: L): L {
  const keys = [key0, key1, k.xor(k.xor(key0, key1), k.int(threefryParity))];
  let x0 = k.intAdd(counter0, key0);
  let x1 = k.intAdd(counter1, key1);
  for (let round = 0; round < 20; round++) {
    const rotation = threefryRotations[round % 8]!;
    x0 = k.intAdd(x0, x1);
    x1 = k.xor(k.or(k.shiftLeft(x1, rotation), k.shiftRightUnsigned(x1, 32 - rotation)), x0);
    if (round % 4 === 3) {
      const group = (round + 1) / 4;
      x0 = k.intAdd(x0, keys[group % 3]!);
      x1 = k.intAdd(k.intAdd(x1, keys[(group + 1) % 3]!), k.int(group));
    }
  }
  return x0;
}

export const randomUniformOp: Op<RandomAttrs, 'random_uniform'> = {
  name: 'random_uniform',
  infer: (_inputs, { shape }) => [{ shape, dtype: 'float32' }],
  elementwise: {
    scalar: ([seed, step], { stream }, index) =>
      (threefry(seed!, stream, step!, index)[0] >>> 8) * 2 ** -24,
    lanes: (k, [seed, step], { stream }) => {
      const bits = threefryLanes(k, seed!, k.int(stream), step!, k.index());
      return k.mul(k.toFloat(k.shiftRightUnsigned(bits, 8)), k.float(2 ** -24));
    },
  },
};
/** Uniform in [0, 1), a multiple of 2⁻²⁴. `seed` and `step` are `int32` scalars. */
export function randomUniform(seed: Value, step: Value, attrs: RandomAttrs): Value {
  return apply1(randomUniformOp, [seed, step], attrs);
}
