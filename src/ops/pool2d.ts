/**
 * @file Maximum and average pooling over windows of images [n, h, w, c], and their gradients. Padding never wins a
 * maximum and never counts in an average.
 */
import type { DType } from '../core/dtype.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';
import { eachWindow, type PoolAttrs, poolGeometry } from './conv_geometry.ts';

/** Type of a winner's position in its window. */
export function winnerType({ window }: PoolAttrs): DType {
  return window[0] * window[1] < 255 ? 'uint8' : 'int32';
}

export const maxPool2dOp: Op<PoolAttrs, 'max_pool2d'> = {
  name: 'max_pool2d',
  infer([x], attrs) {
    const g = poolGeometry(x!.shape, attrs);
    const shape = [g.n, g.oh, g.ow, g.c];
    return [
      { shape, dtype: 'float32' },
      { shape, dtype: winnerType(attrs) },
    ];
  },
  gradient: ({ inputs: [x], outputs, attrs, gradients: [g] }) => [
    apply1(maxPool2dGradientOp, [g!, outputs[1]!], { ...attrs, imageShape: x!.shape }),
  ],
  reference([x], attrs, [out]) {
    const y = new Float64Array(sizeOf(out!.shape));
    const winner = new Float64Array(y.length);
    eachWindow(poolGeometry(x!.shape, attrs), attrs, (output, taps) => {
      let best = taps[0]!;
      for (const tap of taps) {
        const value = x!.data[tap.image]!;
        if (value > x!.data[best.image]! || Number.isNaN(value)) best = tap;
      }
      y[output] = x!.data[best.image]!;
      winner[output] = best.position;
    });
    return [y, winner];
  },
};
/** Largest element of each window; at a tie the first in row-major order gets the gradient. NaN is larger than all. */
export const maxPool2d = (x: Value, attrs: PoolAttrs): Value => apply1(maxPool2dOp, [x], attrs);

export interface PoolGradientAttrs extends PoolAttrs {
  imageShape: Shape;
}

export const maxPool2dGradientOp: Op<PoolGradientAttrs, 'max_pool2d_gradient'> = {
  name: 'max_pool2d_gradient',
  infer: (_inputs, { imageShape }) => [{ shape: imageShape, dtype: 'float32' }],
  reference([g, winner], attrs) {
    const x = new Float64Array(sizeOf(attrs.imageShape));
    eachWindow(poolGeometry(attrs.imageShape, attrs), attrs, (output, taps) => {
      for (const { image, position } of taps) {
        if (position === winner!.data[output]) x[image] = x[image]! + g!.data[output]!;
      }
    });
    return [x];
  },
};

export const averagePool2dOp: Op<PoolAttrs, 'average_pool2d'> = {
  name: 'average_pool2d',
  infer([x], attrs) {
    const g = poolGeometry(x!.shape, attrs);
    return [{ shape: [g.n, g.oh, g.ow, g.c], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x], attrs, gradients: [g] }) => [
    apply1(averagePool2dGradientOp, [g!], { ...attrs, imageShape: x!.shape }),
  ],
  reference([x], attrs, [out]) {
    const y = new Float64Array(sizeOf(out!.shape));
    eachWindow(poolGeometry(x!.shape, attrs), attrs, (output, taps) => {
      y[output] = taps.reduce((sum, { image }) => sum + x!.data[image]!, 0) / taps.length;
    });
    return [y];
  },
};
/** Mean of each window. */
export const averagePool2d = (x: Value, attrs: PoolAttrs): Value =>
  apply1(averagePool2dOp, [x], attrs);

export const averagePool2dGradientOp: Op<PoolGradientAttrs, 'average_pool2d_gradient'> = {
  name: 'average_pool2d_gradient',
  infer: (_inputs, { imageShape }) => [{ shape: imageShape, dtype: 'float32' }],
  gradient: ({ attrs, gradients: [u] }) => [averagePool2d(u!, attrs)],
  reference([g], attrs) {
    const x = new Float64Array(sizeOf(attrs.imageShape));
    eachWindow(poolGeometry(attrs.imageShape, attrs), attrs, (output, taps) => {
      for (const { image } of taps) x[image] = x[image]! + g!.data[output]! / taps.length;
    });
    return [x];
  },
};
