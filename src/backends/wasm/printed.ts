/** @file A step on its way to WebAssembly, as text: its passes, its plan, its functions. */
import type { Graph } from '../../ir/graph.ts';
import { runPasses } from '../../passes/index.ts';
import { makePlan, type PlanOptions } from '../../plan/plan.ts';
import { printPlan } from '../../plan/print.ts';
import { printFunction } from './assembler/text.ts';
import { emitModule, kernelOf } from './emit.ts';
import { passesFor } from './lowering/passes.ts';

export interface PrintedStep {
  /** Kernels in order, and where values lie. */
  plan: string;
  /** All functions of the module in the text format of WebAssembly, in portable arithmetic. */
  functions: string[];
}

/**
 * What becomes of a step's graph. Variables get addresses as if memory held nothing else.
 *
 * @param watch sees the graph after each pass.
 */
export function printStep(
  step: Graph,
  options: Omit<PlanOptions, 'cost'>,
  watch?: (name: string, graph: Graph) => void,
): PrintedStep {
  const lowered = runPasses(step, passesFor[1], watch);
  const plan = makePlan(lowered, { ...options, cost: kernelOf });
  const variables = plan.variables.map((_, i) => 65536 + i * 4096);
  const functions: string[] = [];
  emitModule(plan, {
    arithmetic: 'portable',
    variables,
    watch: (fn) => functions.push(printFunction(fn)),
  });
  return { plan: printPlan(plan), functions };
}
