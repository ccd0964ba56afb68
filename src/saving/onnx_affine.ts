/**
 * @file Scales and shifts of channels: into the weights of the layer before them where nothing else reads it, else into a
 * layer of their own.
 */
import { depthwiseConv2d } from '../layers/depthwise_conv_2d.ts';
import { rescaling } from '../layers/rescaling.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { OnnxCall } from './onnx_call.ts';
import type { Constant } from './onnx_decode.ts';
import { OnnxOperation, type Place } from './onnx_operation.ts';
import { apply, Flow, type FlowParts, float32, type Linear } from './onnx_values.ts';

/** Numbers of channels: one for each, or one for all. */
export type PerChannel = Float64Array;

export const one = Float64Array.of(1);
export const zero = Float64Array.of(0);

/** `body` over channels. */
export function perChannel(
  a: PerChannel,
  b: PerChannel,
  body: (a: number, b: number) => number,
): PerChannel {
  const at = (list: PerChannel, i: number) => list[list.length === 1 ? 0 : i]!;
  return Float64Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
    body(at(a, i), at(b, i)),
  );
}

/** `count` numbers out of those of channels. */
export function spread(list: PerChannel, count: number): PerChannel {
  return list.length === 1 ? new Float64Array(count).fill(list[0]!) : list;
}

/** A constant as numbers of the channels of a flow; `undefined` where it differs along other axes. */
export function channelsOf(call: OnnxCall, flow: Flow, constant: Constant): PerChannel | undefined {
  const { shape, data } = constant;
  if (shape.length > flow.rank) return undefined;
  const missing = flow.rank - shape.length;
  const wide = shape.flatMap((extent, axis) => (extent === 1 ? [] : [axis + missing]));
  const [axis] = wide;
  const isOfChannels =
    axis !== undefined && flow.axes[axis] === flow.rank - 1 && flow.shape[axis] === data.length;
  if (wide.length > 1 || (wide.length === 1 && !isOfChannels)) return undefined;
  call.finite(constant, 'constant');
  return Float64Array.from(data);
}

const isAll = (list: PerChannel, value: number) => list.every((x) => x === value);

/** A layer that is made once it is known what scales and shifts its channels. */
export function linearFlow(parts: FlowParts, linear: Linear): Flow {
  return new Flow(parts, () => linear.make(one, zero), { linear });
}

/** The flow with its channels times `scale`, plus `shift`. */
export function affine(call: OnnxCall, i: number, scale: PerChannel, shift: PerChannel): Flow {
  const flow = call.flow(i);
  const isNonNegative =
    flow.isNonNegative && scale.every((x) => x >= 0) && shift.every((x) => x >= 0);
  const parts = { shape: flow.shape, axes: flow.axes, isNonNegative };
  const { linear } = flow;
  if (linear && call.readsAlone(i) && (linear.scalable || isAll(scale, 1))) {
    return linearFlow(parts, {
      ...linear,
      make: (more, after) =>
        linear.make(
          perChannel(scale, more, (a, b) => a * b),
          perChannel(
            perChannel(shift, more, (a, b) => a * b),
            after,
            (a, b) => a + b,
          ),
        ),
    });
  }
  const before = call.readsAlone(i) ? flow.affine : undefined;
  const whole = before
    ? {
        source: before.source,
        scale: perChannel(before.scale, scale, (a, b) => a * b),
        shift: perChannel(
          perChannel(before.shift, scale, (a, b) => a * b),
          shift,
          (a, b) => a + b,
        ),
      }
    : { source: flow, scale, shift };
  const { source } = whole;
  return new Flow(parts, () => layerOf(call, source, whole.scale, whole.shift), { affine: whole });
}

function layerOf(
  call: OnnxCall,
  source: Flow,
  scale: PerChannel,
  shift: PerChannel,
): SymbolicTensor {
  const x = source.symbol;
  const [isScaled, isShifted] = [!isAll(scale, 1), !isAll(shift, 0)];
  if (!isScaled && !isShifted) return x;
  if (isAll(scale, scale[0]!) && isAll(shift, shift[0]!))
    return apply(rescaling(scale[0]!, { offset: shift[0]!, name: call.name() }), x);
  const channels = Math.max(scale.length, shift.length);
  if (source.rank === 4) {
    const layer = depthwiseConv2d(1, { useBias: isShifted, name: call.name() });
    const kernel = float32(spread(scale, channels), [1, 1, channels, 1]);
    return apply(
      layer,
      x,
      isShifted ? [kernel, float32(spread(shift, channels), [channels])] : [kernel],
    );
  }
  const weighted = (operation: string, value: PerChannel, input: SymbolicTensor) => {
    const places: Place[] = ['input', { shape: [channels], trainable: true }];
    const layer = new OnnxOperation({ operation, places, name: call.name() });
    return apply(layer, input, [float32(spread(value, channels), [channels])]);
  };
  const scaled = isScaled ? weighted('mul', scale, x) : x;
  return isShifted ? weighted('add', shift, scaled) : scaled;
}
