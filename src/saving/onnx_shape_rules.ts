/**
 * @file Operators of ONNX that move, cut, join, stretch or reduce. The batch stays the first axis of every tensor; what
 * would move it is refused.
 */
import { show } from '../core/errors.ts';
import { concatenate } from '../layers/concatenate.ts';
import { flatten } from '../layers/flatten.ts';
import { zeroPadding2d } from '../layers/zero_padding_2d.ts';
import type { OnnxCall } from './onnx_call.ts';
import { axesOf, squeezedShape, unsqueezedShape } from './onnx_constants.ts';
import { OnnxOperation } from './onnx_operation.ts';
import {
  apply,
  commonAxes,
  Flow,
  type Known,
  liesAlike,
  type PartialExtents,
  plainAxes,
  sameList,
} from './onnx_values.ts';
import { globalPool } from './onnx_windows.ts';

/** The same elements in another shape, whose first axis stays the batch. */
function reshaped(call: OnnxCall, target: PartialExtents): Flow {
  const x = call.flow(0);
  if (sameList(x.shape, target)) return x;
  const isFlat = liesAlike(x.shape, x.axes, plainAxes(x.rank));
  const from = isFlat ? x.symbol : call.ordered(x, plainAxes(x.rank));
  const parts = { shape: target, axes: plainAxes(target.length), isNonNegative: x.isNonNegative };
  if (target.length === 2 && from.shape.length > 2)
    return call.flowOf(parts, apply(flatten({ name: call.name() }), from));
  return call.flowOf(parts, call.shaped(from, target));
}

/** Extents of a reshape: 0 is that of the input, one -1 is what is left, `NaN` the batch. */
export function reshape(call: OnnxCall): Known {
  const x = call.flow(0);
  const wanted = call.opset < 5 ? call.list('shape') : call.constant(1)?.data;
  if (!wanted || wanted.length === 0) throw call.refuse('UNSUPPORTED', 'shape', 'known', 'none');
  const own = x.shape
    .slice(1)
    .reduce<number | null>((size, n) => (size === null || n === null ? null : size * n), 1);
  const keepsZero = call.whole('allowzero', 0) === 1;
  const rest = Array.from(wanted)
    .slice(1)
    .map((extent, i) => (extent === 0 && !keepsZero ? (x.shape[i + 1] ?? Number.NaN) : extent));
  const known = rest.filter((extent) => extent !== -1).reduce((size, extent) => size * extent, 1);
  const open = rest.filter((extent) => extent === -1).length;
  if (own === null)
    throw call.refuse(
      'UNSUPPORTED',
      'input',
      'of known extents but for the batch',
      show([...x.shape]),
    );
  const extents = rest.map((extent) => (extent === -1 ? own / known : extent));
  const isWhole =
    extents.every((extent) => Number.isSafeInteger(extent) && extent > 0) &&
    extents.reduce((a, b) => a * b, 1) === own;
  if (!isWhole || open > 1)
    throw call.refuse(
      'UNSUPPORTED',
      'shape',
      `[batch, …] of ${own} elements`,
      show(Array.from(wanted)),
    );
  return reshaped(call, [null, ...extents]);
}

export function flattened(call: OnnxCall): Known {
  const x = call.flow(0);
  const given = call.whole('axis', 1);
  const axis = given < 0 ? given + x.rank : given;
  const size = x.shape
    .slice(1)
    .reduce<number | null>((all, n) => (all === null || n === null ? null : all * n), 1);
  if (axis !== 1 || size === null)
    throw call.refuse('UNSUPPORTED', 'axis', '1, after the batch', String(given));
  return reshaped(call, [null, size]);
}

function withBatch(call: OnnxCall, shape: readonly (number | null)[]): PartialExtents {
  if (shape[0] === null && shape.length > 0) return shape;
  throw call.refuse('UNSUPPORTED', 'axes', 'after the batch', show([...shape]));
}

export function transpose(call: OnnxCall): Known {
  const x = call.flow(0);
  const order = call.permutation(x.rank);
  if (order[0] !== 0)
    throw call.refuse('UNSUPPORTED', 'perm', 'with the batch first', show([...order]));
  const shape = order.map((axis) => x.shape[axis]!);
  const axes = order.map((axis) => x.axes[axis]!);
  // Nothing moves, so that what is kept for the layer before stays so.
  const more = {
    ...(x.linear ? { linear: x.linear } : {}),
    ...(x.affine ? { affine: x.affine } : {}),
  };
  return new Flow(
    { shape, axes, isNonNegative: x.isNonNegative },
    () => x.symbol,
    call.readsAlone(0) ? more : {},
  );
}

export function concatenated(call: OnnxCall): Known {
  const flows = call.inputs.map((_, i) => call.flow(i));
  const [first] = flows as [Flow];
  const given = call.whole('axis', 1);
  const axis = given < 0 ? given + first.rank : given;
  const fits = flows.every(
    ({ rank, shape }) =>
      rank === first.rank && shape.every((extent, i) => i === axis || extent === first.shape[i]),
  );
  if (!fits || axis <= 0 || axis >= first.rank)
    throw call.refuse(
      'SHAPE',
      'shapes',
      `alike but for axis ${given}`,
      show(flows.map(({ shape }) => [...shape])),
    );
  const axes = commonAxes(flows);
  const extents = flows.map(({ shape }) => shape[axis]);
  const total = extents.includes(null) ? null : (extents as number[]).reduce((a, b) => a + b, 0);
  const shape = first.shape.map((extent, i) => (i === axis ? total : extent));
  const layer = concatenate({
    axis: axes[axis] === first.rank - 1 ? -1 : axes[axis]!,
    name: call.name(),
  });
  const inputs = flows.map((flow) => call.ordered(flow, axes));
  const isNonNegative = flows.every((flow) => flow.isNonNegative);
  return call.flowOf({ shape, axes, isNonNegative }, apply(layer, inputs));
}

