/**
 * @file Convolution and pooling of ONNX as layers. Images lie with channels last here; kernels are transposed once, while
 * the file is read. Padding that Keras calls `same` stays so; other margins become a layer of zeros.
 */
import { show } from '../core/errors.ts';
import { averagePooling2d } from '../layers/average_pooling_2d.ts';
import { conv2d } from '../layers/conv_2d.ts';
import { conv2dTranspose } from '../layers/conv_2d_transpose.ts';
import { cropping2d } from '../layers/cropping_2d.ts';
import { depthwiseConv2d } from '../layers/depthwise_conv_2d.ts';
import { globalAveragePooling2d } from '../layers/global_average_pooling_2d.ts';
import { globalMaxPooling2d } from '../layers/global_max_pooling_2d.ts';
import { maxPooling2d } from '../layers/max_pooling_2d.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import { zeroPadding2d } from '../layers/zero_padding_2d.ts';
import { linearFlow, type PerChannel, perChannel, spread } from './onnx_affine.ts';
import type { OnnxCall } from './onnx_call.ts';
import { transposed } from './onnx_constants.ts';
import { OnnxOperation } from './onnx_operation.ts';
import { apply, channelsFirst, type Flow, float32, type Known } from './onnx_values.ts';

type Margins = [[number, number], [number, number]];

interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

/** Where a window goes: Keras's word for the padding where it has one, else the margins around the image. */
interface Placed {
  readonly padding: 'valid' | 'same';
  readonly margins: Margins | undefined;
  /** Margins that are there only so that the last window fits, as `ceil_mode` has it. */
  readonly hasMore: boolean;
  readonly out: readonly [number | null, number | null];
}

const axes = [0, 1] as const;
const isNone = (margins: Margins) => margins.flat().every((n) => n === 0);
const reach = ({ kernel, dilations }: Window, axis: 0 | 1) =>
  (kernel[axis] - 1) * dilations[axis] + 1;

