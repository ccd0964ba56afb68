/**
 * @file The global seed: where randomness starts that nobody gave a seed of its own. Every call of `nextSeed` gives
 * another number, a function of the global seed and of how many were taken before, so that the same program with the
 * same seed builds the same weights.
 */
import { show, TsunoError } from './errors.ts';
import { streams, threefry } from './random.ts';

let globalSeed = Math.floor(Math.random() * 2 ** 32);
let taken = 0;

/**
 * Makes everything that follows repeatable: first weights, shuffling, dropout.
 *
 * @param seed a whole number; its low 32 bits count.
 * @throws TsunoError `ARGUMENT` for anything else.
 * @see https://keras.io/api/utils/python_utils/#setrandomseed-function
 * @example
 * ```ts
 * setRandomSeed(7);
 * const first = nextSeed();
 * setRandomSeed(7);
 * nextSeed() === first; // true
 * ```
 */
export function setRandomSeed(seed: number): void {
  if (!Number.isSafeInteger(seed)) {
    throw new TsunoError('ARGUMENT', {
      where: 'setRandomSeed',
      what: 'seed',
      expected: 'a whole number',
      found: show(seed),
    });
  }
  globalSeed = seed >>> 0;
  taken = 0;
}

/** The next number (32 bits, unsigned) derived from the global seed. */
export function nextSeed(): number {
  return threefry(globalSeed, streams.initializer, 0, taken++)[0];
}