export function pad(call: OnnxCall): Known {
  const x = call.flow(0);
  const pads = call.list('pads') ?? (call.constant(1) && Array.from(call.constant(1)!.data));
  const value = call.opset < 11 ? call.number('value', 0) : call.scalar(2, 0);
  const mode = call.text('mode', 'constant');
  const axes = call.inputs[3] ? Array.from(call.weights(3).data) : plainAxes(x.rank);
  const fits =
    pads?.length === 2 * axes.length &&
    pads.every((n) => Number.isSafeInteger(n) && n >= 0 && n < 2 ** 31);
  if (!pads || !fits || mode !== 'constant' || !Number.isFinite(value))
    throw call.refuse(
      'UNSUPPORTED',
      'padding',
      'of constants, none negative',
      mode === 'constant' ? show(pads) : show(mode),
    );
  const margins = x.shape.map((): [number, number] => [0, 0]);
  axes.forEach((given, i) => {
    const axis = given < 0 ? given + x.rank : given;
    if (!(axis in margins)) throw call.refuse('SHAPE', 'axis', `one of ${x.rank}`, String(given));
    margins[axis] = [pads[i]!, pads[i + axes.length]!];
  });
  if (String(margins[0]) !== '0,0')
    throw call.refuse('UNSUPPORTED', 'padding', 'around samples', 'of the batch');
  const shape = x.shape.map((extent, axis) =>
    extent === null ? null : extent + margins[axis]![0] + margins[axis]![1],
  );
  const physical: [number, number][] = [];
  x.axes.forEach((axis, i) => {
    physical[axis] = margins[i]!;
  });
  const parts = { shape, axes: x.axes, isNonNegative: x.isNonNegative && value >= 0 };
  if (physical.every(([before, after]) => before + after === 0)) return x;
  const [, rows, columns, channels] = physical;
  if (x.rank === 4 && value === 0 && String(channels) === '0,0')
    return call.flowOf(
      parts,
      apply(zeroPadding2d([rows!, columns!], { name: call.name() }), x.symbol),
    );
  const numbers = { margins: physical.slice(1).flat(), value: [value] };
  const layer = new OnnxOperation({
    operation: 'pad',
    places: ['input'],
    numbers,
    name: call.name(),
  });
  return call.flowOf(parts, apply(layer, x.symbol));
}

export function reduced(kind: 'mean' | 'max' | 'sum'): (call: OnnxCall) => Known {
  return (call) => {
    const x = call.flow(0);
    const axes = axesOf(call, x.rank);
    const keeps = call.whole('keepdims', 1) === 1;
    if (!axes || axes.includes(0))
      throw call.refuse('UNSUPPORTED', 'axes', 'after the batch', show(axes));
    const physical = axes.map((axis) => x.axes[axis]!).sort((a, b) => a - b);
    if (
      x.rank === 4 &&
      kind !== 'sum' &&
      sameList(
        [...axes].sort((a, b) => a - b),
        [2, 3],
      )
    )
      return globalPool(call, kind, keeps);
    const numbers = { axes: physical, keep: [keeps ? 1 : 0] };
    const layer = new OnnxOperation({
      operation: `reduce_${kind}`,
      places: ['input'],
      numbers,
      name: call.name(),
    });
    const y = apply(layer, x.symbol);
    const left = plainAxes(x.rank).filter((axis) => keeps || !axes.includes(axis));
    const order = left.map((axis) => x.axes[axis]!).sort((a, b) => a - b);
    const shape = left.map((axis) => (axes.includes(axis) ? 1 : x.shape[axis]!));
    return call.flowOf(
      {
        shape,
        axes: left.map((axis) => order.indexOf(x.axes[axis]!)),
        isNonNegative: x.isNonNegative,
      },
      y,
    );
  };
}

/** Stretches axes of extent 1. */
export function expand(call: OnnxCall): Known {
  const x = call.flow(0);
  const wanted = Array.from(call.weights(1).data, (extent) => extent);
  const missing = x.rank - wanted.length;
  const shape = x.shape.map((extent, axis) => {
    const other = axis < missing ? 1 : wanted[axis - missing]!;
    if (extent === null || other === 1 || other === extent) return extent;
    if (extent === 1 && other > 0) return other;
    throw call.refuse('SHAPE', 'shape', 'one it fits', show(wanted));
  });
  if (missing < 0) throw call.refuse('UNSUPPORTED', 'shape', `of ${x.rank} axes`, show(wanted));
  if (sameList(shape, x.shape)) return x;
  const target = call.flowOf({ shape, axes: x.axes }, x.symbol).physical.slice(1);
  if (target.includes(null))
    throw call.refuse('UNSUPPORTED', 'shape', 'known but for the batch', show(shape));
  const numbers = { extents: target as number[] };
  const layer = new OnnxOperation({
    operation: 'broadcast',
    places: ['input'],
    numbers,
    name: call.name(),
  });
  return call.flowOf(
    { shape, axes: x.axes, isNonNegative: x.isNonNegative },
    apply(layer, x.symbol),
  );
}

/** Without axes of extent 1. */
export function squeezed(call: OnnxCall): Known {
  return reshaped(call, withBatch(call, squeezedShape(call, call.flow(0).shape)));
}

/** With axes of extent 1. */
export function unsqueezed(call: OnnxCall): Known {
  return reshaped(call, withBatch(call, unsqueezedShape(call, call.flow(0).shape)));
}
