/**
 * @file The backend's own pass: products and convolutions become `panel_conv` on packed weights, bias and ReLU join them,
 * padding becomes placing. What has no such form keeps its general kernel.
 */
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { apply1 } from '../../ir/graph.ts';
import type { Op } from '../../ir/op.ts';
import { type Rule, type RuleContext, removeDead, rewrite } from '../../ir/rewrite.ts';
import {
  addOp,
  type ConvAttrs,
  type ConvFilterGradientAttrs,
  type ConvInputGradientAttrs,
  type ConvPoolAttrs,
  conv2dFilterGradient,
  conv2dFilterGradientOp,
  conv2dInputGradientOp,
  conv2dOp,
  convReluPoolOp,
  type MatmulAttrs,
  matmulExtents,
  matmulOp,
  maxPool2dGradientOp,
  outputExtent,
  type Padding2D,
  type Pair,
  pooledInputGradientOp,
  reluOp,
  reshape,
  transpose,
} from '../../ops/index.ts';
import {
  type PackAttrs,
  type PanelConvAttrs,
  packPanelsOp,
  panelConvOp,
  panelConvPoolOp,
  placeOp,
  rowsInputGradientOp,
} from './ops.ts';

const rules = new Map<Op, Rule>();

function rule<A>(op: Op<A>, lower: Rule): void {
  rules.set(op as Op, lower);
}

export function lower(graph: Graph): Graph {
  return removeDead(rewrite(graph, (node, context) => rules.get(node.op)?.(node, context)));
}

const pack = (w: Value, form: PackAttrs['form']): Value => apply1(packPanelsOp, [w], { form });

/** `x` with zeros around, as the kernels without bounds checks want it. */
function padImages(x: Value, [rows, columns]: Padding2D): Value {
  const [, h, w] = x.shape as readonly [number, number, number];
  const extent: Pair = [h + rows[0] + rows[1], w + columns[0] + columns[1]];
  if (extent[0] === h && extent[1] === w) return x;
  return apply1(placeOp, [x], { extent, start: [rows[0], columns[0]], step: [1, 1] });
}

/** A product by panels, to which a bias and a ReLU may still be added. */
interface Product {
  x: Value;
  panels: Value;
  attrs: Omit<PanelConvAttrs, 'activation'>;
  shape: Shape;
}

function finish(
  { x, panels, attrs, shape }: Product,
  activation: PanelConvAttrs['activation'],
  bias?: Value,
): Value {
  return reshape(
    apply1(panelConvOp, bias ? [x, panels, bias] : [x, panels], { ...attrs, activation }),
    shape,
  );
}

/** The product that a node is, with inputs in the new graph. */
function asProduct(node: Node, find: (value: Value) => Value): Product | undefined {
  if (node.op === (matmulOp as Op)) return matmulProduct(node, find);
  if (node.op !== (conv2dOp as Op)) return undefined;
  const attrs = node.attrs as ConvAttrs;
  if (attrs.groups !== 1) return undefined;
  const [x, w] = node.inputs.map(find) as [Value, Value];
  const [kh, kw, , k] = w.shape as readonly [number, number, number, number];
  return {
    x: padImages(x, attrs.padding),
    panels: pack(w, 'forward'),
    attrs: { kernel: [kh, kw], strides: attrs.strides, dilation: attrs.dilation, k },
    shape: node.outputs[0]!.shape,
  };
}

/** A·B is a 1×1 convolution of m pixels; Bᵀ is packed as the adjoint. */
function matmulProduct(node: Node, find: (value: Value) => Value): Product | undefined {
  const attrs = node.attrs as MatmulAttrs;
  if (attrs.transposeA) return undefined;
  const [a, b] = node.inputs.map(find) as [Value, Value];
  const { m, n, k } = matmulExtents(a, b, attrs);
  return {
    x: reshape(a, [m, 1, 1, k]),
    panels: pack(reshape(b, [1, 1, ...b.shape]), attrs.transposeB ? 'adjoint' : 'forward'),
    attrs: { kernel: [1, 1], strides: [1, 1], dilation: [1, 1], k: n },
    shape: [m, n],
  };
}

/** The product and bias behind `value`, if nobody else reads the steps between. */
function biasedProduct(
  value: Value,
  { uses, find }: RuleContext,
): { product: Product; bias?: Value } | undefined {
  const { node } = value;
  if (node.op === (addOp as Op)) {
    const [left, bias] = node.inputs as [Value, Value];
    const product = uses(left) === 1 ? asProduct(left.node, find) : undefined;
    const fits = bias.shape.length === 1 && bias.shape[0] === product?.attrs.k;
    return product && fits ? { product, bias: find(bias) } : undefined;
  }
  const product = asProduct(node, find);
  return product && { product };
}

const lowerBiased: Rule = (node, context) => {
  const match = biasedProduct(node.outputs[0]!, context);
  return match && [finish(match.product, 'linear', match.bias)];
};

