/**
 * @file Products of the graph as operations of this backend: which of its ways a convolution or a product of matrices goes, and
 * how its operands are laid out for it. A bias and an activation join it at its end.
 */
import { type Shape, sizeOf } from '../../../core/shape.ts';
import { apply1, type Node, type Value } from '../../../ir/graph.ts';
import type { Op } from '../../../ir/op.ts';
import {
  type ConvAttrs,
  conv2dOp,
  type MatmulAttrs,
  matmulExtents,
  matmulOp,
  type Padding2D,
  type Pair,
  reshape,
  transpose,
} from '../../../ops/index.ts';
import type { Activation } from '../ops/activation.ts';
import {
  type PackAttrs,
  type PanelConvAttrs,
  packPanelsOp,
  panelConvOp,
  placeOp,
} from '../ops/convolution.ts';
import { type DepthwiseConvAttrs, depthwiseConvOp } from '../ops/depthwise.ts';
import {
  type ListedProductAttrs,
  listBlock,
  listedGradientOp,
  listedProductOp,
  listedWidth,
  maskedColumns,
  maskedProductOp,
  nonzeroListsOp,
} from '../ops/listed.ts';
import { winogradConvOp, winogradWeightsOp } from '../ops/winograd.ts';
import { holdsZeros } from './zeros.ts';

/** Fewer channels than this leave the transforms of Winograd's method dearer than what they save. */
const winogradChannels = 8;

/** Whether a 3 × 3 convolution from `c` to `k` channels goes by Winograd's method. */
export function suitsWinograd(
  kernel: Shape,
  { strides, dilation, groups }: Omit<ConvAttrs, 'padding'>,
  least = winogradChannels,
): boolean {
  const [kh, kw, c, k] = kernel as readonly [number, number, number, number];
  const dense = [...strides, ...dilation, groups].every((one) => one === 1);
  const whole = c % 4 === 0 && k % 4 === 0 && Math.min(c, k) >= least;
  return kh === 3 && kw === 3 && dense && whole;
}

/** `x` placed into zeros of `extent`; itself where that changes nothing. */
export function place(x: Value, extent: Pair, start: Pair, step: Pair = [1, 1]): Value {
  const asItIs =
    extent[0] === x.shape[1] && extent[1] === x.shape[2] && start[0] === 0 && start[1] === 0;
  return asItIs ? x : apply1(placeOp, [x], { extent, start, step });
}

export const transformWeights = (w: Value, form: PackAttrs['form']): Value =>
  apply1(winogradWeightsOp, [w], { form });

/** Whether each of `c` channels has one kernel of its own, in whole vectors. */
export function isDepthwise(kernel: Shape, { groups }: { groups: number }): boolean {
  const [, , cg, k] = kernel as readonly [number, number, number, number];
  return groups > 1 && cg === 1 && k === groups && k % 4 === 0;
}

export const pack = (w: Value, form: PackAttrs['form']): Value =>
  apply1(packPanelsOp, [w], { form });

/** `x` with zeros around, as the kernels without bounds checks want it. */
export function padImages(x: Value, [rows, columns]: Padding2D): Value {
  const [, h, w] = x.shape as readonly [number, number, number];
  const extent: Pair = [h + rows[0] + rows[1], w + columns[0] + columns[1]];
  if (extent[0] === h && extent[1] === w) return x;
  return apply1(placeOp, [x], { extent, start: [rows[0], columns[0]], step: [1, 1] });
}

