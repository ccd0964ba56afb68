/**
 * @file Operators of ONNX as layers: one rule each. What Keras has a layer for becomes that layer; the rest becomes an
 * operation of its own.
 */
import { show } from '../core/errors.ts';
import { broadcastShapes, type PartialShape } from '../core/shape.ts';
import { activation } from '../layers/activation.ts';
import { add } from '../layers/add.ts';
import { batchNormalization } from '../layers/batch_normalization.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/dropout.ts';
import { elu } from '../layers/elu.ts';
import type { Layer, LayerOptions } from '../layers/layer.ts';
import { leakyRelu } from '../layers/leaky_re_lu.ts';
import { maximum } from '../layers/maximum.ts';
import { minimum } from '../layers/minimum.ts';
import { multiply } from '../layers/multiply.ts';
import { prelu } from '../layers/p_re_lu.ts';
import { relu } from '../layers/re_lu.ts';
import { softmax } from '../layers/softmax.ts';
import { subtract } from '../layers/subtract.ts';
import { affine, channelsOf, linearFlow, one, perChannel, spread, zero } from './onnx_affine.ts';
import type { OnnxCall } from './onnx_call.ts';
import { integers, transposed } from './onnx_constants.ts';
import { slice } from './onnx_cuts.ts';
import type { Constant } from './onnx_decode.ts';
import { OnnxOperation, type OperationNumbers, type Place } from './onnx_operation.ts';
import { resize } from './onnx_resample.ts';
import {
  concatenated,
  expand,
  flattened,
  pad,
  reduced,
  reshape,
  squeezed,
  transpose,
  unsqueezed,
} from './onnx_shape_rules.ts';
import { apply, commonAxes, type Flow, float32, type Known, plainAxes } from './onnx_values.ts';
import { averagePool, conv, convTranspose, globalPool, maxPool } from './onnx_windows.ts';

export type OnnxRule = (call: OnnxCall) => Known;

/** The layer of one input whose output is as its input, element by element. */
function layered(
  make: (options: LayerOptions, call: OnnxCall) => Layer,
  isNonNegative = false,
): OnnxRule {
  return (call) => {
    const x = call.flow(0);
    const parts = { shape: x.shape, axes: x.axes, isNonNegative };
    return call.flowOf(parts, apply(make({ name: call.name() }, call), x.symbol));
  };
}

const activated = (name: string, isNonNegative = false): OnnxRule =>
  layered((options) => activation(name, options), isNonNegative);

/** The shape to which flows of one rank, and constants of at most that, stretch. */
function commonShape(
  call: OnnxCall,
  flows: readonly Flow[],
  constants: readonly Constant[] = [],
): PartialShape {
  const [first] = flows as [Flow];
  // -1 stands for open extents, which fit one another.
  const shapes = [
    ...flows.map(({ shape }) => shape.map((extent) => extent ?? -1)),
    ...constants.map((constant) => constant.shape),
  ];
  const shape = broadcastShapes(...shapes);
  const fits = flows.every(({ rank }) => rank === first.rank) && shape?.length === first.rank;
  if (!shape || !fits) throw call.refuse('SHAPE', 'shapes', 'ones that fit', show(shapes));
  return shape.map((extent) => (extent === -1 ? null : extent));
}

