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
  conv2dFilterGradientOp,
  conv2dInputGradientOp,
  conv2dOp,
  convReluPoolOp,
  type MatmulAttrs,
  matmulExtents,
  matmulOp,
  maxPool2dGradientOp,
  minimumOp,
  outputExtent,
  type Padding2D,
  type Pair,
  pooledBiasGradientOp,
  pooledFilterGradientOp,
  pooledInputGradientOp,
  reduceSum,
  reluOp,
  reshape,
  transpose,
} from '../../ops/index.ts';
import { constantOf } from '../../passes/fold.ts';
import type { Activation } from './activation.ts';
import { type DepthwiseConvAttrs, depthwiseConvOp, depthwiseFilterOp } from './depthwise_ops.ts';
import {
  filterPartialsOp,
  interleaveOp,
  type PackAttrs,
  type PanelConvAttrs,
  packPanelsOp,
  panelConvOp,
  panelConvPoolOp,
  placeOp,
  pooledBiasPartialsOp,
  pooledPartialsOp,
  rowsInputGradientOp,
  type Taps,
} from './ops.ts';
import {
  winogradConvOp,
  winogradConvPoolOp,
  winogradFinishOp,
  winogradPartialsOp,
  winogradWeightsOp,
} from './winograd_ops.ts';

/** Fewer channels than this leave the transforms of Winograd's method dearer than what they save. */
const winogradChannels = 8;

/** Whether a 3 × 3 convolution from `c` to `k` channels goes by Winograd's method. */
function suitsWinograd(
  kernel: Shape,
  { strides, dilation, groups }: Omit<ConvAttrs, 'padding'>,
  least = winogradChannels,
): boolean {
  const [kh, kw, c, k] = kernel as readonly [number, number, number, number];
  const dense = [...strides, ...dilation, groups].every((one) => one === 1);
  const whole = c % 4 === 0 && k % 4 === 0 && Math.min(c, k) >= least;
  return kh === 3 && kw === 3 && dense && whole;
}

/** `x` as whole tiles: `before` zeros first, then zeros up to 2·tiles + 2 rows and columns for `oh` × `ow` outputs. */
function padToTiles(x: Value, before: Pair, oh: number, ow: number): Value {
  const extent: Pair = [Math.ceil(oh / 2) * 2 + 2, Math.ceil(ow / 2) * 2 + 2];
  return place(x, extent, before);
}

/** `x` placed into zeros of `extent`; itself where that changes nothing. */
function place(x: Value, extent: Pair, start: Pair, step: Pair = [1, 1]): Value {
  const asItIs =
    extent[0] === x.shape[1] && extent[1] === x.shape[2] && start[0] === 0 && start[1] === 0;
  return asItIs ? x : apply1(placeOp, [x], { extent, start, step });
}

const transformWeights = (w: Value, form: PackAttrs['form']): Value =>
  apply1(winogradWeightsOp, [w], { form });

/** Whether each of `c` channels has one kernel of its own, in whole vectors. */
function isDepthwise(kernel: Shape, { groups }: { groups: number }): boolean {
  const [, , cg, k] = kernel as readonly [number, number, number, number];
  return groups > 1 && cg === 1 && k === groups && k % 4 === 0;
}

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

/** A product to which a bias and a ReLU may still be added. */
interface Product {
  /** Output channels. */
  k: number;
  finish(activation: Activation, bias?: Value): Value;
}

function panelProduct(
  x: Value,
  panels: Value,
  attrs: Omit<PanelConvAttrs, 'activation'>,
  shape: Shape,
): Product {
  return {
    k: attrs.k,
    finish(activation, bias) {
      const inputs: [Value, ...Value[]] = bias ? [x, panels, bias] : [x, panels];
      return reshape(apply1(panelConvOp, inputs, { ...attrs, activation }), shape);
    },
  };
}

function winogradProduct(x: Value, weights: Value, [, oh, ow, k]: Shape): Product {
  return {
    k: k!,
    finish(activation, bias) {
      const inputs: [Value, ...Value[]] = bias ? [x, weights, bias] : [x, weights];
      return apply1(winogradConvOp, inputs, { oh: oh!, ow: ow!, k: k!, activation });
    },
  };
}

function depthwiseProduct(
  x: Value,
  w: Value,
  attrs: Omit<DepthwiseConvAttrs, 'activation'>,
): Product {
  return {
    k: w.shape[3]!,
    finish(activation, bias) {
      const inputs: [Value, ...Value[]] = bias ? [x, w, bias] : [x, w];
      return apply1(depthwiseConvOp, inputs, { ...attrs, activation });
    },
  };
}

