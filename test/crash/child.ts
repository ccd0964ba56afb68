/**
 * @file A program that is killed: trains the run that has everything, keeping it every 5 batches. In: a folder and a number
 * of threads. Out: `begun` when the first backup is written or found, then the hash of the end.
 */
import { BackupAndRestore, LambdaCallback } from '../../src/callbacks/index.ts';
import { hashOf, modelOf, train } from './specimen.ts';

const [folder, threads] = process.argv.slice(2);
const specimen = { factor: 'all', threads: Number(threads) } as const;
const model = modelOf(specimen);
const tell = new LambdaCallback({ onTrainBegin: () => void process.stdout.write('begun\n') });
const backup = new BackupAndRestore(folder!, { saveFreq: 5 });
const history = await train(model, specimen, [tell, backup]);
process.stdout.write(`${hashOf(model, history)}\n`);
model.close();