rule(conv2dOp, lowerBiased);
rule(addOp, lowerBiased);

rule(reluOp, (node, context) => {
  const before = node.inputs[0]!;
  if (context.uses(before) !== 1) return undefined;
  const match = biasedProduct(before, context);
  return match && [finish(match.product, 'relu', match.bias)];
});

rule(matmulOp, (node, context) => {
  const { transposeA, transposeB } = node.attrs as MatmulAttrs;
  if (!transposeA) return lowerBiased(node, context);
  // AᵀB is the kernel's gradient of a 1×1 convolution.
  const [a, b] = context.inputs as [Value, Value];
  const right = transposeB ? transpose(b, [1, 0]) : b;
  const [k, m] = a.shape as readonly [number, number];
  const n = right.shape[1]!;
  const attrs: ConvAttrs = {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1],
    groups: 1,
  };
  const product = conv2dFilterGradient(
    reshape(a, [1, 1, k, m]),
    reshape(right, [1, 1, k, n]),
    [1, 1, m, n],
    attrs,
  );
  return [reshape(product, [m, n])];
});

rule(conv2dFilterGradientOp, (node, { inputs, target }) => {
  const attrs = node.attrs as ConvFilterGradientAttrs;
  if (attrs.groups !== 1) return undefined;
  const x = padImages(inputs[0]!, attrs.padding);
  if (x === inputs[0]) return undefined;
  return target.apply(conv2dFilterGradientOp, [x, inputs[1]!], {
    ...attrs,
    padding: [
      [0, 0],
      [0, 0],
    ],
  });
});

rule(conv2dInputGradientOp, (node, { inputs }) => {
  const attrs = node.attrs as ConvInputGradientAttrs;
  return attrs.groups === 1 ? [inputGradient(inputs[0]!, inputs[1]!, attrs)] : undefined;
});

/**
 * The images' gradient is a convolution of the result's gradient, spread `stride` apart, with the window turned round:
 * ∂x[y] = Σ_dy g[(y + p − dy·d) / s] · w[dy].
 */
function inputGradient(g: Value, w: Value, attrs: ConvInputGradientAttrs): Value {
  const { imageShape, strides, padding, dilation } = attrs;
  const [kh, kw, c] = w.shape as readonly [number, number, number];
  const reach: Pair = [(kh - 1) * dilation[0], (kw - 1) * dilation[1]];
  const extent: Pair = [imageShape[1]! + reach[0], imageShape[2]! + reach[1]];
  const start: Pair = [reach[0] - padding[0][0], reach[1] - padding[1][0]];
  const asItIs =
    extent[0] === g.shape[1] && extent[1] === g.shape[2] && start[0] === 0 && start[1] === 0;
  const spread = asItIs ? g : apply1(placeOp, [g], { extent, start, step: strides });
  return apply1(panelConvOp, [spread, pack(w, 'adjoint')], {
    kernel: [kh, kw],
    strides: [1, 1],
    dilation,
    k: c,
    activation: 'linear',
  });
}

rule(convReluPoolOp, (node, { inputs, target }) => {
  const attrs = node.attrs as ConvPoolAttrs;
  const [x, w, b] = inputs as [Value, Value, Value];
  const [kh, kw, , k] = w.shape as readonly [number, number, number, number];
  return target.apply(panelConvPoolOp, [x, pack(w, 'forward'), b], {
    ...attrs,
    kernel: [kh, kw],
    k,
  });
});

rule(pooledInputGradientOp, (node, { inputs }) => {
  const attrs = node.attrs as ConvPoolAttrs & { imageShape: Shape };
  const [g, winner, w] = inputs as [Value, Value, Value];
  const [kh, kw, c, k] = w.shape as readonly [number, number, number, number];
  const run = attrs.dilation[1] === 1 ? kw * c : c;
  if (run % 4 === 0) {
    const rows = transpose(reshape(w, [sizeOf(w.shape) / k, k]), [1, 0]);
    return [apply1(rowsInputGradientOp, [g, winner, rows], { ...attrs, kernel: w.shape })];
  }
  // Whole vectors would spill into neighbours: spread the gradient out and take the dense way.
  const [n, h, width] = attrs.imageShape as readonly [number, number, number];
  const oh = outputExtent(h, kh, attrs.strides[0], [0, 0], attrs.dilation[0]);
  const ow = outputExtent(width, kw, attrs.strides[1], [0, 0], attrs.dilation[1]);
  const padding: Padding2D = [
    [0, 0],
    [0, 0],
  ];
  const spread = apply1(maxPool2dGradientOp, [g, winner], {
    window: attrs.pool,
    strides: attrs.pool,
    padding,
    imageShape: [n, oh, ow, k],
  });
  return [inputGradient(spread, w, { ...attrs, padding, groups: 1 })];
});
