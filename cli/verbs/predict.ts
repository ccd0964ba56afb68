/** @file `tsuno predict`: what a model says about images or arrays. */
import { type Tensor, writeNpy } from '../../src/index.ts';
import { inputOf, type PredictInput } from '../input.ts';
import { modelToRun, threads } from '../model.ts';
import { list, maybeWhole, operand, operands, text, whole } from '../options.ts';
import { force, outputTo, write } from '../output.ts';
import type { Stream } from '../streams.ts';
import { type Column, table } from '../table.ts';
import { progress, verb } from '../verb.ts';
import { visible } from '../visible.ts';

export const predict = verb({
  name: 'predict',
  summary: 'tell what a model says about images',
  operands: {
    model: operand('MODEL.keras', 'the model'),
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
    'INPUT is PNG or JPEG files, which get the size and the channels of the model’s input; or what fit takes as DATA; or an .npy, .npz or .safetensors file with x.',
  ],
  examples: ['tsuno predict mnist.keras seven.png', 'tsuno predict mnist.keras mnist --take 5'],
  async run({ words, options, streams }) {
    const output =
      options.out === undefined ? undefined : await outputTo(options.out, ['.npy'], options.force);
    const model = await modelToRun(words.model, options, streams, false);
    try {
      const input = await inputOf(words.inputs, model, options.take);
      const { batchSize } = options;
      const found = await model.predict(input.x, { batchSize, ...progress(streams, false) });
      const saved = output && (await write(output, writeNpy(found)));
      const predictions = describe(found, {
        ...input,
        classNames: options.classes ?? input.classNames,
      });
      return {
        data: { predictions, ...(saved ? { path: saved.path } : {}) },
        text: [
          show(predictions, found, options.rows, streams.out),
          ...(saved ? [`All numbers are in ${visible(saved.path)}.\n`] : []),
        ].join(''),
      };
    } finally {
      model.close();
    }
  },
});

/** What is told of one sample. */
interface Prediction {
  /** The file, or the number of the sample. */
  input: string | number;
  /** The class with the largest value; none where there is one value only. */
  class?: number;
  name?: string;
  /** The right class, where the data tell it. */
  label?: number;
  /** What the model gave; a probability each where they are some. */
  values: readonly number[];
}

function describe(
  found: Tensor<'float32'>,
  { names, labels, classNames }: Omit<PredictInput, 'x'>,
): Prediction[] {
  const width = found.size / Math.max(1, found.length);
  const classes = found.rank === 2 && width > 1 ? found.argMax() : undefined;
  return Array.from({ length: found.length }, (_, i) => {
    const best = classes?.[i];
    const name = best === undefined ? undefined : classNames?.[best];
    const label = labels?.[i];
    return {
      input: names?.[i] ?? i,
      ...(best === undefined ? {} : { class: best }),
      ...(name === undefined ? {} : { name }),
      ...(label === undefined ? {} : { label }),
      values: Array.from(found.data.subarray(i * width, (i + 1) * width), shortest),
    };
  });
}

/** The fewest digits that are this `float32`. */
function shortest(value: number): number {
  const digits = [6, 7, 8].find((count) => Math.fround(Number(value.toPrecision(count))) === value);
  return Number(value.toPrecision(digits ?? 9));
}

/** Numbers that are not negative and add up to one. */
function areProbabilities({ values }: Prediction): boolean {
  const sum = values.reduce((all, value) => all + value, 0);
  return values.every((value) => value >= 0) && Math.abs(sum - 1) < 1e-3;
}

function show(
  predictions: readonly Prediction[],
  { shape }: Tensor,
  rows: number,
  stream: Stream,
): string {
  const shown = predictions.slice(0, rows);
  const left = predictions.length - shown.length;
  const rest = left > 0 ? `… and ${left.toLocaleString('en')} more.\n` : '';
  if (predictions[0]?.class === undefined && predictions[0]?.values.length !== 1) {
    return `${predictions.length} outputs of shape ${JSON.stringify(shape.slice(1))}; --out or --json tells their numbers.\n`;
  }
  const value = predictions.every(areProbabilities) ? 'probability' : 'value';
  const hasLabels = predictions.some(({ label }) => label !== undefined);
  const columns: Column[] = [
    ['input'],
    ...(predictions[0].class === undefined ? [] : [['class'] as const]),
    [value, 'right'],
    ...(predictions[0].class === undefined ? [] : [['then'] as const]),
    ...(hasLabels ? [['label'] as const] : []),
  ];
  const lines = shown.map((one) => [...cells(one), ...(hasLabels ? [mark(one)] : [])]);
  return `${table(columns, lines, stream)}${rest}`;
}

function cells({ input, class: best, name, values }: Prediction): string[] {
  if (best === undefined) return [String(input), values[0]!.toFixed(4)];
  const second = values.reduce(
    (most, value, i) => (i !== best && (most < 0 || value > values[most]!) ? i : most),
    -1,
  );
  const title = name === undefined || name === String(best) ? String(best) : `${best} ${name}`;
  return [
    String(input),
    title,
    values[best]!.toFixed(4),
    `${second} ${values[second]!.toFixed(4)}`,
  ];
}

function mark({ class: best, label }: Prediction): string {
  return label === undefined ? '' : `${label}${label === best ? '' : ' ✗'}`;
}
