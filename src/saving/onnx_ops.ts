/**
 * @file Operations of a graph as nodes of ONNX: one rule each. Images are [n, h, w, c] here and [n, c, h, w] there, so that
 * windows stand between two transposes, which runtimes move and cancel.
 */
import type { DType } from '../core/dtype.ts';
import type { Node } from '../ir/graph.ts';
import type { ConvAttrs, PoolAttrs } from '../ops/conv_geometry.ts';
import type { ConvInputGradientAttrs } from '../ops/conv2d.ts';
import type { Padding, SliceAttrs } from '../ops/layout.ts';
import type { MatmulAttrs } from '../ops/matmul.ts';
import { type Attribute, elementTypes } from './onnx_encode.ts';

/** What a rule writes with. */
export interface OnnxWriter {
  /** Names of the node's inputs. */
  readonly inputs: readonly string[];
  /** Name of its first output. */
  readonly output: string;
  /** Appends a node and returns the name of its output, that of the rule's node where `isLast`. */
  add(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    isLast?: boolean,
  ): string;
  /** A list of whole numbers as a constant. */
  integers(values: readonly (number | bigint)[]): string;
  /** A number as a constant. */
  scalar(value: number, dtype: DType): string;
  /** An extent as it is for any batch: itself, or `fallback` where it depends on the batch. */
  extents(
    shape: readonly number[],
    other: readonly number[],
    fallback: number | bigint,
  ): (number | bigint)[];
}

/** Writes `node`; `twin` is the same node for another batch, which shows what depends on it. */
export type OnnxRule = (writer: OnnxWriter, node: Node, twin: Node) => void;

const toChannelsFirst = [0, 3, 1, 2];
const toChannelsLast = [0, 2, 3, 1];
const largest = 2n ** 63n - 1n;

/** One node of the same inputs. */
function plain(op: string, attributes?: Readonly<Record<string, Attribute>>): OnnxRule {
  return (writer) => {
    writer.add(op, writer.inputs, attributes, true);
  };
}

/** A window over images: `build` has the images with channels first. */
function windowed(build: (writer: OnnxWriter, image: string, node: Node) => string): OnnxRule {
  return (writer, node) => {
    const image = writer.add('Transpose', [writer.inputs[0]!], { perm: toChannelsFirst });
    writer.add('Transpose', [build(writer, image, node)], { perm: toChannelsLast }, true);
  };
}

/** ONNX has all zeros before, then all after. */
function pads([[top, bottom], [left, right]]: ConvAttrs['padding']): number[] {
  return [top, left, bottom, right];
}

function pool(op: string, extra: Readonly<Record<string, Attribute>> = {}): OnnxRule {
  return windowed((writer, image, { attrs }) => {
    const { window, strides, padding } = attrs as PoolAttrs;
    return writer.add(op, [image], {
      kernel_shape: window,
      strides,
      pads: pads(padding),
      ...extra,
    });
  });
}

const convolution = windowed((writer, image, node) => {
  const { strides, padding, dilation, groups } = node.attrs as ConvAttrs;
  const kernel = writer.add('Transpose', [writer.inputs[1]!], { perm: [3, 2, 0, 1] });
  return writer.add('Conv', [image, kernel], {
    strides,
    pads: pads(padding),
    dilations: dilation,
    group: groups,
  });
});

const transposedConvolution = windowed((writer, image, node) => {
  const { strides, padding, dilation, groups, imageShape } = node.attrs as ConvInputGradientAttrs;
  const [small, kernelShape] = node.inputs.map(({ shape }) => shape) as [number[], number[]];
  const kernel = writer.add('Transpose', [writer.inputs[1]!], { perm: [3, 2, 0, 1] });
  const axes = [0, 1].map((axis) => {
    const full =
      (small[axis + 1]! - 1) * strides[axis]! + (kernelShape[axis]! - 1) * dilation[axis]! + 1;
    const before = padding[axis]![0];
    const after = full - before - imageShape[axis + 1]!;
    return { before, after: Math.max(0, after), more: Math.max(0, -after) };
  });
  return writer.add('ConvTranspose', [image, kernel], {
    strides,
    dilations: dilation,
    group: groups,
    pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
    output_padding: axes.map(({ more }) => more),
  });
});

const reshape: OnnxRule = (writer, node, twin) => {
  const [shape, other] = [node, twin].map(({ outputs }) => outputs[0]!.shape) as [
    number[],
    number[],
  ];
  writer.add(
    'Reshape',
    [writer.inputs[0]!, writer.integers(writer.extents(shape, other, -1))],
    {},
    true,
  );
};

/** An extent of 1 leaves that of the input: right where the input has the batch already. */
const broadcast: OnnxRule = (writer, node, twin) => {
  const [shape, other] = [node, twin].map(({ outputs }) => outputs[0]!.shape) as [
    number[],
    number[],
  ];
  writer.add(
    'Expand',
    [writer.inputs[0]!, writer.integers(writer.extents(shape, other, 1))],
    {},
    true,
  );
};

