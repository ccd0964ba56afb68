/** @file What training is fed: tensors or data sets become columns, one for each input, output and weighting. */
import { show, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { checkBatchSize, checkCounts, checkFinite, checkNotEmpty } from '../data/checks.ts';
import { Dataset } from '../data/dataset.ts';
import type { SampleBatch } from '../data/source.ts';
import type { StreamingDataset } from '../data/streaming_dataset.ts';

/** One tensor, or one for each input or output: in their order, or by their names. */
export type Tensors = Tensor | readonly Tensor[] | { readonly [name: string]: Tensor };

/** Numbers a sample: how much each counts. */
export type SampleWeight = Tensor | ArrayLike<number>;

/** One weighting for all outputs, or one for each: in their order (`null` for none), or by their names. */
export type SampleWeights =
  | SampleWeight
  | readonly (SampleWeight | null)[]
  | { readonly [output: string]: SampleWeight };

/**
 * What a generator gives: `[x, y]`, `[x, y, sampleWeight]`, or `{ images, labels }`; for predictions `[x]` or a tensor
 * is enough.
 */
export type Batch = SampleBatch | Tensor | readonly (Tensors | SampleWeights)[];

/** Batches one after the other: a generator, or anything else that can be iterated, as `set.batch(32)`. */
export type Batches = AsyncIterable<Batch> | Iterable<Batch>;

/** Batches, or a function that gives those of each pass over the data, counted from 0. */
export type BatchStream = Batches | ((pass: number) => Batches);

/** What training, evaluation and prediction take. */
export type Data = Dataset | StreamingDataset | BatchStream | Tensors;

/** What the network calls its and outputs; inputs are not known before it is built. */
export interface ColumnNames {
  inputs: readonly string[] | undefined;
  outputs: readonly string[];
}

/** Samples side by side; row i of each is sample i. */
export interface Columns {
  x: readonly Tensor[];
  y: readonly Tensor[];
  /** `[n]`, one for each output, or one for all of them, or none. */
  sampleWeights: readonly (Tensor<'float32'> | undefined)[];
}

export interface ColumnOptions {
  /** Labels, where they are not those of a data set. */
  y?: Tensors | undefined;
  sampleWeight?: SampleWeights | undefined;
}

function listOf(
  given: unknown,
  what: string,
  names: readonly string[] | undefined,
  where: string,
): Tensor[] {
  const refuse = (expected: string, found: string, repair?: string) =>
    new TsunoError('ARGUMENT', { where, what, expected, found, ...(repair ? { repair } : {}) });
  if (given === undefined) return [];
  if (given instanceof Tensor) return [given];
  const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given);
  const list = isRecord ? byName(given, what, names, where) : given;
  if (!Array.isArray(list) || list.length === 0 || !list.every((one) => one instanceof Tensor)) {
    const expected =
      what === 'x'
        ? 'a Dataset, a Tensor, or Tensors in a list or by name'
        : 'a Tensor, or Tensors in a list or by name';
    throw refuse(expected, show(given), 'Use tensor(values, shape).');
  }
  const scalar = list.findIndex(({ rank }) => rank === 0);
  if (scalar >= 0) throw refuse('must have an axis of samples', 'a scalar');
  return list;
}

function byName(
  given: object,
  what: string,
  names: readonly string[] | undefined,
  where: string,
): unknown[] {
  const found = Object.keys(given);
  const wanted = names ?? [];
  if (found.length === wanted.length && wanted.every((name) => name in given)) {
    return wanted.map((name) => (given as Record<string, unknown>)[name]);
  }
  // Anything else that is an object, say a typed array, is refused as what it is.
  if (found.length === 0 || !Object.values(given).every((one) => one instanceof Tensor)) return [];
  throw new TsunoError('ARGUMENT', {
    where,
    what: `names of ${what}`,
    expected: names ? `must be ${names.join(', ')}` : 'must wait until the model is built',
    found: found.join(', '),
  });
}

/**
 * Inputs, labels and weights as columns of as many rows.
 *
 * @throws TsunoError `ARGUMENT`, `DATA_EMPTY`, `DATA_MISMATCH` or `NONFINITE_INPUT` where they cannot be columns.
 */
