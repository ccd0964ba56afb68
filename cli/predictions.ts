/** @file What a model said about samples: for machines, and as a table for people. */
import type { Tensor } from '../src/index.ts';
import type { Stream } from './streams.ts';
import { type Column, measure, table } from './table.ts';

/** What one output gave for one sample. */
export interface Answer {
  /** The class with the largest value; none where the output is no row of several values. */
  class?: number;
  name?: string;
  /** What is right, where the data tell it: the class, or the value. */
  label?: number;
  /** What the model gave; a probability each where they are some. */
  values: readonly number[];
}

/** One output of a model, over all samples. */
export interface Output {
  name: string;
  /** Of a sample. */
  shape: readonly number[];
  answers: readonly Answer[];
}

/** What an output gave. @param labels what is right, where they are a number a sample. */
export function outputOf(
  name: string,
  found: Tensor<'float32'>,
  labels: Tensor | undefined,
  classNames: readonly string[] | undefined,
): Output {
  const width = found.size / Math.max(1, found.length);
  const classes = found.rank === 2 && width > 1 ? found.argMax() : undefined;
  const right =
    labels?.size === found.length && labels.length === found.length ? labels.data : undefined;
  const answers = Array.from({ length: found.length }, (_, i): Answer => {
    const best = classes?.[i];
    const title = best === undefined ? undefined : classNames?.[best];
    const label = right?.[i];
    return {
      ...(best === undefined ? {} : { class: best }),
      ...(title === undefined ? {} : { name: title }),
      ...(label === undefined ? {} : { label: shortest(label) }),
      values: Array.from(found.data.subarray(i * width, (i + 1) * width), shortest),
    };
  });
  return { name, shape: found.shape.slice(1), answers };
}

/** The fewest digits that are this `float32`. */
function shortest(value: number): number {
  const digits = [6, 7, 8].find((count) => Math.fround(Number(value.toPrecision(count))) === value);
  return Number(value.toPrecision(digits ?? 9));
}

/** For machines: of one output `class`, `values`, …; of several those by the names of the outputs. */
export function predictionsOf(
  inputs: readonly (string | number)[],
  outputs: readonly Output[],
): readonly Readonly<Record<string, unknown>>[] {
  const [only] = outputs;
  return inputs.map((input, i) =>
    outputs.length === 1
      ? { input, ...only!.answers[i] }
      : { input, outputs: Object.fromEntries(outputs.map((one) => [one.name, one.answers[i]])) },
  );
}

/** For people: a table of the first `rows` samples. */
export function predictionTable(
  inputs: readonly (string | number)[],
  outputs: readonly Output[],
  rows: number,
  stream: Stream,
): string {
  const shown = inputs.slice(0, rows);
  const left = inputs.length - shown.length;
  const rest = left > 0 ? `… and ${left.toLocaleString('en')} more.\n` : '';
  const [only] = outputs;
  if (outputs.length === 1 && isOther(only!)) {
    return `${inputs.length} outputs of ${sizeOf(only!)}; --out or --json tells their numbers.\n`;
  }
  const parts = outputs.length === 1 ? columnsOfOne(only!) : outputs.map(columnOfMany);
  const columns: Column[] = [['input'], ...parts.map(({ column }) => column)];
  const lines = shown.map((input, i) => [String(input), ...parts.map(({ cell }) => cell(i))]);
  return `${table(columns, lines, stream)}${rest}`;
}

/** A column and what it holds for sample `i`. */
interface Part {
  column: Column;
  cell(i: number): string;
}

function columnsOfOne(output: Output): Part[] {
  const { answers } = output;
  const hasLabels = answers.some(({ label }) => label !== undefined);
  const label: Part = {
    column: ['label'],
    cell: (i) => `${labelText(answers[i]!)}${isWrong(answers[i]!) ? ' ✗' : ''}`,
  };
  const labels = hasLabels ? [label] : [];
  if (answers[0]?.class === undefined) {
    const value: Part = {
      column: ['value', 'right'],
      cell: (i) => answers[i]!.values[0]!.toFixed(4),
    };
    return [value, ...labels];
  }
  const value = answers.every(areProbabilities) ? 'probability' : 'value';
  return [
    { column: ['class'], cell: (i) => titleOf(answers[i]!) },
    {
      column: [value, 'right'],
      cell: (i) => answers[i]!.values[answers[i]!.class!]!.toFixed(4),
    },
    { column: ['then'], cell: (i) => runnerUp(answers[i]!) },
    ...labels,
  ];
}

/** One of several outputs: class and value, or the value, and what is right where that is another class. */
function columnOfMany(output: Output): Part {
  const { name, answers } = output;
  return {
    column: [name],
    cell(i) {
      if (isOther(output)) return sizeOf(output);
      const answer = answers[i]!;
      const { class: best, values } = answer;
      if (best === undefined) return values[0]!.toFixed(4);
      const wrong = isWrong(answer) ? ` ✗ ${labelText(answer)}` : '';
      return `${titleOf(answer)} ${values[best]!.toFixed(4)}${wrong}`;
    },
  };
}

/** Whether an output is neither a row of values nor one value, so that there is no class to tell. */
function isOther({ answers }: Output): boolean {
  const [first] = answers;
  return first !== undefined && first.class === undefined && first.values.length !== 1;
}

function sizeOf({ shape }: Output): string {
  return `shape [${shape.join(', ')}]`;
}

function titleOf({ class: best, name }: Answer): string {
  return name === undefined || name === String(best) ? String(best) : `${best} ${name}`;
}

/** The class that comes second, and its value. */
function runnerUp({ class: best, values }: Answer): string {
  const second = values.reduce(
    (most, value, i) => (i !== best && (most < 0 || value > values[most]!) ? i : most),
    -1,
  );
  return `${second} ${values[second]!.toFixed(4)}`;
}

/** Numbers that are not negative and add up to one. */
function areProbabilities({ values }: Answer): boolean {
  const sum = values.reduce((all, value) => all + value, 0);
  return values.every((value) => value >= 0) && Math.abs(sum - 1) < 1e-3;
}

/** Whether the class is another than the label says; a value is neither right nor wrong. */
function isWrong({ class: best, label }: Answer): boolean {
  return best !== undefined && label !== undefined && Number.isInteger(label) && label !== best;
}

function labelText({ label }: Answer): string {
  if (label === undefined) return '';
  return Number.isInteger(label) ? String(label) : measure(label);
}