/** An operation on flows and constants, as a layer of its own. */
function operation(
  call: OnnxCall,
  name: string,
  operands: readonly Known[],
  numbers: OperationNumbers = {},
): Flow {
  const flows = operands.filter((operand): operand is Flow => operand.kind === 'flow');
  const axes = commonAxes(flows);
  const constants = operands.filter((operand): operand is Constant => operand.kind === 'constant');
  const shape = commonShape(call, flows, constants);
  const like = call.flowOf({ shape, axes }, flows[0]!.symbol);
  const weights: ReturnType<OnnxCall['beside']>[] = [];
  const places = operands.map((operand): Place => {
    if (operand.kind === 'flow') return 'input';
    call.finite(operand, 'constant');
    if (operand.data.length === 1) return operand.data[0]!;
    const value = call.beside(like, operand);
    weights.push(value);
    return { shape: value.shape, trainable: true };
  });
  const inputs = flows.map((flow) => call.ordered(flow, axes));
  const layer = new OnnxOperation({ operation: name, places, numbers, name: call.name() });
  const isNonNegative = [
    'less',
    'less_equal',
    'equal',
    'and',
    'not',
    'abs',
    'square',
    'sqrt',
    'exp',
  ].includes(name);
  const symbol = apply(layer, inputs.length === 1 ? inputs[0]! : inputs, weights);
  return call.flowOf({ shape, axes, isNonNegative }, symbol);
}

const operated =
  (name: string): OnnxRule =>
  (call) =>
    operation(call, name, operands(call));
const swapped =
  (name: string): OnnxRule =>
  (call) =>
    operation(call, name, operands(call).reverse());

function operands(call: OnnxCall): Known[] {
  return call.inputs.map((input, i) => {
    if (input) return input;
    throw call.refuse('ONNX', `input ${i}`, 'there', 'none');
  });
}

/** Two or more flows by a layer that merges them. */
function merged(
  call: OnnxCall,
  make: (options: LayerOptions) => Layer,
  flows: readonly Flow[],
): Flow {
  const axes = commonAxes(flows);
  const shape = commonShape(call, flows);
  const isNonNegative = flows.every((flow) => flow.isNonNegative);
  const inputs = flows.map((flow) => call.ordered(flow, axes));
  return call.flowOf({ shape, axes, isNonNegative }, apply(make({ name: call.name() }), inputs));
}

type Kind = 'add' | 'sub' | 'mul' | 'div';

/** Scale and shift for `x kind c`, or `c kind x` where the constant comes first. */
function scaleAndShift(
  kind: Kind,
  c: Float64Array,
  isFirst: boolean,
): [Float64Array, Float64Array] | undefined {
  if (kind === 'add') return [one, c];
  if (kind === 'mul') return [c, zero];
  if (kind === 'sub') return isFirst ? [Float64Array.of(-1), c] : [one, c.map((x) => -x)];
  const inverse = c.map((x) => 1 / x);
  return isFirst || !inverse.every(Number.isFinite) ? undefined : [inverse, zero];
}

function arithmetic(kind: Kind, make: (options: LayerOptions) => Layer): OnnxRule {
  return (call) => {
    const [a, b] = operands(call) as [Known, Known];
    if (a.kind === 'flow' && b.kind === 'flow') {
      const isMerged = kind !== 'div';
      return isMerged ? merged(call, make, [a, b]) : operation(call, kind, [a, b]);
    }
    const isFirst = a.kind === 'constant';
    const i = isFirst ? 1 : 0;
    const constant = (isFirst ? a : b) as Constant;
    const channels = channelsOf(call, call.flow(i), constant);
    const found = channels && scaleAndShift(kind, channels, isFirst);
    return found ? affine(call, i, ...found) : operation(call, kind, [a, b]);
  };
}

/** Any number of inputs, two at a time. */
function many(
  name: 'maximum' | 'minimum' | 'add',
  make: (options: LayerOptions) => Layer,
): OnnxRule {
  return (call) => {
    const all = operands(call);
    const flows = all.filter((input): input is Flow => input.kind === 'flow');
    if (flows.length === all.length && flows.length > 1) return merged(call, make, flows);
    return all.reduce((a, b) => operation(call, name, [a, b]));
  };
}

