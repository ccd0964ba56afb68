/**
 * @file The backend's own pass: products and convolutions become `panel_conv` on packed weights, bias and ReLU join them,
 * padding becomes placing. What has no such form keeps its general kernel.
 */
import { type Shape, sizeOf } from '../../../core/shape.ts';
import { apply1, type Graph, type Node, type Value } from '../../../ir/graph.ts';
import type { Op } from '../../../ir/op.ts';
import { type Rule, type RuleContext, removeDead, rewrite } from '../../../ir/rewrite.ts';
import {
  addOp,
  type ConvAttrs,
  type ConvFilterGradientAttrs,
  type ConvInputGradientAttrs,
  type ConvPoolAttrs,
  conv2dFilterGradientOp,
  conv2dInputGradientOp,
  conv2dOp,
  convReluPoolOp,
  lessOp,
  type MatmulAttrs,
  matmulOp,
  maxPool2dGradientOp,
  minimumOp,
  outputExtent,
  type Padding2D,
  pooledBiasGradientOp,
  pooledFilterGradientOp,
  pooledInputGradientOp,
  reluOp,
  reshape,
  select,
  selectOp,
  transpose,
} from '../../../ops/index.ts';
import { constantOf } from '../../../passes/fold.ts';
import type { Activation } from '../ops/activation.ts';
import {
  panelConvPoolOp,
  pooledBiasPartialsOp,
  pooledPartialsOp,
  rowsInputGradientOp,
} from '../ops/convolution.ts';
import { depthwiseFilterOp } from '../ops/depthwise.ts';
import { winogradConvPoolOp } from '../ops/winograd.ts';
import { filterGradient, inParts, winogradFilterGradient } from './filter_sums.ts';
import { inputGradient, spreadGradient } from './image_gradients.ts';
import {
  asProduct,
  depthwiseProduct,
  isDepthwise,
  listedGradient,
  maskedProduct,
  type Product,
  pack,
  padImages,
  suitsWinograd,
  transformWeights,
} from './products.ts';

const rules = new Map<Op, Rule>();

function rule<A>(op: Op<A>, lower: Rule): void {
  rules.set(op as Op, lower);
}

export function lower(graph: Graph): Graph {
  return removeDead(rewrite(graph, (node, context) => rules.get(node.op)?.(node, context)));
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
    const fits = bias.shape.length === 1 && bias.shape[0] === product?.k;
    return product && fits ? { product, bias: find(bias) } : undefined;
  }
  const product = asProduct(node, find);
  return product && { product };
}

const lowerBiased: Rule = (node, context) => {
  const match = biasedProduct(node.outputs[0]!, context);
  return match && [match.product.finish('linear', match.bias)];
};

rule(conv2dOp, lowerBiased);
rule(addOp, lowerBiased);

/** The product behind a ReLU, which ends in `activation` then. */
function activatedProduct(relu: Node, activation: Activation, context: RuleContext) {
  const before = relu.inputs[0]!;
  if (context.uses(before) !== 1) return undefined;
  const match = biasedProduct(before, context);
  return match && [match.product.finish(activation, match.bias)];
}

rule(reluOp, (node, context) => activatedProduct(node, 'relu', context));

/** A ceiling of six above a ReLU. */
rule(minimumOp, (node, context) => {
  const [above, ceiling] = node.inputs as [Value, Value];
  const isRelu = above.node.op === (reluOp as Op) && context.uses(above) === 1;
  return isRelu && constantOf(ceiling) === 6
    ? activatedProduct(above.node, 'relu6', context)
    : undefined;
});

rule(matmulOp, (node, context) => {
  const { transposeA, transposeB } = node.attrs as MatmulAttrs;
  if (!transposeA) return lowerBiased(node, context);
  // AᵀB is the kernel's gradient of a 1×1 convolution.
  const [a, b] = context.inputs as [Value, Value];
  const right = transposeB ? transpose(b, [1, 0]) : b;
  const [k, m] = a.shape as readonly [number, number];
  const n = right.shape[1]!;
  const listed = listedGradient(a, right);
  if (listed) return [listed];
  const attrs: ConvAttrs = {
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1],
    groups: 1,
  };
  const kernelShape = [1, 1, m, n];
  // The shared axis as pixels.
  const images = reshape(a, [k, 1, 1, m]);
  const gradient = reshape(right, [k, 1, 1, n]);
  return [reshape(filterGradient(images, gradient, { ...attrs, kernelShape }), [m, n])];
});

