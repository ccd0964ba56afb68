/** @file Looks for bugs one after another and tells of each, so that whoever started this can tell a bug that hangs. */
import { parentPort, workerData } from 'node:worker_threads';
import { mutation } from './mutation.ts';

const { count, seed, perFamily, skip } = workerData as Record<string, number>;
for await (const outcome of mutation(count!, seed!, perFamily!, skip!))
  parentPort!.postMessage(outcome);
parentPort!.postMessage(undefined);
