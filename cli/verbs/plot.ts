/** @file `tsuno plot`: the diagram of a model as a picture. */
import { loadModel, plots } from '../../src/index.ts';
import { modelOperand } from '../model.ts';
import { choice, flag, requiredText, whole } from '../options.ts';
import { force, outputTo, write } from '../output.ts';
import { verb } from '../verb.ts';
import { visible } from '../visible.ts';

export const plot = verb({
  name: 'plot',
  summary: 'draw a model as boxes and arrows',
  operands: { model: modelOperand },
  options: {
    out: requiredText('FILE', 'where to write it, .svg or .png'),
    noShapes: flag('leave out what goes in and out of the layers'),
    names: flag('tell the names of layers beside their classes'),
    activations: flag('tell activations'),
    expandNested: flag('draw models inside the model open'),
    direction: choice(['TB', 'LR'], 'from top to bottom or from left to right', 'TB'),
    dpi: whole('dots per inch', 200, { most: 2400 }),
    force,
  },
  examples: ['tsuno plot mnist.keras --out mnist.svg'],
  async run({ words, options }) {
    const output = await outputTo(options.out, ['.svg', '.png'], options.force);
    const model = await loadModel(words.model);
    const svg = await plots.model(model, undefined, {
      showShapes: !options.noShapes,
      showLayerNames: options.names,
      showLayerActivations: options.activations,
      expandNested: options.expandNested,
      rankdir: options.direction,
      dpi: options.dpi,
    });
    const data = await write(output, output.ending === '.svg' ? svg : await plots.svgToPng(svg));
    return { data, text: `The diagram is in ${visible(data.path)}.` };
  },
});
