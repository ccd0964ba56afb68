/** @file What losses share in reading labels and predictions: logits behind probabilities, bounds, axes, one-hot masks. */
import { show, TsunoError } from '../../core/errors.ts';
import { normalizeAxis } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import type { Op } from '../../ir/op.ts';
import {
  add,
  cast,
  intEqual,
  iota,
  maximum,
  minimum,
  mul,
  type Operand,
  reshape,
  transpose,
} from '../../ops/index.ts';

/** Keras's `epsilon()`: probabilities stay so far from 0 and 1. */
export const epsilon = 1e-7;

/**
 * The logits from which `op` (softmax or sigmoid) made `probabilities`, perhaps reshaped since; `undefined` where it
 * was not `op` that made them. A softmax counts only if the last axis is still its own.
 */
export function logitsBehind<A>(probabilities: Value, op: Op<A>): Value | undefined {
  let value = probabilities;
  while (value.node.op.alias) value = value.node.inputs[0]!;
  if (value.node.op !== (op as Op)) return undefined;
  const logits = value.node.inputs[0]!;
  const sameRows = logits.shape.at(-1) === probabilities.shape.at(-1);
  return sameRows || op.elementwise ? reshape(logits, probabilities.shape) : undefined;
}

/** `x` kept within `low` and `high`; the gradient passes where x lies within. */
export function clip(x: Value, low: Operand, high: Operand): Value {
  return minimum(maximum(x, low), high);
}

/** `x` with `axis` moved to the end. */
export function axisLast(x: Value, axis: number): Value {
  const chosen = axisNumber(x, axis);
  if (chosen === x.shape.length - 1) return x;
  const others = x.shape.flatMap((_, a) => (a === chosen ? [] : [a]));
  return transpose(x, [...others, chosen]);
}

/** `-1` → the number of the last axis. @throws TsunoError `SHAPE` where there is no such axis. */
export function axisNumber(x: Value, axis: number): number {
  const chosen = normalizeAxis(axis, x.shape.length);
  if (chosen === undefined) {
    throw new TsunoError('SHAPE', {
      where: 'loss',
      what: 'axis',
      expected: `an axis of ${show([...x.shape])}`,
      found: String(axis),
    });
  }
  return chosen;
}

/** The last axis, as a list. */
export const lastAxis = (x: Value): number[] => [x.shape.length - 1];

/** Class numbers [...] as a mask [..., classes], true at the class. */
export function oneHotMask(labels: Value, classes: number): Value {
  const column = reshape(cast(labels, 'int32'), [...labels.shape, 1]);
  return intEqual(column, iota(labels, classes));
}

/** Labels [..., 1] beside predictions [..., k] lose their last axis. */
export function classNumbers(yTrue: Value, yPred: Value): Value {
  const column = yTrue.shape.length === yPred.shape.length && yTrue.shape.at(-1) === 1;
  return column ? reshape(yTrue, yTrue.shape.slice(0, -1)) : yTrue;
}

/** y·(1 − s) + s·`toward`: labels drawn a little toward their mean. */
export function smoothed(yTrue: Value, smoothing: number, toward: number): Value {
  return smoothing === 0 ? yTrue : add(mul(yTrue, 1 - smoothing), smoothing * toward);
}

/** @throws TsunoError `SHAPE` where labels and predictions do not have one shape. */
export function expectSameShape(where: string, yTrue: Value, yPred: Value): void {
  const same =
    yTrue.shape.length === yPred.shape.length &&
    yTrue.shape.every((extent, axis) => extent === yPred.shape[axis]);
  if (same) return;
  throw new TsunoError('SHAPE', {
    where,
    what: 'labels',
    expected: `of the shape of the predictions, ${show([...yPred.shape])}`,
    found: show([...yTrue.shape]),
  });
}
