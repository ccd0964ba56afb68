/** @file The stop-watch: warm up, then rounds of many steps each, of which the median, the least and the most count. */

export interface Timing {
  /** Milliseconds a step. */
  median: number;
  min: number;
  max: number;
}

export interface TimingOptions {
  /** Milliseconds to warm up, in which the JavaScript engine compiles its fast code. */
  warmUp: number;
  /** Milliseconds a round should last. */
  round: number;
  rounds: number;
  /** Milliseconds after which no further round begins, once there were three. */
  budget: number;
  /** Most steps of a round. */
  steps: number;
}

export const thorough: TimingOptions = {
  warmUp: 700,
  round: 250,
  rounds: 7,
  budget: 2500,
  steps: 2000,
};
/** For numbers that steady sooner: there are many. */
export const brisk: TimingOptions = { ...thorough, warmUp: 300, rounds: 5, budget: 800 };
/** Numbers that mean nothing, but soon. */
export const hasty: TimingOptions = { warmUp: 0, round: 0, rounds: 1, budget: 0, steps: 2 };

export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function timingOf(numbers: readonly number[]): Timing {
  return { median: medianOf(numbers), min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** Takes a number of steps at a go. */
export type Steps = (steps: number) => Promise<void>;

/** Times `run`, which does a number of steps at a go. */
export async function timeSteps(
  run: Steps,
  { warmUp, round, rounds, budget, steps: most }: TimingOptions,
): Promise<Timing> {
  const time = async (steps: number) => {
    const began = performance.now();
    await run(steps);
    return (performance.now() - began) / steps;
  };
  const began = performance.now();
  let steps = 1;
  let each = await time(steps);
  while (performance.now() - began < warmUp) {
    steps = stepsFor(round / 4, each, most);
    each = await time(steps);
  }
  steps = stepsFor(round, each, most);
  const found: number[] = [];
  const start = performance.now();
  while (found.length < rounds && (found.length < 3 || performance.now() - start < budget))
    found.push(await time(steps));
  return timingOf(found);
}

function stepsFor(milliseconds: number, each: number, most: number): number {
  return Math.max(1, Math.min(most, Math.ceil(milliseconds / Math.max(each, 1e-3))));
}
