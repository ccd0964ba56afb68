/** @file Gradients of kernels as sums over images, cut into parts that the shapes fix. */
import { type Shape, sizeOf } from '../../../core/shape.ts';
import { apply1, type Value } from '../../../ir/graph.ts';
import { type ConvFilterGradientAttrs, type Pair, reduceSum, reshape } from '../../../ops/index.ts';
import { largestDivisor } from '../kernel.ts';
import { filterPartialsOp } from '../ops/convolution.ts';
import { winogradFinishOp, winogradPartialsOp } from '../ops/winograd.ts';
import { padImages } from './products.ts';

/** Fewer pixels than this are summed in one part. */
const fewPixels = 1024;

/** In how many parts a sum over pixels is cut, as the kernel's size lets. */
function partsOf(pixels: number, bytes: number): number {
  return pixels < fewPixels ? 1 : Math.max(1, Math.min(16, Math.floor(partialBytes / bytes)));
}

export function filterGradient(x: Value, g: Value, attrs: ConvFilterGradientAttrs): Value {
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

export function winogradFilterGradient(
  x: Value,
  g: Value,
  { padding, kernelShape }: ConvFilterGradientAttrs,
): Value {
  const [n, oh, ow] = g.shape as readonly [number, number, number];
  const [, , c, k] = kernelShape as readonly [number, number, number, number];
  const tiles = n * Math.ceil(oh / 2) * Math.ceil(ow / 2);
  const perPart = Math.ceil(tiles / partsOf(n * oh * ow, 16 * c * k * 4) / 4) * 4;
  const parts = Math.ceil(tiles / perPart);
  const before: Pair = [padding[0][0], padding[1][0]];
  const sums = apply1(winogradPartialsOp, [x, g], { parts, tiles: perPart, before });
  return apply1(winogradFinishOp, [reduceSum(sums, [0])], undefined);
}

/**
 * A sum over images in parts, so that it falls to many threads where channels are few; one sum where a part's result is large
 * beside what is added.
 */
export function inParts(images: number, shape: Shape, sums: (parts: number) => Value): Value {
  const fitting = Math.max(1, Math.min(mostParts, Math.floor(smallSums / sizeOf(shape))));
  return addParts(sums(largestDivisor(images, fitting)), shape);
}

/** Most parts, and elements of all their sums. */
const [mostParts, smallSums] = [8, 16 * 1024];
