/** @file The plans of the training steps that are measured, without running them. */
import { kernelOf } from '../src/backends/wasm/emit.ts';
import type { Join } from '../src/backends/wasm/kernel.ts';
import { passesFor } from '../src/backends/wasm/lowering/passes.ts';
import { runPasses } from '../src/passes/index.ts';
import { makePlan, type Plan } from '../src/plan/plan.ts';
import { haltName } from '../src/train/health.ts';
import { networks, syntheticData } from './networks.ts';
import { Subject } from './subject.ts';

export interface StepPlan {
  name: string;
  batch: number;
  plan: Plan;
}

/** Of all networks and batches, for two threads; `join`: how many vectors are joined. */
export function stepPlans(join: Join): StepPlan[] {
  return Object.entries(networks).flatMap(([name, network]) =>
    network.batches.map((batch) => {
      const { images, labels } = syntheticData(network, batch);
      const graph = Subject.trainGraph(network.build(), images, labels, network.optimizer(), batch);
      const options = { threads: 2, cost: kernelOf, halt: haltName };
      return { name, batch, plan: makePlan(runPasses(graph, passesFor[join]), options) };
    }),
  );
}