export function columnsOf(
  data: Dataset | Tensors,
  options: ColumnOptions,
  names: ColumnNames,
  where: string,
): Columns {
  const isSet = data instanceof Dataset;
  if (isSet && options.y !== undefined) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'y',
      expected: 'must be left out: the data set has labels',
      found: show(options.y),
    });
  }
  const x = isSet ? [data.images] : listOf(data, 'x', names.inputs, where);
  const y = isSet ? [data.labels] : listOf(options.y, 'y', names.outputs, where);
  const [first] = x as [Tensor, ...Tensor[]];
  checkNotEmpty(first, where);
  for (const other of [...x.slice(1), ...y]) checkCounts(first, other, where);
  x.forEach((tensor, i) => {
    checkFinite(tensor, where, x.length === 1 ? 'x' : `x[${i}]`);
  });
  return { x, y, sampleWeights: weightsOf(options.sampleWeight, first.length, names, where) };
}

const isWeight = (given: unknown): given is SampleWeight =>
  given instanceof Tensor ||
  ArrayBuffer.isView(given) ||
  (Array.isArray(given) && given.every((one) => typeof one === 'number'));

/** Weights as columns of `count` rows. @throws TsunoError where they cannot be. */
export function weightsOf(
  given: SampleWeights | undefined,
  count: number,
  { outputs }: ColumnNames,
  where: string,
): (Tensor<'float32'> | undefined)[] {
  if (given === undefined || given === null) return [];
  if (isWeight(given)) return [weightOf(given, count, 'sampleWeight', where)];
  const list = Array.isArray(given)
    ? (given as (SampleWeight | null)[])
    : outputs.map((name) => (given as Record<string, SampleWeight>)[name]);
  const unknown = Array.isArray(given)
    ? undefined
    : Object.keys(given).find((name) => !outputs.includes(name));
  if (list.length !== outputs.length || unknown !== undefined) {
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'sampleWeight',
      expected: `numbers, or one entry for each output (${outputs.join(', ')})`,
      found: unknown ?? `${list.length} entries`,
    });
  }
  return list
    .map((one, i) => one && weightOf(one, count, `sampleWeight[${i}]`, where))
    .map((one) => one ?? undefined);
}

function weightOf(
  given: SampleWeight,
  count: number,
  what: string,
  where: string,
): Tensor<'float32'> {
  const numbers = given instanceof Tensor ? given.data : given;
  if (numbers.length !== count) {
    throw new TsunoError('DATA_MISMATCH', {
      where,
      what,
      expected: `must have one number for each of ${count} samples`,
      found: String(numbers.length),
    });
  }
  const tensor = new Tensor('float32', [count], Float32Array.from(numbers));
  checkFinite(tensor, where, what);
  return tensor;
}

/**
 * The columns with classes weighted, on top of weights of samples.
 *
 * @param classWeight how much the samples of each class count; default 1.
 * @throws TsunoError `ARGUMENT` for models of several outputs, or weights that are not finite.
 */
export function withClassWeight(
  columns: Columns,
  classWeight: Readonly<Record<number, number>> | undefined,
  where: string,
): Columns {
  if (classWeight === undefined) return columns;
  const [labels] = columns.y;
  const refuse = (what: string, expected: string, found: string) =>
    new TsunoError('ARGUMENT', { where, what, expected, found });
  if (!labels || columns.y.length !== 1)
    throw refuse('classWeight', 'given with labels of one output', `${columns.y.length} of them`);
  const strange = Object.entries(classWeight).find(
    ([label, weight]) => !/^\d+$/.test(label) || !Number.isFinite(weight),
  );
  if (strange)
    throw refuse('classWeight', 'finite numbers by class', `${strange[0]}: ${show(strange[1])}`);
  const classes = labels.size === labels.length ? labels.data : labels.argMax();
  const weights = Float32Array.from(
    { length: labels.length },
    (_, i) =>
      (columns.sampleWeights[0]?.data[i] ?? 1) * (classWeight[Math.round(classes[i]!)] ?? 1),
  );
  return { ...columns, sampleWeights: [new Tensor('float32', [labels.length], weights)] };
}

/** The batch size as given, default 32, checked. */
export function batchSizeOf(given: number | undefined, where: string): number {
  const size = given ?? 32;
  checkBatchSize(size, where);
  return size;
}

/** The columns from sample `from` up to `to`: views. */
export function sliceColumns({ x, y, sampleWeights }: Columns, from: number, to?: number): Columns {
  return {
    x: x.map((tensor) => tensor.slice(from, to)),
    y: y.map((tensor) => tensor.slice(from, to)),
    sampleWeights: sampleWeights.map((weight) => weight?.slice(from, to)),
  };
}

/** Number of samples. */
export function countOf({ x }: Columns): number {
  return x[0]!.length;
}