function clip(call: OnnxCall): Known {
  const isOld = call.opset < 11;
  const low = isOld ? call.number('min', -Infinity) : call.scalar(1, -Infinity);
  const high = isOld ? call.number('max', Infinity) : call.scalar(2, Infinity);
  const isOpen = (bound: number) => Math.abs(bound) > 3.4e38;
  if (low === 0 && high > 0) {
    const maxValue = isOpen(high) ? undefined : high;
    return layered((options) => relu({ ...options, maxValue }), true)(call);
  }
  const x = call.flow(0);
  const above = isOpen(low) ? x : operation(call, 'maximum', [x, number(low)]);
  const within = isOpen(high) ? above : operation(call, 'minimum', [above, number(high)]);
  return call.flowOf({ shape: x.shape, axes: x.axes, isNonNegative: low >= 0 }, within.symbol);
}

function number(value: number): Constant {
  return { kind: 'constant', isFloat: true, shape: [], data: Float64Array.of(value) };
}

/** max(0, min(1, alpha·x + beta)). */
function hardSigmoid(call: OnnxCall): Known {
  const [alpha, beta] = [call.number('alpha', 0.2), call.number('beta', 0.5)];
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5) return activated('hard_sigmoid', true)(call);
  const x = affine(call, 0, Float64Array.of(alpha), Float64Array.of(beta));
  const parts = { shape: x.shape, axes: x.axes, isNonNegative: true };
  return call.flowOf(parts, apply(relu({ maxValue: 1, name: call.name() }), x.symbol));
}

function selu(call: OnnxCall): Known {
  const isUsual =
    Math.abs(call.number('alpha', 1.67326319) - 1.67326319) < 1e-6 &&
    Math.abs(call.number('gamma', 1.05070102) - 1.05070102) < 1e-6;
  if (isUsual) return activated('selu')(call);
  throw call.refuse('UNSUPPORTED', 'alpha and gamma', 'the usual ones', 'others');
}

function gelu(call: OnnxCall): Known {
  if (call.text('approximate', 'none') === 'tanh')
    return operation(call, 'gelu_tanh', [call.flow(0)]);
  return activated('gelu')(call);
}

function pRelu(call: OnnxCall): Known {
  const x = call.flow(0);
  const slope = call.weights(1);
  if (slope.data.length === 1 && slope.data[0]! >= 0)
    return layered((options) => leakyRelu({ ...options, negativeSlope: slope.data[0]! }))(call);
  const alpha = call.beside(x, slope);
  const sharedAxes = x.physical.flatMap((extent, axis) =>
    axis > 0 && alpha.shape[axis] === 1 && extent !== 1 ? [axis] : [],
  );
  const layer = prelu({ sharedAxes: sharedAxes.length > 0 ? sharedAxes : null, name: call.name() });
  return call.flowOf(
    { shape: x.shape, axes: x.axes },
    apply(layer, x.symbol, [float32(alpha.data, alpha.shape.slice(1))]),
  );
}

/** Softmax along one axis; before version 13 along all from it, which must be one then. */
function softmaxed(call: OnnxCall, isLog: boolean): Known {
  const x = call.flow(0);
  const given = call.whole('axis', call.opset < 13 ? 1 : -1);
  const axis = given < 0 ? given + x.rank : given;
  const isWide = call.opset < 13 && x.shape.slice(axis + 1).some((extent) => extent !== 1);
  if (!(axis > 0 && axis < x.rank) || isWide)
    throw call.refuse('UNSUPPORTED', 'axis', 'one after the batch', String(given));
  const at = x.axes[axis]!;
  const parts = { shape: x.shape, axes: x.axes, isNonNegative: !isLog };
  if (!isLog)
    return call.flowOf(
      parts,
      apply(softmax({ axis: at === x.rank - 1 ? -1 : at, name: call.name() }), x.symbol),
    );
  const others = plainAxes(x.rank).filter((i) => i !== axis);
  const last = plainAxes(x.rank).map((i) => (i === axis ? x.rank - 1 : others.indexOf(i)));
  const axes = at === x.rank - 1 ? x.axes : last;
  const y = apply(activation('log_softmax', { name: call.name() }), call.ordered(x, axes));
  return call.flowOf({ shape: x.shape, axes }, y);
}

