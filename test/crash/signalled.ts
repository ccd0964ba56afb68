/**
 * @file A program that trains for long and is sent a signal. In: a folder for backups, which come at ends of epochs alone.
 * Out: `begun` in the first epoch.
 */
import { BackupAndRestore, LambdaCallback } from '../../src/callbacks/index.ts';
import { smallModel, stripes } from '../support/small_models.ts';

const tell = new LambdaCallback({ onEpochBegin: () => void process.stdout.write('begun\n') });
const model = smallModel();
await model.fit(stripes(200_000), {
  epochs: 1,
  batchSize: 2,
  seed: 1,
  verbose: 0,
  callbacks: [tell, new BackupAndRestore(process.argv[2]!)],
});
model.close();
