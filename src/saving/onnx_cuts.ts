/** @file Parts of tensors: `Slice` and `Split` of ONNX. */
import { show } from '../core/errors.ts';
import { cropping2d } from '../layers/cropping_2d.ts';
import type { OnnxCall } from './onnx_call.ts';
import { axisOf, sliceOf } from './onnx_constants.ts';
import { OnnxOperation } from './onnx_operation.ts';
import { apply, type Flow, type Known, type PartialExtents, sameList } from './onnx_values.ts';

interface Part {
  /** Of each axis of the graph, the batch first. */
  readonly start: readonly number[];
  readonly extents: PartialExtents;
  readonly steps: readonly number[];
}

function cut(call: OnnxCall, x: Flow, { start, extents, steps }: Part): Flow {
  const isStrided = steps.some((step) => step !== 1);
  if (sameList(extents, x.shape) && !isStrided) return x;
  const parts = { shape: extents, axes: x.axes, isNonNegative: x.isNonNegative };
  const place = (list: PartialExtents) => {
    const out: number[] = [];
    x.axes.forEach((axis, i) => {
      out[axis] = list[i] ?? 0;
    });
    return out.slice(1);
  };
  if (extents.some((extent, axis) => axis > 0 && !(extent !== null && extent > 0)))
    throw call.refuse('SHAPE', 'slice', 'of known extents', show([...extents]));
  const numbers = { start: place(start), extents: place(extents) };
  const before = place(x.shape);
  if (x.rank === 4 && !isStrided && numbers.extents[2] === before[2]) {
    const margins = [0, 1].map((i): [number, number] => {
      const first = numbers.start[i]!;
      return [first, before[i]! - first - numbers.extents[i]!];
    }) as [[number, number], [number, number]];
    return call.flowOf(parts, apply(cropping2d(margins, { name: call.name() }), x.symbol));
  }
  const layer = new OnnxOperation({
    operation: 'slice',
    places: ['input'],
    numbers: isStrided ? { ...numbers, steps: place(steps) } : numbers,
    name: call.name(),
  });
  return call.flowOf(parts, apply(layer, x.symbol));
}

/** A part of each axis but the batch, or every so many of its elements. */
export function slice(call: OnnxCall): Known {
  const x = call.flow(0);
  const part = sliceOf(call, x.shape);
  if (part.steps.some((step) => step < 1))
    throw call.refuse('UNSUPPORTED', 'steps', '1 or more', show(part.steps));
  return cut(call, x, part);
}

const mostParts = 1024;

/** The parts of one axis, one after the other. */
export function split(call: OnnxCall): readonly Known[] {
  const x = call.flow(0);
  const axis = axisOf(call, call.whole('axis', 0), x.rank);
  const extent = x.shape[axis];
  if (axis === 0 || typeof extent !== 'number')
    throw call.refuse('UNSUPPORTED', 'axis', 'after the batch, its extent known', String(axis));
  const count = call.node.outputs.length;
  if (count > mostParts)
    throw call.refuse('ONNX_LIMIT', 'parts', `at most ${mostParts}`, String(count));
  const given = call.list('split') ?? call.constant(1)?.data;
  // Of equal parts the last is smaller where they do not come out even.
  const most = Math.ceil(extent / count);
  const sizes = given
    ? Array.from(given)
    : call.node.outputs.map((_, i) => Math.min(most, extent - i * most));
  const isWhole =
    sizes.every((size) => Number.isSafeInteger(size) && size > 0) &&
    sizes.reduce((a, b) => a + b, 0) === extent;
  if (sizes.length !== count || !isWhole || call.whole('num_outputs', count) !== count)
    throw call.refuse('UNSUPPORTED', 'split', `${count} parts of ${extent} elements`, show(sizes));
  let from = 0;
  return sizes.map((size) => {
    const part = cut(call, x, {
      start: x.shape.map((_, i) => (i === axis ? from : 0)),
      extents: x.shape.map((whole, i) => (i === axis ? size : whole)),
      steps: x.shape.map(() => 1),
    });
    from += size;
    return part;
  });
}
