/**
 * @file Counts of true and false positives and negatives at thresholds: what precision, recall, areas under curves and
 * the four counts themselves are made of.
 */
import { show, TsunoError } from '../../core/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { Variable } from '../../layers/variable.ts';
import {
  add,
  broadcast,
  cast,
  equal,
  floor,
  iota,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  maximum,
  minimum,
  mul,
  neg,
  read,
  reduceSum,
  reshape,
  select,
  sigmoid,
  slice,
  sub,
} from '../../ops/index.ts';
import { sameRank } from '../losses/loss.ts';
import { lastAxis } from '../losses/predictions.ts';

/** Below every prediction: what is not among the `k` largest is given this. */
const belowAll = -1e10;

export interface ConfusionOptions {
  thresholds: readonly number[];
  /** Only the `topK` largest predictions of a row can be positive. */
  topK?: number | null;
  /** Only this column counts. */
  classId?: number | null;
  /** Columns are counted apart: sums are [thresholds, columns]. */
  multiLabel?: boolean;
  /** A weight for each column. */
  labelWeights?: readonly number[] | null;
  fromLogits?: boolean;
}

/** What a batch adds: one sum for each threshold, [thresholds] or [thresholds, columns]. */
export interface ConfusionCounts {
  truePositives: Value;
  falsePositives: Value;
  trueNegatives: Value;
  falseNegatives: Value;
}

/** Thresholds and label weights, held as constants that graphs read. */
export class Confusion {
  private readonly options: ConfusionOptions;
  private readonly evenly: boolean;
  private readonly thresholds: Variable<'float32'>;
  private readonly labelWeights: Variable<'float32'> | undefined;

  constructor(options: ConfusionOptions) {
    this.options = options;
    this.evenly = evenlySpaced(options.thresholds);
    this.thresholds = constants('thresholds', options.thresholds);
    this.labelWeights = options.labelWeights
      ? constants('label_weights', options.labelWeights)
      : undefined;
  }

  /** The counts of a batch: labels and predictions [n, columns] (or [n], one column). */
  count(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): ConfusionCounts {
    const { multiLabel = false, classId, topK, fromLogits = false } = this.options;
    const given = cast(yPred, 'float32');
    const scores = fromLogits ? sigmoid(given) : given;
    let [predictions, labels] = sameRank(scores, cast(yTrue, 'float32'));
    const rowWeight = sampleWeight && rowWeights(labels, sampleWeight);
    if (topK) predictions = onlyLargest(predictions, topK);
    if (classId !== null && classId !== undefined) {
      [labels, predictions] = [column(labels, classId), column(predictions, classId)];
    }
    let weight = rowWeight && broadcast(rowWeight, predictions.shape);
    if (this.labelWeights) {
      const own = broadcast(read(graph, this.labelWeights), predictions.shape);
      weight = weight ? mul(weight, own) : own;
    }
    const [n, columns] = [predictions.shape[0]!, multiLabel ? predictions.shape[1]! : 0];
    const rows = (x: Value) =>
      multiLabel ? reshape(x, [1, n, columns]) : reshape(x, [1, ...flatShape(x)]);
    const isTrue = logicalNot(equal(rows(labels), 0));
    const isPositive = this.above(graph, rows(predictions));
    const total = (mask: Value) => {
      const counted = cast(mask, 'float32');
      return reduceSum(weight ? mul(counted, rows(weight)) : counted, [1]);
    };
    return {
      truePositives: total(logicalAnd(isTrue, isPositive)),
      falsePositives: total(logicalAnd(logicalNot(isTrue), isPositive)),
      trueNegatives: total(logicalAnd(logicalNot(isTrue), logicalNot(isPositive))),
      falseNegatives: total(logicalAnd(isTrue, logicalNot(isPositive))),
    };
  }

