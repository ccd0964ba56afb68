/**
 * @file Counter-based random numbers: a number is a function of (seed, stream, step, index), never of what was drawn
 * before, so that threads, resuming and the order of work change nothing.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
 * Key: (seed, stream). Counter: (step, index). The engine computes the same function four lanes at a time
 * (`ops/random.ts`).
 */

/** Rotation of each of the 8 round kinds. */
export const threefryRotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** Skein's key-schedule parity. */
export const threefryParity = 0x1bd11bda;

/** The two 32-bit words of Threefry-2x32-20. */
export function threefry(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const keys = [key0, key1, threefryParity ^ key0 ^ key1];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const rotation = threefryRotations[round % 8]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    if (round % 4 === 3) {
      const group = (round + 1) / 4;
      x0 = (x0 + keys[group % 3]!) | 0;
      x1 = (x1 + keys[(group + 1) % 3]! + group) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Named streams of one seed, so that no two uses share numbers. */
export const streams = { shuffle: 1, initializer: 2, layer: 1000 } as const;

/** A sequence over one (seed, stream, step): for host work such as shuffling and initial weights. */
export class RandomSequence {
  private index = 0;
  private spare: number | undefined;
  private readonly seed: number;
  private readonly stream: number;
  private readonly step: number;

  constructor(seed: number, stream: number, step = 0) {
    this.seed = seed | 0;
    this.stream = stream | 0;
    this.step = step | 0;
  }

  /** A 32-bit unsigned integer. */
  uint32(): number {
    if (this.spare !== undefined) {
      const word = this.spare;
      this.spare = undefined;
      return word;
    }
    const [first, second] = threefry(this.seed, this.stream, this.step, this.index++);
    this.spare = second;
    return first;
  }

  /** Uniform in [0, 1), a multiple of 2⁻²⁴, exact in float32. */
  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24;
  }

  /** Uniform integer in [0, bound), without modulo bias (Lemire 2019, by rejection). */
  below(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const word = this.uint32();
      if (word < limit) return word % bound;
    }
  }

  /** Standard normal (Box and Muller 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A permutation of 0 … count-1 (Fisher and Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const swap = order[i]!;
      order[i] = order[j]!;
      order[j] = swap;
    }
    return order;
  }
}
