/** @file Looks for bugs one after another and tells of each before and after, so that who started this can tell which hangs. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Mutant } from './mutants.ts';
import { type MutationOptions, mutation, type Outcome } from './mutation.ts';

/** A bug that is about to be looked for, what came of it, or nothing at the end. */
export type MutationMessage = { begins: Mutant } | Outcome | undefined;

const tell = (message: MutationMessage) => parentPort!.postMessage(message);
const { options, skip } = workerData as { options: MutationOptions; skip: number };
for await (const outcome of mutation(options, skip, (begins) => tell({ begins }))) tell(outcome);
tell(undefined);