const slice: OnnxRule = (writer, node, twin) => {
  const { start, size } = node.attrs as SliceAttrs;
  const { size: otherSize } = twin.attrs as SliceAttrs;
  const ends = size.map((extent, axis) =>
    extent === otherSize[axis] ? start[axis]! + extent : largest,
  );
  writer.add('Slice', [writer.inputs[0]!, writer.integers(start), writer.integers(ends)], {}, true);
};

const pad: OnnxRule = (writer, node) => {
  const { padding } = node.attrs as { padding: Padding };
  const amounts = [...padding.map(([before]) => before), ...padding.map(([, after]) => after)];
  writer.add('Pad', [writer.inputs[0]!, writer.integers(amounts)], {}, true);
};

const axesOf = ({ attrs }: Node): number[] => {
  const { from, to } = attrs as { from: number; to: number };
  return Array.from({ length: to - from }, (_, i) => from + i);
};

/** Both inputs as 32-bit numbers of one kind. */
function power(exponent: (writer: OnnxWriter, node: Node) => string): OnnxRule {
  return (writer, node) => {
    writer.add('Pow', [writer.inputs[0]!, exponent(writer, node)], {}, true);
  };
}

/** By the operation's name. What is missing here cannot be exported. */
export const onnxRules: ReadonlyMap<string, OnnxRule> = new Map<string, OnnxRule>([
  ['add', plain('Add')],
  ['sub', plain('Sub')],
  ['mul', plain('Mul')],
  ['div', plain('Div')],
  ['maximum', plain('Max')],
  ['minimum', plain('Min')],
  ['neg', plain('Neg')],
  ['abs', plain('Abs')],
  ['sign', plain('Sign')],
  ['sqrt', plain('Sqrt')],
  ['floor', plain('Floor')],
  ['relu', plain('Relu')],
  ['exp', plain('Exp')],
  ['log', plain('Log')],
  ['tanh', plain('Tanh')],
  ['sigmoid', plain('Sigmoid')],
  ['softplus', plain('Softplus')],
  ['erf', plain('Erf')],
  ['cos', plain('Cos')],
  ['sin', plain('Sin')],
  ['int_add', plain('Add')],
  ['less', plain('Less')],
  ['less_equal', plain('LessOrEqual')],
  ['equal', plain('Equal')],
  ['int_equal', plain('Equal')],
  ['logical_and', plain('And')],
  ['logical_not', plain('Not')],
  ['select', plain('Where')],
  ['stop_gradient', plain('Identity')],
  ['softmax', plain('Softmax', { axis: -1 })],
  ['pow', plain('Pow')],
  ['square', (writer) => writer.add('Mul', [writer.inputs[0]!, writer.inputs[0]!], {}, true)],
  [
    'exp_minus_one',
    (writer) =>
      writer.add('Sub', [writer.add('Exp', writer.inputs), writer.scalar(1, 'float32')], {}, true),
  ],
  [
    'power',
    power((writer, { attrs }) =>
      writer.scalar((attrs as { exponent: number }).exponent, 'float32'),
    ),
  ],
  [
    'integer_power',
    power((writer) => writer.add('Cast', [writer.inputs[1]!], { to: elementTypes.float32 })),
  ],
  [
    'cast',
    (writer, { outputs }) =>
      writer.add('Cast', writer.inputs, { to: elementTypes[outputs[0]!.dtype] }, true),
  ],
  ['reshape', reshape],
  ['broadcast', broadcast],
  ['slice', slice],
  ['pad', pad],
  [
    'transpose',
    (writer, { attrs }) =>
      writer.add(
        'Transpose',
        writer.inputs,
        { perm: (attrs as { axes: readonly number[] }).axes },
        true,
      ),
  ],
  [
    'concat',
    (writer, { attrs }) =>
      writer.add('Concat', writer.inputs, { axis: (attrs as { axis: number }).axis }, true),
  ],
  [
    'reduce_sum',
    (writer, node) =>
      writer.add(
        'ReduceSum',
        [writer.inputs[0]!, writer.integers(axesOf(node))],
        { keepdims: 1 },
        true,
      ),
  ],
  [
    'reduce_max',
    (writer, node) =>
      writer.add('ReduceMax', writer.inputs, { axes: axesOf(node), keepdims: 1 }, true),
  ],
  [
    'arg_max',
    (writer, node) => {
      const found = writer.add('ArgMax', writer.inputs, { axis: axesOf(node)[0]!, keepdims: 1 });
      writer.add('Cast', [found], { to: elementTypes.int32 }, true);
    },
  ],
  [
    'matmul',
    (writer, { attrs }) => {
      const { transposeA, transposeB } = attrs as MatmulAttrs;
      writer.add(
        'Gemm',
        writer.inputs,
        { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 },
        true,
      );
    },
  ],
  ['conv2d', convolution],
  ['conv2d_input_gradient', transposedConvolution],
  ['max_pool2d', pool('MaxPool')],
  ['average_pool2d', pool('AveragePool', { count_include_pad: 0 })],
]);