function normalized(call: OnnxCall): Known {
  const x = call.flow(0);
  if (call.whole('training_mode', 0) !== 0)
    throw call.refuse('UNSUPPORTED', 'training_mode', '0', '1');
  const channels = x.shape[1];
  const values = [1, 2, 3, 4].map((i) => call.weights(i));
  const [scale, bias, mean, variance] = values as [Constant, Constant, Constant, Constant];
  if (typeof channels !== 'number' || values.some(({ data }) => data.length !== channels))
    throw call.refuse(
      'SHAPE',
      'numbers of channels',
      String(channels),
      show(values.map(({ data }) => data.length)),
    );
  const last = plainAxes(x.rank).map((i) => (i === 0 ? 0 : i === 1 ? x.rank - 1 : i - 1));
  const layer = batchNormalization({
    epsilon: call.number('epsilon', 1e-5),
    momentum: Math.min(1, Math.max(0, call.number('momentum', 0.9))),
    name: call.name(),
  });
  const weights = [scale, bias, mean, variance].map(({ data }) => float32(data, [channels]));
  return call.flowOf({ shape: x.shape, axes: last }, apply(layer, call.ordered(x, last), weights));
}

/** x·W + b along the last axis. */
function matmul(call: OnnxCall): Flow {
  const x = call.flow(0);
  return product(call, x, call.weights(1), 1, undefined);
}

function gemm(call: OnnxCall): Known {
  if (call.whole('transA', 0) !== 0) throw call.refuse('UNSUPPORTED', 'transA', '0', '1');
  const given = call.weights(1);
  const isTransposed = call.whole('transB', 0) === 1;
  const weights =
    isTransposed && given.shape.length === 2 ? transposed(call, given, [1, 0]) : given;
  const beta = call.number('beta', 1);
  const third = call.inputs[2];
  const bias = third?.kind === 'constant' ? call.weights(2) : undefined;
  const units = weights.shape[1] ?? 0;
  if (bias && bias.data.length !== 1 && (bias.data.length !== units || bias.shape.at(-1) !== units))
    throw call.refuse('UNSUPPORTED', 'input 2', `${units} numbers`, show([...bias.shape]));
  const shift = bias && Float64Array.from(bias.data, (value) => value * beta);
  const y = product(call, call.flow(0), weights, call.number('alpha', 1), shift);
  if (third?.kind !== 'flow') return y;
  if (beta !== 1) throw call.refuse('UNSUPPORTED', 'beta', '1', String(beta));
  return merged(call, add, [y, third]);
}

function product(
  call: OnnxCall,
  x: Flow,
  weights: Constant,
  alpha: number,
  bias: Float64Array | undefined,
): Flow {
  const [rows, units] = weights.shape as [number, number];
  if (weights.shape.length !== 2 || x.rank < 2 || x.shape.at(-1) !== rows)
    throw call.refuse(
      'UNSUPPORTED',
      'weights',
      `[${x.shape.at(-1)}, units]`,
      show([...weights.shape]),
    );
  if (units === 0) throw call.refuse('SHAPE', 'weights', 'of one unit or more', '0');
  const own = bias ?? zero;
  return linearFlow(
    { shape: [...x.shape.slice(0, -1), units], axes: plainAxes(x.rank) },
    {
      channels: units,
      scalable: true,
      make(scale, shift) {
        const after = perChannel(
          perChannel(own, scale, (a, b) => a * b),
          shift,
          (a, b) => a + b,
        );
        const useBias = bias !== undefined || after.some((value) => value !== 0);
        const layer = dense(units, { useBias, name: call.name() });
        const kernel = Float64Array.from(
          weights.data,
          (value, i) => value * alpha * scale[i % scale.length]!,
        );
        const values = [float32(kernel, [rows, units])];
        if (useBias) values.push(float32(spread(after, units), [units]));
        return apply(layer, call.ordered(x, plainAxes(x.rank)), values);
      },
    },
  );
}

