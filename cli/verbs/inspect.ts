/** @file `tsuno inspect`: a step of a model at a stage between its layers and WebAssembly. */
import { inspect as inspectModel, inspectStages, loadModel } from '../../src/index.ts';
import { modelOperand } from '../model.ts';
import { choice, whole } from '../options.ts';
import { verb } from '../verb.ts';
import { visible } from '../visible.ts';

export const inspect = verb({
  name: 'inspect',
  summary: 'print what becomes of a step of training, stage by stage',
  operands: { model: modelOperand },
  options: {
    stage: choice(inspectStages, 'which stage'),
    batchSize: whole('samples a step', 32, { most: 65_536 }),
    threads: whole('threads the plan is for', 2, { most: 256 }),
  },
  notes: [
    'graph: what the layers ask for. gradient: with the gradients and the optimizer’s update. passes: after each pass that changes the graph. plan: kernels in order, and where values lie. kernels: the functions in WebAssembly. A model that does not say how it is trained shows a step of prediction, which has no gradient.',
  ],
  examples: ['tsuno inspect mnist.keras --stage graph'],
  async run({ words, options }) {
    const { stage, batchSize, threads } = options;
    const text = inspectModel(await loadModel(words.model), stage, { batchSize, threads });
    return { data: { stage, text }, text: text.split('\n').map(visible).join('\n') };
  },
});
