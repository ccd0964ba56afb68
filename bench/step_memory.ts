/**
 * @file Memory of a training step: the arena of its plan beside the activations that it must keep, which are the most bytes of
 * values that lie between two kernels: made before, and read behind. Nothing is run.
 */
import type { Place, Plan } from '../src/plan/plan.ts';
import { stepPlans } from './step_plans.ts';
import { digits, table } from './tables.ts';

export interface StepMemory {
  name: string;
  batch: number;
  /** What all kernels together write into: values, and private memory of two threads. */
  arenaBytes: number;
  keptBytes: number;
}

/** The most bytes of values that are made before some kernel ends, and read behind it. */
function keptBytes({ once, kernels }: Plan): number {
  const all = [...once, ...kernels];
  const spans = new Map<Place, { from: number; to: number }>();
  all.forEach(({ inputs, outputs }, position) => {
    // What is made once lasts through every step.
    const to = position < once.length ? all.length : position;
    for (const place of outputs)
      if (place.region === 'arena') spans.set(place, { from: position, to });
    for (const place of inputs) {
      const span = spans.get(place);
      if (span) span.to = Math.max(span.to, position);
    }
  });
  const between = all.map((_, position) =>
    [...spans]
      .filter(([, { from, to }]) => from <= position && to > position)
      .reduce((sum, [{ bytes }]) => sum + bytes, 0),
  );
  return Math.max(...between);
}

/** Of all networks and batches that are measured. */
export function stepMemories(): StepMemory[] {
  return stepPlans(1).map(({ name, batch, plan }) => ({
    name,
    batch,
    arenaBytes: plan.arenaBytes,
    keptBytes: keptBytes(plan),
  }));
}

export function stepMemoryTable(memories: readonly StepMemory[]): string {
  const head = ['network, batch', 'a step takes, MiB', 'it must keep, MiB', 'more, %'];
  const lines = memories.map(({ name, batch, arenaBytes, keptBytes }) => [
    `${name}, ${batch}`,
    digits(arenaBytes / 2 ** 20),
    digits(keptBytes / 2 ** 20),
    (100 * (arenaBytes / keptBytes - 1)).toFixed(0),
  ]);
  return `## Memory of a training step\n\n${table(head, lines)}`;
}
