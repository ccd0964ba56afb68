/** @file A further thread of a profile: takes as many steps as it is told and answers with its times. */
import { parentPort, workerData } from 'node:worker_threads';
import { pieceRunner, type StepPieces } from './profile_steps.ts';

const { pieces, thread } = workerData as { pieces: StepPieces; thread: number };
const run = pieceRunner(pieces, thread);
parentPort?.on('message', (steps: number) => parentPort?.postMessage(run(steps)));
parentPort?.postMessage('ready');
