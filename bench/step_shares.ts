/**
 * @file How a training step's work falls to threads. A kernel's work is cut into units, which the shapes fix; the thread with
 * the most units sets the pace. What the table says is the most that so many threads could gain if nothing else held them up.
 */
import { kernelOf } from '../src/backends/wasm/emit.ts';
import type { Plan } from '../src/plan/plan.ts';
import { stepPlans } from './step_plans.ts';
import { table } from './tables.ts';

export const threadCounts = [2, 4, 8, 16] as const;

export interface StepShares {
  name: string;
  batch: number;
  /** How many times as fast as one thread, for each of {@link threadCounts}. */
  speedups: readonly number[];
}

/** Of all networks and batches that are measured, for vectors that are joined. */
export function stepShares(): StepShares[] {
  return stepPlans(2).map(({ name, batch, plan }) => ({
    name,
    batch,
    speedups: threadCounts.map((threads) => pace(plan, 1) / pace(plan, threads)),
  }));
}

/** The work of the thread with the most, kernel by kernel. */
function pace({ kernels }: Plan, threads: number): number {
  return kernels.reduce((sum, { node, units, spread }) => {
    const { work } = kernelOf(node);
    return sum + (spread ? (work * Math.ceil(units / threads)) / units : work);
  }, 0);
}

export function stepSharesTable(shares: readonly StepShares[]): string {
  const head = ['network, batch', ...threadCounts.map((threads) => `${threads} threads`)];
  const lines = shares.map(({ name, batch, speedups }) => [
    `${name}, ${batch}`,
    ...speedups.map((speedup) => speedup.toFixed(1)),
  ]);
  return `## What threads could gain at most\n\n${table(head, lines)}`;
}
