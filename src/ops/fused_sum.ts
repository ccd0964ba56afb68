/**
 * @file Elementwise work and sums of its results in one pass over memory: what normalization layers and bias gradients
 * need. The tensor is seen as rows × channels; each channel is summed over the rows, in parts that the shape fixes, so
 * that neither threads nor their number change the order.
 */
import { type Shape, sizeOf, stridesOf } from '../core/shape.ts';
import type { Op } from '../ir/op.ts';
import { broadcastStrides, describeSteps, eachElement, type FusedStep } from './fused.ts';

export interface FusedSumAttrs {
  shape: Shape;
  inputs: number;
  steps: readonly FusedStep[];
  /** Inputs and steps, numbered as operands are, that are written out whole. */
  stored: readonly number[];
  /** Inputs and steps that are summed. */
  summed: readonly number[];
  /** Axes before this one are rows. */
  to: number;
  /** Into how many runs of rows each sum is cut. */
  parts: number;
  /** Rows a part. */
  rows: number;
  toString(): string;
}

/** How an input moves: elements to the next row, and to the next channel. */
export interface RowWalk {
  row: number;
  channel: number;
}

/** The steps of an input over rows × channels; `undefined` where it does not move evenly. */
export function rowWalk(input: Shape, shape: Shape, to: number): RowWalk | undefined {
  const own = broadcastStrides(input, shape);
  const natural = stridesOf(shape);
  const channels = sizeOf(shape.slice(to));
  const evenly = (axes: readonly number[], divisor: number): number | undefined => {
    const long = axes.filter((axis) => shape[axis]! > 1);
    if (long.every((axis) => own[axis] === 0)) return 0;
    return long.every((axis) => own[axis] === natural[axis]! / divisor)
      ? channels / divisor
      : undefined;
  };
  const axes = shape.map((_, axis) => axis);
  const inner = axes.slice(to).filter((axis) => shape[axis]! > 1);
  const still = inner.every((axis) => own[axis] === 0);
  if (!still && !inner.every((axis) => own[axis] === natural[axis])) return undefined;
  const row = evenly(axes.slice(0, to), still ? channels : 1);
  return row === undefined ? undefined : { row, channel: still ? 0 : 1 };
}

/** [rows, channels] of a tensor whose axes before `to` are rows. */
export function rowsAndChannels(shape: Shape, to: number): [number, number] {
  return [sizeOf(shape.slice(0, to)), sizeOf(shape.slice(to))];
}

export const fusedSumOp: Op<FusedSumAttrs, 'fused_sum'> = {
  name: 'fused_sum',
  infer(inputs, { shape, steps, stored, summed, to, parts }) {
    const dtype = (operand: number) =>
      (inputs[operand] ?? steps[operand - inputs.length]!.type).dtype;
    const reduced = [parts, ...shape.map((extent, axis) => (axis < to ? 1 : extent))];
    return [
      ...stored.map((operand) => ({ shape, dtype: dtype(operand) })),
      ...summed.map(() => ({ shape: reduced, dtype: 'float32' as const })),
    ];
  },
  reference(inputs, attrs, outputs) {
    const results = outputs.map((output) => new Float64Array(sizeOf(output.shape)));
    const [, channels] = rowsAndChannels(attrs.shape, attrs.to);
    eachElement(inputs, attrs, (index, values) => {
      attrs.stored.forEach((operand, i) => {
        results[i]![index] = values[operand]!;
      });
      const part = Math.floor(index / channels / attrs.rows);
      const at = part * channels + (index % channels);
      attrs.summed.forEach((operand, i) => {
        const sums = results[attrs.stored.length + i]!;
        sums[at] = sums[at]! + values[operand]!;
      });
    });
    return results;
  },
};

/** As a group of elementwise operations is printed, with what is summed behind Σ. */
export function describeSums({
  inputs,
  steps,
  stored,
  summed,
}: Omit<FusedSumAttrs, 'toString'>): string {
  const body = describeSteps({
    shape: [],
    inputs,
    steps,
    results: stored.map((operand) => operand - inputs),
  });
  return `${body.slice(0, -1)}; Σ ${summed.join(', ')}}`;
}