/** A product to which a bias and a ReLU may still be added. */
export interface Product {
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

/** @param before zeros before the rows and columns of `x`. */
export function winogradProduct(
  x: Value,
  weights: Value,
  before: Pair,
  [, oh, ow, k]: Shape,
): Product {
  return {
    k: k!,
    finish(activation, bias) {
      const inputs: [Value, ...Value[]] = bias ? [x, weights, bias] : [x, weights];
      return apply1(winogradConvOp, inputs, { oh: oh!, ow: ow!, k: k!, before, activation });
    },
  };
}

export function depthwiseProduct(
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
export function asProduct(node: Node, find: (value: Value) => Value): Product | undefined {
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
    const before: Pair = [rows[0], columns[0]];
    return winogradProduct(x, transformWeights(w, 'forward'), before, shape);
  }
  if (suitsOwnLists(node.inputs[0]!, w.shape, attrs))
    return listedProduct(x, w, 'forward', shape, 'own');
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
  const form = attrs.transposeB ? 'adjoint' : 'forward';
  if (suitsLists(m, k, n)) return listedProduct(a, b, form, [m, n], 'given');
  const panels = pack(reshape(b, [1, 1, ...b.shape]), form);
  const window: Omit<PanelConvAttrs, 'activation'> = {
    kernel: [1, 1],
    strides: [1, 1],
    dilation: [1, 1],
    k: n,
  };
  return panelProduct(reshape(a, [m, 1, 1, k]), panels, window, [m, n]);
}

/** Whether lists of what is not zero may pay in a product of a matrix [m, r] and a matrix [r, k]. */
const suitsLists = (m: number, r: number, k: number): boolean =>
  r % 4 === 0 && k % 16 === 0 && Math.min(m, r) >= 16 && k >= 64 && m * r <= mostElements;

/** Elements of a matrix whose lists are made once. */
const mostElements = 2 ** 20;

/** Panels of a matrix for products that walk lists, and whether they are finite. */
function listedPanels(w: Value, form: PackAttrs['form']): readonly Value[] {
  const kernel = reshape(w, [1, 1, ...w.shape.slice(-2)]);
  const attrs = { form, width: listedWidth, checked: true } as const;
  return w.graph.apply(packPanelsOp, [kernel], attrs);
}

const listsOf = (x: Value): readonly Value[] => x.graph.apply(nonzeroListsOp, [x], undefined);

/** x [m, r] times `w`, a matrix in `form`, without the zeros of x. */
function listedProduct(
  x: Value,
  w: Value,
  form: PackAttrs['form'],
  shape: Shape,
  lists: ListedProductAttrs['lists'],
): Product {
  const operands = [x, ...listedPanels(w, form)] as [Value, ...Value[]];
  const given = lists === 'given' ? listsOf(x) : [];
  const k = shape.at(-1)!;
  return {
    k,
    finish(activation, bias) {
      const inputs = [...operands, ...(bias ? [bias] : []), ...given] as const;
      const attrs = { k, activation, biased: bias !== undefined, lists };
      return reshape(apply1(listedProductOp, inputs, attrs), shape);
    },
  };
}

/** aᵀ · b of a [p, m] and b [p, n] without the zeros of either, where that may pay. */
export function listedGradient(a: Value, b: Value): Value | undefined {
  const [p, m] = a.shape as readonly [number, number];
  const n = b.shape[1]!;
  if (!suitsLists(m, p, n)) return undefined;
  const at = transpose(a, [1, 0]);
  if (p > listBlock || !suitsLists(n, p, m))
    return listedProduct(at, b, 'forward', [m, n], 'given').finish('linear');
  const bt = transpose(b, [1, 0]);
  const side = (x: Value, other: Value) => [x, ...listedPanels(other, 'forward'), ...listsOf(x)];
  return a.graph.apply(listedGradientOp, [...side(at, b), ...side(bt, a)], undefined)[0]!;
}

/** Bytes of gradients that a masked product reads again and again. */
const nearGradients = 256 * 1024;

/**
 * The product that a node is, at the places alone where `mask` is not zero, in case that may pay: of a gradient behind a ReLU.
 */
export function maskedProduct(
  node: Node,
  mask: Value,
  find: (value: Value) => Value,
): Value | undefined {
  if (node.op !== (matmulOp as Op)) return undefined;
  const { transposeA, transposeB } = node.attrs as MatmulAttrs;
  if (transposeA || !transposeB) return undefined;
  const [g, w] = node.inputs.map(find) as [Value, Value];
  const [m, r] = g.shape as readonly [number, number];
  const k = w.shape[0]!;
  const fits = r % 8 === 0 && k % maskedColumns === 0 && m % 4 === 0 && m <= listBlock;
  const isLarge = Math.min(r, k) >= 64 && m >= 16 && m * r * 4 <= nearGradients;
  if (!fits || !isLarge) return undefined;
  return apply1(maskedProductOp, [g, w, ...listsOf(transpose(find(mask), [1, 0]))], undefined);
}

/** Channels from which on lists of each pixel pay. */
const listedChannels = 128;

/** Whether a convolution is a product for each pixel, of channels many of which may be zero. */
function suitsOwnLists(image: Value, kernel: Shape, { strides, padding }: ConvAttrs): boolean {
  const [kh, kw, c, k] = kernel as readonly [number, number, number, number];
  const isPixel = [kh, kw, ...strides].every((one) => one === 1) && !padding.flat().some(Boolean);
  const isLarge = Math.min(c, k) >= listedChannels && c % 4 === 0 && k % 16 === 0;
  return isPixel && isLarge && sizeOf(image.shape) / c >= 16 && holdsZeros(image);
}
