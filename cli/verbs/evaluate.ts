/** @file `tsuno evaluate`: loss and metrics of a model on data. */
import { dataNotes, samplesOf } from '../data.ts';
import { measureOptions, modelOperand, modelToRun, threads } from '../model.ts';
import { maybeWhole, requiredText, whole } from '../options.ts';
import { measure, table } from '../table.ts';
import { progress, verb } from '../verb.ts';

export const evaluate = verb({
  name: 'evaluate',
  summary: 'measure a model on data: its loss and its metrics',
  operands: { model: modelOperand },
  options: {
    data: requiredText('DATA', 'what to measure it by; mnist is mnist:test'),
    batchSize: whole('samples a step', 32),
    take: maybeWhole('use the first N samples alone', 'all'),
    threads,
    ...measureOptions,
  },
  notes: dataNotes,
  examples: ['tsuno evaluate mnist.keras --data mnist'],
  async run({ words, options, streams }) {
    const model = await modelToRun(words.model, options, streams);
    try {
      const { x, ...labels } = await samplesOf(options.data, 'test', model, options.take);
      const { batchSize } = options;
      const shown = progress(streams, false);
      const logs = await model.evaluate(x, { ...labels, batchSize, ...shown });
      const rows = Object.entries(logs).map(([name, value]) => [name, measure(value)]);
      return { data: logs, text: table([['measure'], ['value', 'right']], rows, streams.out) };
    } finally {
      model.close();
    }
  },
});
