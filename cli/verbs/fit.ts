/** @file `tsuno fit`: goes on with the training of a model. */
import { callbacks, type History, serializeModel } from '../../src/index.ts';
import { dataNotes, type Samples, samplesOf } from '../data.ts';
import { exitCodes, UsageError } from '../failure.ts';
import { modelOperand, modelToRun, threads, trainingOptions } from '../model.ts';
import { flag, maybeWhole, requiredText, text, whole } from '../options.ts';
import { force, outputTo, write } from '../output.ts';
import { measure } from '../table.ts';
import { progress, verb } from '../verb.ts';
import { visible } from '../visible.ts';

export const fit = verb({
  name: 'fit',
  summary: 'go on with the training of a model',
  operands: { model: modelOperand },
  options: {
    data: requiredText('DATA', 'what to train on'),
    validation: text('DATA', 'what to measure it by after each epoch', 'nothing'),
    epochs: whole('times to go through the data', 1, { least: 0 }),
    batchSize: whole('samples a step', 32),
    take: maybeWhole('use the first N samples alone', 'all'),
    noShuffle: flag('take the samples in their order'),
    seed: maybeWhole('start of the random numbers', 'another each time', {
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
    }),
    threads,
    ...trainingOptions,
    backup: text('FOLDER', 'keep the run here; the same command goes on with it', 'nowhere'),
    backupEvery: maybeWhole('keep it after so many steps, not after each epoch', 'an epoch'),
    out: requiredText('NEW.keras', 'where to write the trained model'),
    force,
  },
  notes: [
    ...dataNotes,
    'Ctrl-C ends the step at hand, writes the model and ends with exit code 130; a second one leaves at once and writes nothing.',
  ],
  examples: [
    'tsuno fit mnist.keras --data mnist --validation mnist:test --epochs 2 --out more.keras',
  ],
  async run({ words, options, streams }) {
    if (options.backupEvery !== undefined && options.backup === undefined)
      throw new UsageError('--backup-every wants --backup FOLDER, where to keep the run');
    const output = await outputTo(options.out, ['.keras'], options.force);
    const model = await modelToRun(words.model, options, streams);
    try {
      const { x, ...labels } = await samplesOf(options.data, 'train', model, options.take);
      const validationData =
        options.validation === undefined
          ? undefined
          : validationOf(await samplesOf(options.validation, 'test', model));
      const { verbose, callbacks: bar } = progress(streams, true);
      // Within the run, so that Ctrl-C does not break it off, and backups stay until there is the model.
      const save = new callbacks.LambdaCallback({
        onTrainEnd: async () => void (await write(output, await serializeModel(model))),
      });
      const history = await model.fit(x, {
        ...labels,
        epochs: options.epochs,
        batchSize: options.batchSize,
        shuffle: !options.noShuffle,
        validationData,
        seed: options.seed,
        verbose,
        callbacks: [...bar, ...backups(options.backup, options.backupEvery), save],
      });
      const { path } = output;
      const { interrupted } = history;
      return {
        data: { path, interrupted, ...history.toJSON() },
        text: `${interrupted ? 'Stopped. ' : ''}${lastLine(history)}The model is in ${visible(path)}.`,
        ...(interrupted ? { code: exitCodes.interrupted } : {}),
      };
    } finally {
      model.close();
    }
  },
});

function validationOf(samples: Samples) {
  return 'y' in samples ? ([samples.x, samples.y] as const) : samples.x;
}

function backups(
  folder: string | undefined,
  saveFreq: number | undefined,
): callbacks.BackupAndRestore[] {
  return folder === undefined ? [] : [new callbacks.BackupAndRestore(folder, { saveFreq })];
}

/** `3 epochs: accuracy 0.9812, loss 0.0612. `; nothing before the first. */
function lastLine({ epoch, history }: History): string {
  if (epoch.length === 0) return '';
  const logs: callbacks.Logs = Object.fromEntries(
    Object.entries(history).map(([name, values]) => [name, values.at(-1)!]),
  );
  return `${epoch.length} ${epoch.length === 1 ? 'epoch' : 'epochs'}: ${inWords(logs)}. `;
}

function inWords(logs: callbacks.Logs): string {
  return Object.entries(logs)
    .map(([name, value]) => `${visible(name)} ${measure(value)}`)
    .join(', ');
}