/** Margins of Keras's `same`; `undefined` where they depend on an extent that is not known. */
function sameMargins(window: Window, extents: readonly (number | null)[]): Margins | undefined {
  const margins = axes.map((axis): [number, number] | undefined => {
    const extent = extents[axis];
    const stride = window.strides[axis];
    if (typeof extent !== 'number' && stride !== 1) return undefined;
    const outs = typeof extent === 'number' ? Math.ceil(extent / stride) : 1;
    const size = typeof extent === 'number' ? extent : 1;
    const total = Math.max(0, (outs - 1) * stride + reach(window, axis) - size);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
  return margins[0] && margins[1] ? [margins[0], margins[1]] : undefined;
}

function givenMargins(
  call: OnnxCall,
  window: Window,
  extents: readonly (number | null)[],
): Margins {
  const auto = call.text('auto_pad', 'NOTSET');
  if (auto === 'VALID')
    return [
      [0, 0],
      [0, 0],
    ];
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const same = sameMargins(window, extents);
    if (!same) throw call.refuse('UNSUPPORTED', 'auto_pad', 'explicit for open extents', auto);
    const isUpper = auto === 'SAME_UPPER';
    return isUpper ? same : (same.map(([a, b]) => [b, a]) as Margins);
  }
  if (auto !== 'NOTSET') throw call.refuse('ONNX', 'auto_pad', 'one that is known', show(auto));
  const pads = call.list('pads') ?? [0, 0, 0, 0];
  if (pads.length !== 4 || !pads.every((n) => Number.isSafeInteger(n) && n >= 0 && n < 2 ** 31))
    throw call.refuse('UNSUPPORTED', 'pads', '4 counts', show([...pads]));
  return [
    [pads[0]!, pads[2]!],
    [pads[1]!, pads[3]!],
  ];
}

function placed(call: OnnxCall, image: Flow, window: Window, roundsUp = false): Placed {
  const extents = image.shape.slice(2);
  const given = givenMargins(call, window, extents);
  let hasMore = false;
  const margins = given.map(([before, after], i): [number, number] => {
    const axis = i as 0 | 1;
    const extent = extents[axis];
    if (!roundsUp || typeof extent !== 'number') return [before, after];
    const stride = window.strides[axis];
    const rest = extent + before + after - reach(window, axis);
    const outs = Math.ceil(rest / stride) + 1;
    // A window that would begin in the margin at the end is left out.
    const kept = (outs - 1) * stride >= extent + before ? outs - 1 : outs;
    const more = Math.max(0, (kept - 1) * stride - rest);
    hasMore ||= more > 0;
    return [before, after + more];
  }) as Margins;
  const out = axes.map((axis) => {
    const extent = extents[axis];
    if (typeof extent !== 'number') return null;
    const [before, after] = margins[axis];
    const size =
      Math.floor((extent + before + after - reach(window, axis)) / window.strides[axis]) + 1;
    if (size >= 1) return size;
    const found = `${extent} and margins of ${before} and ${after}`;
    throw call.refuse('SHAPE', 'image', `at least ${reach(window, axis)} long`, found);
  }) as [number | null, number | null];
  const same = sameMargins(window, extents);
  const isSame = same !== undefined && String(same) === String(margins);
  if (isNone(margins)) return { padding: 'valid', margins: undefined, hasMore, out };
  return {
    padding: isSame ? 'same' : 'valid',
    margins: isSame ? undefined : margins,
    hasMore,
    out,
  };
}

function windowOf(call: OnnxCall, kernel: [number, number]): Window {
  return {
    kernel,
    strides: call.pair('strides', [1, 1]),
    dilations: call.pair('dilations', [1, 1]),
  };
}

/** The image with channels last, and zeros around it. */
function framed(call: OnnxCall, image: Flow, margins: Margins | undefined): SymbolicTensor {
  const x = call.ordered(image, channelsFirst);
  return margins ? apply(zeroPadding2d(margins, { name: call.name() }), x) : x;
}

/** [kh, kw, c/groups, filters], every filter times its scale. */
function scaledKernel(data: ArrayLike<number>, scale: PerChannel): Float64Array {
  return Float64Array.from(data, (x, i) => x * scale[i % scale.length]!);
}

function biasOf(call: OnnxCall, filters: number): PerChannel {
  const bias = call.inputs[2] ? Float64Array.from(call.weights(2).data) : new Float64Array(filters);
  if (bias.length === filters) return bias;
  throw call.refuse('SHAPE', 'bias', `of ${filters} numbers`, String(bias.length));
}

export function conv(call: OnnxCall): Flow {
  const image = call.image(0);
  const weights = call.weights(1);
  const [filters, depth, height, width] = weights.shape as [number, number, number, number];
  const groups = call.whole('group', 1);
  const channels = image.shape[1];
  if (weights.shape.length !== 4 || channels !== depth * groups || filters % groups !== 0)
    throw call.refuse(
      'SHAPE',
      'kernel',
      `[filters, ${channels}/${groups}, height, width]`,
      show([...weights.shape]),
    );
  const kernelShape = call.list('kernel_shape');
  if (kernelShape && String(kernelShape) !== String([height, width]))
    throw call.refuse(
      'SHAPE',
      'kernel_shape',
      `${height}, ${width} of the kernel`,
      String(kernelShape),
    );
  const window = windowOf(call, [height, width]);
  const { padding, margins, out } = placed(call, image, window);
  const kernel = transposed(call, weights, [2, 3, 1, 0]).data;
  const bias = biasOf(call, filters);
  const isDepthwise = depth === 1 && groups > 1;
  return linearFlow(
    { shape: [null, filters, ...out], axes: channelsFirst },
    {
      channels: filters,
      scalable: true,
      make(scale, shift) {
        const x = framed(call, image, margins);
        const after = perChannel(
          perChannel(bias, scale, (a, b) => a * b),
          shift,
          (a, b) => a + b,
        );
        const useBias = after.some((value) => value !== 0) || call.inputs[2] !== undefined;
        const options = { ...common(window), padding, useBias, name: call.name() };
        const layer = isDepthwise
          ? depthwiseConv2d([height, width], { ...options, depthMultiplier: filters / groups })
          : conv2d(filters, [height, width], { ...options, groups });
        const shape = isDepthwise
          ? [height, width, groups, filters / groups]
          : [height, width, depth, filters];
        const values = [float32(scaledKernel(kernel, scale), shape)];
        if (useBias) values.push(float32(spread(after, filters), [filters]));
        return apply(layer, x, values);
      },
    },
  );
}

function common({ strides, dilations }: Window) {
  return { strides: [...strides], dilationRate: [...dilations] };
}

export function convTranspose(call: OnnxCall): Flow {
  const image = call.image(0);
  const weights = call.weights(1);
  const [channels, filters, height, width] = weights.shape as [number, number, number, number];
  const groups = call.whole('group', 1);
  const isGrouped = groups >= 1 && channels % groups === 0;
  if (weights.shape.length !== 4 || channels !== image.shape[1] || !isGrouped)
    throw call.refuse(
      'SHAPE',
      'kernel',
      `[${image.shape[1]}, filters, height, width], in ${groups} groups`,
      show([...weights.shape]),
    );
  if (call.text('auto_pad', 'NOTSET') !== 'NOTSET' || call.list('output_shape'))
    throw call.refuse('UNSUPPORTED', 'padding', 'explicit', 'auto_pad or output_shape');
  const window = windowOf(call, [height, width]);
  const margins = givenMargins(call, window, [null, null]);
  const more = call.pair('output_padding', [0, 0], 0);
  const kernel = transposed(call, weights, [2, 3, 1, 0]).data;
  if (groups > 1)
    return groupedTranspose(call, kernel, { window, margins, more, groups, channels, filters });
  const bias = biasOf(call, filters);
  const [crop, grow]: [Margins, Margins] = [
    [
      [0, 0],
      [0, 0],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ];
  const out = axes.map((axis) => {
    const extent = image.shape[axis + 2];
    if (typeof extent !== 'number')
      throw call.refuse('UNSUPPORTED', 'image', 'of known extents', 'open');
    const [before, after] = margins[axis];
    // Keras's layer leaves the gap after the last element where the stride is longer than the kernel.
    const gap = Math.max(0, window.strides[axis] - reach(window, axis));
    const cut = after - more[axis]! + gap;
    crop[axis] = [before, Math.max(0, cut)];
    grow[axis] = [0, Math.max(0, -cut)];
    const size =
      (extent - 1) * window.strides[axis] + reach(window, axis) - before - after + more[axis]!;
    if (size < 1)
      throw call.refuse('SHAPE', 'image', 'large enough for its margins', String(extent));
    return size;
  });
  return linearFlow(
    { shape: [null, filters, ...out], axes: channelsFirst },
    {
      channels: filters,
      scalable: false,
      make(_, shift) {
        const after = perChannel(bias, shift, (a, b) => a + b);
        const isCut = isNone(grow);
        const useBias = isCut && after.some((value) => value !== 0);
        const layer = conv2dTranspose(filters, [height, width], {
          ...common(window),
          useBias,
          name: call.name(),
        });
        const values = [float32(kernel, [height, width, filters, channels])];
        if (useBias) values.push(float32(spread(after, filters), [filters]));
        let y = apply(layer, call.ordered(image, channelsFirst), values);
        if (!isNone(crop)) y = apply(cropping2d(crop, { name: call.name() }), y);
        if (isCut) return y;
        y = apply(zeroPadding2d(grow, { name: call.name() }), y);
        const places = ['input', { shape: [filters], trainable: true }] as const;
        const add = new OnnxOperation({ operation: 'add', places, name: call.name() });
        return apply(add, y, [float32(spread(after, filters), [filters])]);
      },
    },
  );
}

interface GroupedTranspose {
  readonly window: Window;
  readonly margins: Margins;
  /** Rows and columns at the end that no window reaches of itself. */
  readonly more: readonly [number, number];
  readonly groups: number;
  readonly channels: number;
  /** Of one group. */
  readonly filters: number;
}

/** A transposed convolution whose channels fall into groups, which Keras has no layer for. */
function groupedTranspose(
  call: OnnxCall,
  kernel: ArrayLike<number>,
  { window, margins, more, groups, channels, filters }: GroupedTranspose,
): Flow {
  const image = call.image(0);
  const all = filters * groups;
  const bias = biasOf(call, all);
  const out = axes.map((axis) => {
    const extent = image.shape[axis + 2];
    if (typeof extent !== 'number')
      throw call.refuse('UNSUPPORTED', 'image', 'of known extents', 'open');
    if (more[axis] >= window.strides[axis])
      throw call.refuse('UNSUPPORTED', 'output_padding', 'below the strides', String(more));
    const [before, after] = margins[axis];
    const size =
      (extent - 1) * window.strides[axis] + reach(window, axis) - before - after + more[axis];
    if (size >= 1) return size;
    throw call.refuse('SHAPE', 'image', 'large enough for its margins', String(extent));
  });
  const numbers = {
    image: [...out, all],
    strides: window.strides,
    dilations: window.dilations,
    margins: margins.flat(),
    groups: [groups],
  };
  return linearFlow(
    { shape: [null, all, ...out], axes: channelsFirst },
    {
      channels: all,
      scalable: false,
      make(_, shift) {
        const shapes = [[...window.kernel, filters, channels], [all]];
        const weights = [
          kernel,
          spread(
            perChannel(bias, shift, (a, b) => a + b),
            all,
          ),
        ];
        const layer = new OnnxOperation({
          operation: 'conv_transpose',
          places: ['input', ...shapes.map((shape) => ({ shape, trainable: true }))],
          numbers,
          name: call.name(),
        });
        const values = weights.map((data, i) => float32(data, shapes[i]!));
        return apply(layer, call.ordered(image, channelsFirst), values);
      },
    },
  );
}

const lowest = -3.4028234663852886e38;

/** Margins of images as an operation has them: of rows, of columns, of channels. */
function marginsOf(margins: Margins): readonly number[] {
  return [...margins.flat(), 0, 0];
}

function poolWindow(call: OnnxCall): Window {
  const window = windowOf(call, call.pair('kernel_shape', []));
  if (window.dilations.some((n) => n !== 1))
    throw call.refuse('UNSUPPORTED', 'dilations', '1', String(window.dilations));
  return window;
}

export function maxPool(call: OnnxCall): Flow {
  const image = call.image(0);
  const window = poolWindow(call);
  if (call.node.outputs.filter((name) => name !== '').length > 1)
    throw call.refuse('UNSUPPORTED', 'outputs', 'the maxima alone', 'their places as well');
  const { padding, margins, out } = placed(call, image, window, call.whole('ceil_mode', 0) === 1);
  // Zeros around elements that are not below 0 change no maximum; else the smallest number takes their place.
  let x = framed(call, image, image.isNonNegative ? margins : undefined);
  if (margins && !image.isNonNegative) {
    const numbers = { margins: marginsOf(margins), value: [lowest] };
    x = apply(
      new OnnxOperation({ operation: 'pad', places: ['input'], numbers, name: call.name() }),
      x,
    );
  }
  const layer = maxPooling2d([...window.kernel], {
    strides: [...window.strides],
    padding,
    name: call.name(),
  });
  const parts = {
    shape: [null, image.shape[1]!, ...out],
    axes: channelsFirst,
    isNonNegative: image.isNonNegative,
  };
  return call.flowOf(parts, apply(layer, x));
}

export function averagePool(call: OnnxCall): Flow {
  const image = call.image(0);
  const window = poolWindow(call);
  const { padding, margins, hasMore, out } = placed(
    call,
    image,
    window,
    call.whole('ceil_mode', 0) === 1,
  );
  const isCounted =
    call.whole('count_include_pad', 0) === 1 && call.text('auto_pad', 'NOTSET') === 'NOTSET';
  const own = givenMargins(call, window, image.shape.slice(2));
  // Keras's `same` leaves margins out of the mean.
  const isKeras =
    !isNone(own) || hasMore ? padding === 'same' && (!isCounted || isNone(own)) : true;
  const frame = isKeras ? undefined : (margins ?? sameMargins(window, image.shape.slice(2)));
  const layer = averagePooling2d([...window.kernel], {
    strides: [...window.strides],
    padding: isKeras ? padding : 'valid',
    name: call.name(),
  });
  let y = apply(layer, framed(call, image, frame));
  const factors = frame && divisorFactors(call, image, window, own, frame, out, isCounted);
  if (factors) {
    const shape = [1, ...(out as readonly number[]), 1];
    const places = ['input', { shape, trainable: false }] as const;
    const correction = new OnnxOperation({ operation: 'mul', places, name: call.name() });
    y = apply(correction, y, [float32(factors, shape)]);
  }
  const parts = {
    shape: [null, image.shape[1]!, ...out],
    axes: channelsFirst,
    isNonNegative: image.isNonNegative,
  };
  return call.flowOf(parts, y);
}

/** What the mean over whole windows is multiplied by, so that it is that over the elements that count. */
function divisorFactors(
  call: OnnxCall,
  image: Flow,
  window: Window,
  own: Margins,
  frame: Margins,
  out: readonly (number | null)[],
  isCounted: boolean,
): Float64Array | undefined {
  const counts = axes.map((axis) => {
    const extent = image.shape[axis + 2];
    const outs = out[axis];
    if (typeof extent !== 'number' || typeof outs !== 'number')
      throw call.refuse('UNSUPPORTED', 'image', 'of known extents', 'open');
    const [from, to] = isCounted
      ? [frame[axis][0] - own[axis][0], frame[axis][0] + extent + own[axis][1]]
      : [frame[axis][0], frame[axis][0] + extent];
    return Float64Array.from({ length: call.allowed(outs) }, (_, i) => {
      const start = i * window.strides[axis];
      return Math.max(1, Math.min(start + window.kernel[axis], to) - Math.max(start, from));
    });
  }) as [Float64Array, Float64Array];
  const whole = window.kernel[0] * window.kernel[1];
  const factors = new Float64Array(call.allowed(counts[0].length * counts[1].length));
  for (let i = 0; i < factors.length; i++)
    factors[i] =
      whole / (counts[0][Math.floor(i / counts[1].length)]! * counts[1][i % counts[1].length]!);
  return factors.every((factor) => factor === 1) ? undefined : factors;
}

/** The mean or maximum of whole images, with the axes that are gone kept as 1, or not. */
export function globalPool(call: OnnxCall, kind: 'mean' | 'max', keepdims: boolean): Known {
  const image = call.image(0);
  const make = kind === 'mean' ? globalAveragePooling2d : globalMaxPooling2d;
  const y = apply(make({ keepdims, name: call.name() }), call.ordered(image, channelsFirst));
  const { isNonNegative } = image;
  return keepdims
    ? call.flowOf({ shape: [null, image.shape[1]!, 1, 1], axes: channelsFirst, isNonNegative }, y)
    : call.flowOf({ shape: [null, image.shape[1]!], axes: [0, 1], isNonNegative }, y);
}