/** A gradient behind a ReLU, where y > 0: elements that do not pass are not computed. */
rule(selectOp, (node, { inputs, find, uses }) => {
  const [passes, product, other] = node.inputs as [Value, Value, Value];
  const [zero, y] = passes.node.inputs;
  const isMask = passes.node.op === (lessOp as Op) && constantOf(zero!) === 0;
  if (!isMask || constantOf(other) !== 0 || uses(product) !== 1) return undefined;
  const masked = maskedProduct(product.node, y!, find);
  return masked && [select(inputs[0]!, masked, inputs[2]!)];
});

rule(conv2dFilterGradientOp, (node, { inputs }) => {
  const attrs = node.attrs as ConvFilterGradientAttrs;
  if (isDepthwise(attrs.kernelShape, attrs)) {
    const { strides, dilation } = attrs;
    const [kh, kw] = attrs.kernelShape as readonly [number, number];
    const x = padImages(inputs[0]!, attrs.padding);
    const own = { kernel: [kh, kw], strides, dilation } as const;
    return [
      inParts(x.shape[0]!, attrs.kernelShape, (parts) =>
        apply1(depthwiseFilterOp, [x, inputs[1]!], { ...own, parts }),
      ),
    ];
  }
  if (attrs.groups !== 1) return undefined;
  if (suitsWinograd(attrs.kernelShape, attrs)) {
    return [winogradFilterGradient(inputs[0]!, inputs[1]!, attrs)];
  }
  return [filterGradient(inputs[0]!, inputs[1]!, attrs)];
});

rule(conv2dInputGradientOp, (node, { inputs }) => {
  const attrs = node.attrs as ConvInputGradientAttrs;
  const [g, w] = inputs as [Value, Value];
  if (isDepthwise(w.shape, attrs)) {
    const [kh, kw] = w.shape as readonly [number, number];
    const { dilation } = attrs;
    const own = { kernel: [kh, kw], strides: [1, 1], dilation, turned: true } as const;
    return [depthwiseProduct(spreadGradient(g, w, attrs), w, own).finish('linear')];
  }
  return attrs.groups === 1 ? [inputGradient(g, w, attrs)] : undefined;
});

rule(convReluPoolOp, (node, { inputs, target }) => {
  const attrs = node.attrs as ConvPoolAttrs;
  const [x, w, b] = inputs as [Value, Value, Value];
  const [kh, kw, , k] = w.shape as readonly [number, number, number, number];
  if (
    attrs.pool[0] === 2 &&
    attrs.pool[1] === 2 &&
    suitsWinograd(w.shape, { ...attrs, groups: 1 })
  ) {
    const [, ph, pw] = node.outputs[0]!.shape as readonly [number, number, number];
    const patches = { ph, pw, k, before: [0, 0] } as const;
    return target.apply(winogradConvPoolOp, [x, transformWeights(w, 'forward'), b], patches);
  }
  return target.apply(panelConvPoolOp, [x, pack(w, 'forward'), b], {
    ...attrs,
    kernel: [kh, kw],
    k,
  });
});

rule(pooledFilterGradientOp, (node, { inputs }) => {
  const attrs = node.attrs as ConvPoolAttrs & { kernelShape: Shape };
  const [x, g, winner] = inputs as [Value, Value, Value];
  return [
    inParts(x.shape[0]!, attrs.kernelShape, (parts) =>
      apply1(pooledPartialsOp, [x, g, winner], { ...attrs, parts }),
    ),
  ];
});

rule(pooledBiasGradientOp, (node, { inputs }) => {
  const [g, winner] = inputs as [Value, Value];
  return [
    inParts(g.shape[0]!, node.outputs[0]!.shape, (parts) =>
      apply1(pooledBiasPartialsOp, [g, winner], { parts }),
    ),
  ];
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