  /** Whether each prediction [1, …] is above each threshold: [thresholds, …]. */
  private above(graph: Graph, predictions: Value): Value {
    const { length } = this.options.thresholds;
    const shape = [length, ...predictions.shape.slice(1).map(() => 1)];
    if (!this.evenly) {
      return less(reshape(read(graph, this.thresholds), shape), predictions);
    }
    // Evenly spaced thresholds count by buckets, as Keras does: p is above the first ⌈p·(count − 1)⌉ of them.
    const within = minimum(maximum(predictions, 0), 1);
    const ceiling = neg(floor(neg(mul(within, length - 1))));
    const bucket = sub(ceiling, 1);
    const reached = this.options.thresholds[0]! < 0 ? maximum(bucket, 0) : bucket;
    return lessEqual(reshape(cast(iota(predictions, length), 'float32'), shape), reached);
  }
}

function constants(name: string, values: readonly number[]): Variable<'float32'> {
  const initial = Float32Array.from(values);
  return new Variable({
    name,
    shape: [values.length],
    dtype: 'float32',
    trainable: false,
    initial,
  });
}

/** Whether the numbers are 0, 1/(count − 1), …, 1. */
function evenlySpaced(thresholds: readonly number[]): boolean {
  const last = thresholds.length - 1;
  return (
    last >= 2 &&
    thresholds.every((value, i) => Math.abs(value - i / last) <= 1e-7 + 1e-5 * (i / last))
  );
}

function flatShape(x: Value): number[] {
  return [x.shape.reduce((size, extent) => size * extent, 1)];
}

/** Weights of rows as [n, 1] (or of elements, as they are). */
function rowWeights(labels: Value, sampleWeight: Value): Value {
  const weight = cast(sampleWeight, 'float32');
  return sameRank(labels, reshape(weight, [...weight.shape, 1]), false)[1];
}

/** Column `index` of [..., columns] as [..., 1]. */
function column(x: Value, index: number): Value {
  const fits = x.shape.length >= 2 && index >= 0 && index < x.shape.at(-1)!;
  if (!fits) {
    throw new TsunoError('ARGUMENT', {
      where: 'metric',
      what: 'classId',
      expected: `the number of a column of ${show([...x.shape])}`,
      found: show(index),
    });
  }
  const start = x.shape.map((_, axis) => (axis === x.shape.length - 1 ? index : 0));
  return slice(x, start, [...x.shape.slice(0, -1), 1]);
}

/** The `k` largest of each row; the others become less than any threshold. Of equal ones the first is larger. */
function onlyLargest(x: Value, k: number): Value {
  const width = x.shape.at(-1)!;
  const [own, other] = [
    reshape(x, [...x.shape, 1]),
    reshape(x, [...x.shape.slice(0, -1), 1, width]),
  ];
  const place = cast(iota(x, width), 'float32');
  const earlier = cast(less(place, reshape(place, [width, 1])), 'float32');
  const ahead = add(
    cast(less(own, other), 'float32'),
    mul(cast(equal(own, other), 'float32'), earlier),
  );
  return select(less(reduceSum(ahead, lastAxis(ahead)), k), x, belowAll);
}

/** One threshold or several, each from 0 to 1. @throws TsunoError `ARGUMENT` */
export function checkedThresholds(
  where: string,
  thresholds: number | readonly number[] | null | undefined,
  otherwise: number,
): readonly number[] {
  if (thresholds === null || thresholds === undefined) return [otherwise];
  const list = [thresholds].flat();
  if (list.length > 0 && list.every((value) => value >= 0 && value <= 1)) return list;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'thresholds',
    expected: 'numbers from 0 to 1',
    found: show(list),
  });
}

/** What precision uses where no threshold is given and only the largest predictions count. */
export const thresholdOfTopK = belowAll;

/** Elementwise a / b, and 0 where b is 0. */
export function ratios(a: ArrayLike<number>, b: (i: number) => number): number[] {
  return Array.from(a, (value, i) => (b(i) === 0 ? 0 : value / b(i)));
}

/** `count` thresholds evenly from 0 to 1. */
export function evenThresholds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i / (count - 1));
}

/** A mean weighted by `weights`; equal weights where there are none. */
export function weightedMean(
  values: readonly number[],
  weights?: readonly number[] | null,
): number {
  const weight = (i: number) => weights?.[i] ?? 1;
  const sum = values.reduce((total, value, i) => total + value * weight(i), 0);
  const all = values.reduce((total, _, i) => total + weight(i), 0);
  return all === 0 ? 0 : sum / all;
}
