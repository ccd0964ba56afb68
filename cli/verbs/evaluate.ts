/** @file `tsuno evaluate`: loss and metrics of a model on data. */
import { dataNote, datasetOf } from '../data.ts';
import { measureOptions, modelToRun, threads } from '../model.ts';
import { maybeWhole, operand, requiredText, whole } from '../options.ts';
import { measure, table } from '../table.ts';
import { progress, verb } from '../verb.ts';

export const evaluate = verb({
  name: 'evaluate',
  summary: 'measure a model on data: its loss and its metrics',
  operands: { model: operand('MODEL.keras', 'the model, with what it was compiled with') },
  options: {
    data: requiredText('DATA', 'what to measure it by; mnist is mnist:test'),
    batchSize: whole('samples a step', 32),
    take: maybeWhole('use the first N samples alone', 'all'),
    threads,
    ...measureOptions,
  },
  notes: [dataNote],
  examples: ['tsuno evaluate mnist.keras --data mnist'],
  async run({ words, options, streams }) {
    const model = await modelToRun(words.model, options, streams);
    try {
      const all = await datasetOf(options.data, 'test', model);
      const data = options.take === undefined ? all : all.take(options.take);
      const { batchSize } = options;
      const logs = await model.evaluate(data, { batchSize, ...progress(streams, false) });
      const rows = Object.entries(logs).map(([name, value]) => [name, measure(value)]);
      return { data: logs, text: table([['measure'], ['value', 'right']], rows, streams.out) };
    } finally {
      model.close();
    }
  },
});
