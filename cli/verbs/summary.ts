/** @file `tsuno summary`: the table of a model's layers. */
import { loadModel, plots } from '../../src/index.ts';
import { modelOperand } from '../model.ts';
import { flag } from '../options.ts';
import { verb } from '../verb.ts';

export const summary = verb({
  name: 'summary',
  summary: 'print the table of a model’s layers',
  operands: { model: modelOperand },
  options: {
    expandNested: flag('list the layers of models inside the model, too'),
    showTrainable: flag('tell which layers train'),
  },
  examples: ['tsuno summary mnist.keras'],
  async run({ words, options, streams: { out } }) {
    const data = (await loadModel(words.model)).describe();
    const { expandNested, showTrainable } = options;
    const { columns, colour } = out;
    return {
      data,
      text: plots.summaryText(data, { columns, colour, expandNested, showTrainable }),
    };
  },
});
