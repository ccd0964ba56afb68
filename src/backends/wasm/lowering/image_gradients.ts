/** @file Gradients of images as convolutions of the result's gradient. */
import { apply1, type Value } from '../../../ir/graph.ts';
import type { ConvInputGradientAttrs, Pair } from '../../../ops/index.ts';
import { interleaveOp, packPanelsOp, panelConvOp, type Taps } from '../ops/convolution.ts';
import { pack, place, suitsWinograd, transformWeights, winogradProduct } from './products.ts';

/** `g` spread `stride` apart among the zeros that a convolution with the turned window wants. */
export function spreadGradient(g: Value, w: Value, attrs: ConvInputGradientAttrs): Value {
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
export function inputGradient(g: Value, w: Value, attrs: ConvInputGradientAttrs): Value {
  const { imageShape, padding, dilation } = attrs;
  const [kh, kw, c] = w.shape as readonly [number, number, number];
  const before: Pair = [kh - 1 - padding[0][0], kw - 1 - padding[1][0]];
  if (suitsWinograd(w.shape, attrs) && before[0] >= 0 && before[1] >= 0) {
    const weights = transformWeights(w, 'adjoint');
    return winogradProduct(g, weights, before, imageShape).finish('linear');
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
