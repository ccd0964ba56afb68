/**
 * @file Depthwise convolution as operations of this backend: each channel has a kernel of its own. Images come padded
 * already; kernels are [kh, kw, 1, c].
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Op, ReferenceTensor } from '../../../ir/op.ts';
import {
  type ConvAttrs,
  conv2dFilterGradientOp,
  conv2dOp,
  outputExtent,
  type Pair,
} from '../../../ops/index.ts';
import type { Activation } from './activation.ts';
import { biased, type Parts, sumsOfParts } from './convolution.ts';

export interface DepthwiseAttrs {
  kernel: Pair;
  strides: Pair;
  dilation: Pair;
}

export interface DepthwiseConvAttrs extends DepthwiseAttrs {
  /** The window turned by 180°, as the images' gradient wants it. */
  turned: boolean;
  activation: Activation;
}

function asConv({ strides, dilation }: DepthwiseAttrs, groups: number): ConvAttrs {
  return {
    strides,
    dilation,
    groups,
    padding: [
      [0, 0],
      [0, 0],
    ],
  };
}

/** y = act(x ∗ w + b), the bias [c] if there is one. */
export const depthwiseConvOp: Op<DepthwiseConvAttrs, 'depthwise_conv'> = {
  name: 'depthwise_conv',
  infer([x], { kernel, strides, dilation }) {
    const [n, h, w, c] = x!.shape as readonly [number, number, number, number];
    const oh = outputExtent(h, kernel[0], strides[0], [0, 0], dilation[0]);
    const ow = outputExtent(w, kernel[1], strides[1], [0, 0], dilation[1]);
    return [{ shape: [n, oh, ow, c], dtype: 'float32' }];
  },
  reference([x, w, bias], attrs, outputs) {
    const c = x!.shape[3]!;
    const taps = sizeOf(w!.shape) / c;
    const kernel = w!.data.map((_, i) => {
      const tap = Math.floor(i / c);
      return w!.data[(attrs.turned ? taps - 1 - tap : tap) * c + (i % c)]!;
    });
    const turned = { shape: w!.shape, data: kernel };
    const [y] = conv2dOp.reference!([x!, turned], asConv(attrs, c), outputs);
    return [biased(y!, bias?.data, attrs.activation)];
  },
};

/** The kernel's gradient over each part: [parts, kh, kw, 1, c]. */
export const depthwiseFilterOp: Op<DepthwiseAttrs & Parts, 'depthwise_filter'> = {
  name: 'depthwise_filter',
  infer: ([x], { kernel, parts }) => [
    { shape: [parts, ...kernel, 1, x!.shape[3]!], dtype: 'float32' },
  ],
  reference(inputs, attrs, [out]) {
    const conv = asConv(attrs, inputs[0]!.shape[3]!);
    const kernelShape = out!.shape.slice(1);
    const sum = (own: readonly ReferenceTensor[]) =>
      conv2dFilterGradientOp.reference!(own, { ...conv, kernelShape }, [
        { shape: kernelShape, dtype: 'float32' },
      ])[0]!;
    return [sumsOfParts(inputs, attrs, sum)];
  },
};

export const depthwiseOps = [depthwiseConvOp, depthwiseFilterOp] as const;
export type DepthwiseOpName = (typeof depthwiseOps)[number]['name'];
