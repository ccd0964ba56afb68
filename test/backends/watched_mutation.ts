/** @file Bugs in kernels that are looked for on a thread that may hang: a loop without an end is noticed, too. */
import { Worker } from 'node:worker_threads';
import type { Mutant } from './mutants.ts';
import type { MutationOptions, Outcome } from './mutation.ts';
import type { MutationMessage } from './mutation_worker.ts';

/** @param patience milliseconds for one bug; more means that it hangs. */
export async function watchedMutation(
  options: MutationOptions,
  patience: number,
  watch: (outcome: Outcome, number: number) => void = () => {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const add = (outcome: Outcome) => watch(outcome, outcomes.push(outcome));
  while (outcomes.length < options.count) {
    const hanging = await look(options, outcomes.length, patience, add);
    if (hanging) add({ mutant: hanging, caught: 'hangs', cases: 1 });
  }
  return outcomes;
}

/** Tells of outcomes from number `skip` on. @returns the bug that hangs, which ends it early. */
function look(
  options: MutationOptions,
  skip: number,
  patience: number,
  add: (outcome: Outcome) => void,
): Promise<Mutant | undefined> {
  const worker = new Worker(new URL('./mutation_worker.js', import.meta.url), {
    workerData: { options, skip },
  });
  let begun: Mutant | undefined;
  let timer: NodeJS.Timeout | undefined;
  const looking = new Promise<Mutant | undefined>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: MutationMessage) => {
      clearTimeout(timer);
      if (message === undefined) resolve(undefined);
      else if ('begins' in message) {
        begun = message.begins;
        timer = setTimeout(() => resolve(begun), patience);
      } else add(message);
    });
  });
  return looking.finally(() => worker.terminate());
}
