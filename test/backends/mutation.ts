/** @file Which cases run which kernel, and whether they notice a bug in it. */

import { kernelOf } from '../../src/backends/wasm/emit.ts';
import { bestArithmetic } from '../../src/backends/wasm/features.ts';
import { KernelBuilder } from '../../src/backends/wasm/kernel.ts';
import { passesFor } from '../../src/backends/wasm/lowering/passes.ts';
import type { Node } from '../../src/ir/graph.ts';
import { runPasses } from '../../src/passes/index.ts';
import { makePlan } from '../../src/plan/plan.ts';
import { cases } from './cases.ts';
import { buildCase, type Case } from './judge.ts';
import { drawMutants, type Mutant, putBug } from './mutants.ts';
import { Draw, families } from './random_cases.ts';
import { sampleCases } from './sample_cases.ts';
import { judgeInZones } from './zone_judge.ts';

interface CaseOf {
  one: Case;
  seed: number;
  node: Node;
}

/** The cases of the table and `perFamily` random ones a family, by the kernels they run. */
function corpus(perFamily: number): Map<string, CaseOf[]> {
  const all: { one: Case; seed: number }[] = [];
  for (let seed = 1; seed <= perFamily; seed++)
    Object.values(families).forEach((family, number) => {
      all.push({ one: family(new Draw(seed, number)), seed });
    });
  [...cases, ...sampleCases].forEach((one, seed) => {
    all.push({ one, seed });
  });
  const byKernel = new Map<string, CaseOf[]>();
  for (const { one, seed } of all) {
    const plan = makePlan(runPasses(buildCase(one), passesFor[1]), { threads: 1, cost: kernelOf });
    const nodes = new Map([...plan.once, ...plan.kernels].map(({ node }) => [node.op.name, node]));
    for (const [kernel, node] of nodes)
      byKernel.set(kernel, [...(byKernel.get(kernel) ?? []), { one, seed, node }]);
  }
  return byKernel;
}

function hasPlace(mutant: Mutant, { node }: CaseOf): boolean {
  const fn = new KernelBuilder('probe', node.inputs.length, node.outputs.length, 'portable');
  kernelOf(node).emit(fn);
  return putBug(mutant, node, fn);
}

export interface Outcome {
  mutant: Mutant;
  /** What the first case to notice says; `undefined`: none does. */
  caught: string | undefined;
  /** Cases that were run. */
  cases: number;
}

export interface MutationOptions {
  /** Bugs, and the seed by which they are drawn. */
  count: number;
  seed: number;
  /** Random cases a family. */
  perFamily: number;
}

/**
 * Draws bugs and lets the cases look for each in turn, from number `skip` on.
 *
 * @param begin is told of each before the cases run.
 */
export async function* mutation(
  { count, seed, perFamily }: MutationOptions,
  skip: number,
  begin: (mutant: Mutant) => void,
): AsyncGenerator<Outcome> {
  const best = await bestArithmetic();
  const byKernel = corpus(perFamily);
  const mutants = drawMutants([...byKernel.keys()].sort(), count, seed, (mutant) =>
    byKernel
      .get(mutant.kernel)!
      .slice(0, 8)
      .some((known) => hasPlace(mutant, known)),
  );
  for (const mutant of mutants.slice(skip)) {
    begin(mutant);
    yield judgeMutant(mutant, byKernel.get(mutant.kernel)!, best);
  }
}

function judgeMutant(
  mutant: Mutant,
  known: readonly CaseOf[],
  best: Parameters<typeof judgeInZones>[2],
): Outcome {
  let ran = 0;
  for (const { one, seed } of known) {
    ran++;
    try {
      judgeInZones(one, seed, best, (node, fn) => putBug(mutant, node, fn));
    } catch (error) {
      // A module that is not valid would be noticed by anything.
      if (error instanceof WebAssembly.CompileError) throw error;
      const [text] = String(error instanceof Error ? error.message : error).split('\n');
      return { mutant, caught: `${one.name}: ${text}`, cases: ran };
    }
  }
  return { mutant, caught: undefined, cases: ran };
}
