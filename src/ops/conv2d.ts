/**
 * @file Two-dimensional convolution (cross-correlation, as in every framework) and its two adjoints. Each of the three
 * is bilinear, so each one's gradients are the other two.
 *
 *     y[n, oy, ox, k] = Σ_{dy, dx, c} x[n, oy·s + dy·d − p, ox·s + dx·d − p, c] · w[dy, dx, c, k]
 */
import { type Shape, sizeOf } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { type ConvAttrs, convGeometry, eachProduct } from './conv_geometry.ts';

export const conv2dOp: Op<ConvAttrs, 'conv2d'> = {
  name: 'conv2d',
  infer([x, w], attrs) {
    const g = convGeometry(x!.shape, w!.shape, attrs);
    return [{ shape: [g.n, g.oh, g.ow, g.k], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, w], attrs, gradients: [g] }) => [
    conv2dInputGradient(g!, w!, x!.shape, attrs),
    conv2dFilterGradient(x!, g!, w!.shape, attrs),
  ],
  reference([x, w], attrs, [out]) {
    const y = new Float64Array(sizeOf(out!.shape));
    eachProduct(convGeometry(x!.shape, w!.shape, attrs), attrs, (image, kernel, output) => {
      y[output] = y[output]! + x!.data[image]! * w!.data[kernel]!;
    });
    return [y];
  },
};
/** Convolution of images `x` [n, h, w, c] with kernels `w` [kh, kw, c/groups, k]. */
export const conv2d = (x: Value, w: Value, attrs: ConvAttrs): Value =>
  apply1(conv2dOp, [x, w], attrs);

export interface ConvInputGradientAttrs extends ConvAttrs {
  imageShape: Shape;
}

export const conv2dInputGradientOp: Op<ConvInputGradientAttrs, 'conv2d_input_gradient'> = {
  name: 'conv2d_input_gradient',
  infer([, w], attrs) {
    convGeometry(attrs.imageShape, w!.shape, attrs);
    return [{ shape: attrs.imageShape, dtype: 'float32' }];
  },
  gradient: ({ inputs: [g, w], attrs, gradients: [u] }) => [
    conv2d(u!, w!, attrs),
    conv2dFilterGradient(u!, g!, w!.shape, attrs),
  ],
  reference([g, w], attrs) {
    const x = new Float64Array(sizeOf(attrs.imageShape));
    eachProduct(convGeometry(attrs.imageShape, w!.shape, attrs), attrs, (image, kernel, output) => {
      x[image] = x[image]! + g!.data[output]! * w!.data[kernel]!;
    });
    return [x];
  },
};
/** Gradient of the images, from the gradient `g` [n, oh, ow, k] of the result; also transposed convolution. */
export function conv2dInputGradient(
  g: Value,
  w: Value,
  imageShape: Shape,
  attrs: ConvAttrs,
): Value {
  return apply1(conv2dInputGradientOp, [g, w], { ...attrs, imageShape });
}

export interface ConvFilterGradientAttrs extends ConvAttrs {
  kernelShape: Shape;
}

export const conv2dFilterGradientOp: Op<ConvFilterGradientAttrs, 'conv2d_filter_gradient'> = {
  name: 'conv2d_filter_gradient',
  infer([x], attrs) {
    convGeometry(x!.shape, attrs.kernelShape, attrs);
    return [{ shape: attrs.kernelShape, dtype: 'float32' }];
  },
  gradient: ({ inputs: [x, g], attrs, gradients: [u] }) => [
    conv2dInputGradient(g!, u!, x!.shape, attrs),
    conv2d(x!, u!, attrs),
  ],
  reference([x, g], attrs) {
    const w = new Float64Array(sizeOf(attrs.kernelShape));
    eachProduct(
      convGeometry(x!.shape, attrs.kernelShape, attrs),
      attrs,
      (image, kernel, output) => {
        w[kernel] = w[kernel]! + x!.data[image]! * g!.data[output]!;
      },
    );
    return [w];
  },
};
/** Gradient of the kernels, from images `x` and the gradient `g` of the result. */
export function conv2dFilterGradient(
  x: Value,
  g: Value,
  kernelShape: Shape,
  attrs: ConvAttrs,
): Value {
  return apply1(conv2dFilterGradientOp, [x, g], { ...attrs, kernelShape });
}