/** The product that a node is, with inputs in the new graph. */
function asProduct(node: Node, find: (value: Value) => Value): Product | undefined {
  if (node.op === (matmulOp as Op)) return matmulProduct(node, find);
  if (node.op !== (conv2dOp as Op)) return undefined;
  const attrs = node.attrs as ConvAttrs;
  const { strides, dilation } = attrs;
  const [x, w] = node.inputs.map(find) as [Value, Value];
  const [kh, kw, , k] = w.shape as readonly [number, number, number, number];
  if (isDepthwise(w.shape, attrs)) {
    const own = { kernel: [kh, kw], strides, dilation, turned: false } as const;
    return depthwiseProduct(padImages(x, attrs.padding), w, own);
  }
  if (attrs.groups !== 1) return undefined;
  const { shape } = node.outputs[0]!;
  if (suitsWinograd(w.shape, attrs)) {
    const [rows, columns] = attrs.padding;
    const tiled = padToTiles(x, [rows[0], columns[0]], shape[1]!, shape[2]!);
    return winogradProduct(tiled, transformWeights(w, 'forward'), shape);
  }
  return panelProduct(
    padImages(x, attrs.padding),
    pack(w, 'forward'),
    { kernel: [kh, kw], strides, dilation, k },
    shape,
  );
}

