/** @file `tsuno convert`: a model as a file of another format. */
import { stat } from 'node:fs/promises';
import { loadModel, serializeModel, toOnnx } from '../../src/index.ts';
import { modelOperand } from '../model.ts';
import { operand } from '../options.ts';
import { force, outputTo, write } from '../output.ts';
import { verb } from '../verb.ts';
import { visible } from '../visible.ts';

export const convert = verb({
  name: 'convert',
  summary: 'write a model in another format',
  operands: {
    model: modelOperand,
    out: operand('OUT', 'the file to write; its ending says the format'),
  },
  options: { force },
  notes: [
    '.onnx: what the model computes, for other runtimes. .keras: everything, as Keras 3 reads it. .weights.h5: the weights and the optimizer’s state, as Keras 3 reads them. .safetensors: the weights by their paths.',
  ],
  examples: ['tsuno convert mnist.keras mnist.onnx'],
  async run({ words, options }) {
    const endings = ['.onnx', '.safetensors', '.keras', '.weights.h5'] as const;
    const output = await outputTo(words.out, endings, options.force);
    const model = await loadModel(words.model);
    const { path, ending } = output;
    if (ending === '.onnx') await write(output, toOnnx(model));
    else if (ending === '.keras') await write(output, await serializeModel(model));
    else await model.saveWeights(path, { anyKind: options.force });
    const { size } = await stat(path);
    return {
      data: { path, bytes: size },
      text: `${visible(path)} is written, ${size.toLocaleString('en')} bytes.`,
    };
  },
});
