/** @file `tsuno predict`: what a model says about images or arrays. */
import { type Tensor, writeNpy, writeNpz } from '../../src/index.ts';
import { UsageError } from '../failure.ts';
import { inputOf } from '../input.ts';
import { modelOperand, modelToRun, threads } from '../model.ts';
import { list, maybeWhole, operands, text, whole } from '../options.ts';
import { force, type Output as OutputFile, outputTo, write } from '../output.ts';
import { outputOf, predictionsOf, predictionTable } from '../predictions.ts';
import { progress, verb } from '../verb.ts';
import { visible } from '../visible.ts';

export const predict = verb({
  name: 'predict',
  summary: 'tell what a model says about images',
  operands: {
    model: modelOperand,
    inputs: operands('INPUT', 'image files, or one data set, folder or file of arrays'),
  },
  options: {
    out: text('FILE.npy', 'write all numbers to a file of NumPy', 'none'),
    classes: list('NAMES', 'names of the classes, with commas', 'those of the data'),
    rows: whole('rows to print', 20, { least: 0 }),
    take: maybeWhole('use the first N samples alone', 'all'),
    batchSize: whole('samples a step', 32),
    threads,
    force,
  },
  notes: [
    'INPUT is PNG, JPEG or WebP files, which get the size and the channels of the model’s input; or what fit takes as DATA; or an .npy, .npz or .safetensors file with x.',
    'A model of several inputs wants an .npz or .safetensors file with an array for each, under its name. --out FILE.npz writes an array for each output, under its name.',
  ],
  examples: ['tsuno predict mnist.keras seven.png', 'tsuno predict mnist.keras mnist --take 5'],
  async run({ words, options, streams }) {
    const { out, batchSize, classes } = options;
    const file =
      out === undefined ? undefined : await outputTo(out, ['.npy', '.npz'], options.force);
    const model = await modelToRun(words.model, options, streams, false);
    try {
      const names = model.outputNames;
      checkOutputs(names, file, classes);
      const { x, ...given } = await inputOf(words.inputs, model, options.take);
      const shown = progress(streams, false);
      const found = await model.predictAll(x, { batchSize, ...shown });
      checkClasses(classes, found);
      const saved = file && (await write(file, bytesOf(file, names, found)));
      const classNames = names.length === 1 ? (classes ?? given.classNames) : undefined;
      const outputs = found.map((tensor, i) =>
        outputOf(names[i]!, tensor, given.labels?.[i], classNames),
      );
      const inputs = Array.from({ length: found[0]!.length }, (_, i) => given.names?.[i] ?? i);
      return {
        data: {
          predictions: predictionsOf(inputs, outputs),
          ...(saved ? { path: saved.path } : {}),
        },
        text: [
          predictionTable(inputs, outputs, options.rows, streams.out),
          ...(saved ? [`All numbers are in ${visible(saved.path)}.\n`] : []),
        ].join(''),
      };
    } finally {
      model.close();
    }
  },
});

/** @throws UsageError for options that are for a model of one output, where there are several. */
function checkOutputs(
  names: readonly string[],
  file: OutputFile | undefined,
  classes: readonly string[] | undefined,
): void {
  if (names.length === 1) return;
  const several = `the model has several outputs (${names.join(', ')})`;
  if (classes) throw new UsageError(`--classes is for one output; ${several}`);
  if (file?.ending === '.npy') throw new UsageError(`${several}: --out must end in .npz`);
}

/** @throws UsageError where there is not one name for each class. */
function checkClasses(
  classes: readonly string[] | undefined,
  [found]: readonly Tensor<'float32'>[],
): void {
  const count = found?.rank === 2 ? found.shape[1]! : undefined;
  if (classes && count !== undefined && classes.length !== count)
    throw new UsageError(
      `--classes must be ${count} names, one a class, received ${classes.length}`,
    );
}

function bytesOf(
  { ending }: OutputFile,
  names: readonly string[],
  found: readonly Tensor<'float32'>[],
): Uint8Array {
  if (ending === '.npy') return writeNpy(found[0]!);
  return writeNpz(new Map(found.map((tensor, i) => [names[i]!, tensor])));
}