/** A·B is a 1×1 convolution of m pixels; Bᵀ is packed as the adjoint. */
function matmulProduct(node: Node, find: (value: Value) => Value): Product | undefined {
  const attrs = node.attrs as MatmulAttrs;
  if (attrs.transposeA) return undefined;
  const [a, b] = node.inputs.map(find) as [Value, Value];
  const { m, n, k } = matmulExtents(a, b, attrs);
  const panels = pack(reshape(b, [1, 1, ...b.shape]), attrs.transposeB ? 'adjoint' : 'forward');
  const window: Omit<PanelConvAttrs, 'activation'> = {
    kernel: [1, 1],
    strides: [1, 1],
    dilation: [1, 1],
    k: n,
  };
  return panelProduct(reshape(a, [m, 1, 1, k]), panels, window, [m, n]);
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

function largestDivisor(of: number, limit: number): number {
  let divisor = Math.min(of, limit);
  while (of % divisor !== 0) divisor--;
  return divisor;
}

/** Fewer pixels than this are summed in one part. */
const fewPixels = 1024;

/** In how many parts a sum over pixels is cut, as the kernel's size lets. */
function partsOf(pixels: number, bytes: number): number {
  return pixels < fewPixels ? 1 : Math.max(1, Math.min(16, Math.floor(partialBytes / bytes)));
}

function filterGradient(x: Value, g: Value, attrs: ConvFilterGradientAttrs): Value {
  const [images, gradient] = inLongLines(padImages(x, attrs.padding), g, attrs);
  const [n, oh, ow] = gradient.shape as readonly [number, number, number];
  const perPart = Math.ceil((n * oh) / partsOf(n * oh * ow, sizeOf(attrs.kernelShape) * 4));
  const parts = Math.ceil((n * oh) / perPart);
  const sums = apply1(filterPartialsOp, [images, gradient], {
    ...attrs,
    padding: [
      [0, 0],
      [0, 0],
    ],
    parts,
    lines: perPart,
  });
  return addParts(sums, attrs.kernelShape);
}

/** The sum of `[parts, …shape]`. */
function addParts(sums: Value, shape: Shape): Value {
  return reshape(sums.shape[0] === 1 ? sums : reduceSum(sums, [0]), shape);
}

/** Pixels that a loop over a line has, if they can be chosen. */
const longLine = 64;

/** Where a patch is a pixel, lines of any length are the same sum; short ones would cost a loop its beginning and end. */
function inLongLines(
  x: Value,
  g: Value,
  { kernelShape, strides }: ConvFilterGradientAttrs,
): [Value, Value] {
  const [n, h, w] = x.shape as readonly [number, number, number];
  const width = largestDivisor(n * h * w, longLine);
  if ([...kernelShape.slice(0, 2), ...strides].some((extent) => extent !== 1) || width <= w)
    return [x, g];
  const lines = (value: Value) => reshape(value, [(n * h * w) / width, 1, width, value.shape[3]!]);
  return [lines(x), lines(g)];
}

/** Bytes that partial sums of a kernel's gradient may take. */
const partialBytes = 8 * 2 ** 20;

function winogradFilterGradient(
  x: Value,
  g: Value,
  { padding, kernelShape }: ConvFilterGradientAttrs,
): Value {
  const [n, oh, ow] = g.shape as readonly [number, number, number];
  const [, , c, k] = kernelShape as readonly [number, number, number, number];
  const tiles = n * Math.ceil(oh / 2) * Math.ceil(ow / 2);
  const perPart = Math.ceil(tiles / partsOf(n * oh * ow, 16 * c * k * 4) / 4) * 4;
  const parts = Math.ceil(tiles / perPart);
  const tiled = padToTiles(x, [padding[0][0], padding[1][0]], oh, ow);
  const sums = apply1(winogradPartialsOp, [tiled, g], { parts, tiles: perPart });
  return apply1(winogradFinishOp, [reduceSum(sums, [0])], undefined);
}

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

/** `g` spread `stride` apart among the zeros that a convolution with the turned window wants. */
function spreadGradient(g: Value, w: Value, attrs: ConvInputGradientAttrs): Value {
  const { imageShape, strides, padding, dilation } = attrs;
  const [kh, kw] = w.shape as readonly [number, number];
  const reach: Pair = [(kh - 1) * dilation[0], (kw - 1) * dilation[1]];
  const extent: Pair = [imageShape[1]! + reach[0], imageShape[2]! + reach[1]];
  const start: Pair = [reach[0] - padding[0][0], reach[1] - padding[1][0]];
  return place(g, extent, start, strides);
}

/**
 * The images' gradient is a convolution of the result's gradient, spread `stride` apart, with the window turned round:
 * ∂x[y] = Σ_dy g[(y + p − dy·d) / s] · w[dy].
 */
function inputGradient(g: Value, w: Value, attrs: ConvInputGradientAttrs): Value {
  const { imageShape, padding, dilation } = attrs;
  const [kh, kw, c] = w.shape as readonly [number, number, number];
  const before: Pair = [kh - 1 - padding[0][0], kw - 1 - padding[1][0]];
  if (suitsWinograd(w.shape, attrs) && before[0] >= 0 && before[1] >= 0) {
    const tiled = padToTiles(g, before, imageShape[1]!, imageShape[2]!);
    return winogradProduct(tiled, transformWeights(w, 'adjoint'), imageShape).finish('linear');
  }
  const byPhases = Math.max(...attrs.strides) > 1 && Math.max(...dilation) === 1;
  const phased = byPhases ? stridedGradient(g, w, attrs) : undefined;
  if (phased) return phased;
  return apply1(panelConvOp, [spreadGradient(g, w, attrs), pack(w, 'adjoint')], {
    kernel: [kh, kw],
    strides: [1, 1],
    dilation,
    k: c,
    activation: 'linear',
  });
}

/** One phase of a strided gradient along an axis: which taps reach the places a, a + stride, … */
function phaseOf(a: number, taps: number, stride: number, before: number, extent: number) {
  const first = (a + before) % stride;
  const count = Math.max(0, Math.ceil((taps - first) / stride));
  return {
    count,
    /** Tap of the turned window's first row. */
    last: first + stride * (count - 1),
    places: Math.ceil((extent - a) / stride),
    /** Zeros before the gradient. */
    zeros: count - 1 - (a + before - first) / stride,
  };
}

/**
 * The images' gradient of a strided convolution: places that lie a stride apart are reached by the same taps, so each
 * phase is a small convolution without stride, and no product with a zero between is computed.
 *
 * @returns `undefined` where the windows lie in the padding alone.
 */
function stridedGradient(g: Value, w: Value, attrs: ConvInputGradientAttrs): Value | undefined {
  const { imageShape, strides, padding } = attrs;
  const [kh, kw, c] = w.shape as readonly [number, number, number];
  const parts: Value[] = [];
  const phases: Pair[] = [];
  for (let a = 0; a < strides[0]; a++)
    for (let b = 0; b < strides[1]; b++) {
      const row = phaseOf(a, kh, strides[0], padding[0][0], imageShape[1]!);
      const column = phaseOf(b, kw, strides[1], padding[1][0], imageShape[2]!);
      if (row.count === 0 || column.count === 0 || row.places < 1 || column.places < 1) continue;
      const extent: Pair = [row.places + row.count - 1, column.places + column.count - 1];
      const placed = place(g, extent, [row.zeros, column.zeros]);
      const window: Pair = [row.count, column.count];
      const taps: Taps = {
        window,
        start: [row.last, column.last],
        step: [-strides[0], -strides[1]],
      };
      const panels = apply1(packPanelsOp, [w], { form: 'adjoint', taps });
      phases.push([a, b]);
      parts.push(
        apply1(panelConvOp, [placed, panels], {
          kernel: window,
          strides: [1, 1],
          dilation: [1, 1],
          k: c,
          activation: 'linear',
        }),
      );
    }
  const [first, ...rest] = parts;
  return first && apply1(interleaveOp, [first, ...rest], { imageShape, strides, phases });
}

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
    return target.apply(winogradConvPoolOp, [x, transformWeights(w, 'forward'), b], { ph, pw, k });
  }
  return target.apply(panelConvPoolOp, [x, pack(w, 'forward'), b], {
    ...attrs,
    kernel: [kh, kw],
    k,
  });
});

/**
 * A sum over images in parts, so that it falls to many threads where channels are few; one sum where a part's result is large
 * beside what is added.
 */
function inParts(images: number, shape: Shape, sums: (parts: number) => Value): Value {
  const fitting = Math.max(1, Math.min(mostParts, Math.floor(smallSums / sizeOf(shape))));
  return addParts(sums(largestDivisor(images, fitting)), shape);
}

/** Most parts, and elements of all their sums. */
const [mostParts, smallSums] = [8, 16 * 1024];

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