/** By operator. */
export const onnxImportRules: ReadonlyMap<string, OnnxRule> = new Map<string, OnnxRule>([
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['MaxPool', maxPool],
  ['AveragePool', averagePool],
  ['GlobalAveragePool', (call) => globalPool(call, 'mean', true)],
  ['GlobalMaxPool', (call) => globalPool(call, 'max', true)],
  ['MatMul', matmul],
  ['Gemm', gemm],
  ['BatchNormalization', normalized],
  ['Add', arithmetic('add', add)],
  ['Sub', arithmetic('sub', subtract)],
  ['Mul', arithmetic('mul', multiply)],
  ['Div', arithmetic('div', multiply)],
  ['Sum', many('add', add)],
  ['Max', many('maximum', maximum)],
  ['Min', many('minimum', minimum)],
  ['Relu', layered((options) => relu(options), true)],
  [
    'LeakyRelu',
    layered((options, call) =>
      leakyRelu({ ...options, negativeSlope: call.number('alpha', 0.01) }),
    ),
  ],
  ['PRelu', pRelu],
  ['Elu', layered((options, call) => elu({ ...options, alpha: call.number('alpha', 1) }))],
  ['Selu', selu],
  ['Celu', (call) => (call.number('alpha', 1) === 1 ? activated('celu')(call) : refuseAlpha(call))],
  ['Gelu', gelu],
  ['Sigmoid', activated('sigmoid', true)],
  ['HardSigmoid', hardSigmoid],
  ['HardSwish', activated('hard_silu')],
  ['Mish', activated('mish')],
  ['Softplus', activated('softplus', true)],
  ['Softsign', activated('softsign')],
  ['Tanh', activated('tanh')],
  ['Exp', activated('exponential', true)],
  ['Clip', clip],
  ['Softmax', (call) => softmaxed(call, false)],
  ['LogSoftmax', (call) => softmaxed(call, true)],
  ['Neg', (call) => affine(call, 0, Float64Array.of(-1), zero)],
  ['Abs', operated('abs')],
  ['Sign', operated('sign')],
  ['Sqrt', operated('sqrt')],
  ['Log', operated('log')],
  ['Erf', operated('erf')],
  ['Cos', operated('cos')],
  ['Sin', operated('sin')],
  ['Floor', operated('floor')],
  ['Ceil', operated('ceil')],
  ['Reciprocal', operated('reciprocal')],
  ['Pow', operated('pow')],
  ['Less', operated('less')],
  ['LessOrEqual', operated('less_equal')],
  ['Greater', swapped('less')],
  ['GreaterOrEqual', swapped('less_equal')],
  ['Equal', operated('equal')],
  ['And', operated('and')],
  ['Not', operated('not')],
  ['Where', operated('where')],
  ['Identity', (call) => call.flow(0)],
  ['Cast', (call) => call.flow(0)],
  [
    'Dropout',
    layered((options, call) =>
      dropout(call.opset < 12 ? call.number('ratio', 0.5) : call.scalar(1, 0.5), options),
    ),
  ],
  ['Flatten', flattened],
  ['Reshape', reshape],
  ['Squeeze', squeezed],
  ['Unsqueeze', unsqueezed],
  ['Transpose', transpose],
  ['Concat', concatenated],
  ['Pad', pad],
  ['Slice', slice],
  ['Expand', expand],
  ['Resize', resize],
  ['Upsample', resize],
  ['ReduceMean', reduced('mean')],
  ['ReduceMax', reduced('max')],
  ['ReduceSum', reduced('sum')],
  ['Shape', (call) => integers(call.flow(0).shape.map((extent) => extent ?? Number.NaN))],
]);

function refuseAlpha(call: OnnxCall): never {
  throw call.refuse('UNSUPPORTED', 'alpha', '1', String(call.number('alpha', 1)));
}
