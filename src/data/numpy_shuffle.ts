/**
 * @file The order in which NumPy's `RandomState(seed).shuffle` puts a list: Keras splits folders of images by it, and so
 * the same seed gives the same files for training and validation here and there. The generator is MT19937 (Matsumoto
 * and Nishimura 1998).
 */

const size = 624;
const distance = 397;

/** 32 bits at a time. */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(size);
  state[0] = seed;
  for (let i = 1; i < size; i++) {
    const last = state[i - 1]!;
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  let at = size;
  const twist = () => {
    for (let i = 0; i < size; i++) {
      const mixed = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff);
      state[i] = state[(i + distance) % size]! ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    at = 0;
  };
  return () => {
    if (at === size) twist();
    let value = state[at++]!;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  };
}

/**
 * The numbers 0 to `length - 1` as NumPy shuffles them.
 *
 * @param seed 0 to 2³² − 1.
 */
export function numpyShuffle(length: number, seed: number): Uint32Array<ArrayBuffer> {
  const next = mersenneTwister(seed);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j: number;
    do j = (next() & mask) >>> 0;
    while (j > i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
