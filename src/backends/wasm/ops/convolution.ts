/**
 * @file Operations that only this backend has: the same mathematics on weights laid out as its kernels read them. The
 * lowering pass introduces them, so that packing is a node like any other: shared, hoisted, planned.
 *
 * Panels: a matrix [rows, columns] cut into strips of eight columns, [⌈columns/8⌉, rows, 8], the last padded with zeros. A
 * kernel that walks the rows of one strip reads memory in order.
 */
import { type Shape, sizeOf } from '../../../core/shape.ts';
import type { Op, ReferenceTensor } from '../../../ir/op.ts';
import { convGeometry, eachProduct, outputExtent, type Pair } from '../../../ops/conv_geometry.ts';
import type { ConvFilterGradientAttrs } from '../../../ops/conv2d.ts';
import {
  type ConvPoolAttrs,
  conv2dOp,
  convReluPoolOp,
  pooledBiasGradientOp,
  pooledFilterGradientOp,
  pooledInputGradientOp,
} from '../../../ops/index.ts';
import { largestDivisor } from '../kernel.ts';
import { type Activation, activate } from './activation.ts';

/** Columns of a strip: two vectors, or four where V8 joins pairs of them. */
export const panelWidth = 8;

/** Which taps of a window, in which order: row j, column i is tap (start + step·(j, i)). */
export interface Taps {
  /** Rows and columns. */
  window: Pair;
  start: Pair;
  step: Pair;
}

/** How a kernel [kh, kw, c, k] becomes a matrix. */
export interface PackAttrs {
  /**
   * `forward`: rows (tap, c), columns k. `adjoint`: rows (tap, k), columns c; by default with the window turned by 180°.
   */
  form: 'forward' | 'adjoint';
  /** Default: all. */
  taps?: Taps;
  /** Columns of a strip. Default {@link panelWidth}. */
  width?: number;
  /**
   * Whether it is also told what is finite: for each span of {@link spansOf} and tap four zeros, or NaN among them.
   */
  checked?: boolean;
}

/** The taps of a packed kernel, defaults filled in. */
export function tapsOf(kernel: Shape, { form, taps }: PackAttrs): Taps {
  const [kh, kw] = kernel as readonly [number, number];
  if (taps) return taps;
  if (form === 'forward') return { window: [kh, kw], start: [0, 0], step: [1, 1] };
  return { window: [kh, kw], start: [kh - 1, kw - 1], step: [-1, -1] };
}

interface PackedExtents {
  rows: number;
  columns: number;
  /** Element of the kernel behind (row, column). */
  source(row: number, column: number): number;
}

export function packedExtents(kernel: Shape, attrs: PackAttrs): PackedExtents {
  const [, kw, c, k] = kernel as [number, number, number, number];
  const { window, start, step } = tapsOf(kernel, attrs);
  const tapOf = (tap: number) =>
    (start[0] + step[0] * Math.floor(tap / window[1])) * kw +
    start[1] +
    step[1] * (tap % window[1]);
  const taps = window[0] * window[1];
  if (attrs.form === 'forward') {
    const source = (row: number, column: number) =>
      (tapOf(Math.floor(row / c)) * c + (row % c)) * k + column;
    return { rows: taps * c, columns: k, source };
  }
  const source = (row: number, column: number) =>
    (tapOf(Math.floor(row / k)) * c + column) * k + (row % k);
  return { rows: taps * k, columns: c, source };
}

/**
 * Columns that are packed together: of the `forward` form two neighbouring cache lines, of the `adjoint` form, whose columns
 * lie on many pages, no more than three.
 */
const mostPacked = { forward: 32, adjoint: 24 };

/** How `columns` fall into spans: some strips, or pieces of a wide one. */
export function spansOf(columns: number, { form, width = panelWidth }: PackAttrs) {
  const strips = Math.ceil(columns / width);
  const together =
    form === 'forward' ? Math.min(Math.floor(mostPacked.forward / width), strips) : 1;
  if (together > 1) {
    return { span: together * width, pieces: 1, spans: Math.ceil(strips / together) };
  }
  const span = largestDivisor(width, mostPacked[form]);
  return { span, pieces: width / span, spans: (strips * width) / span };
}

export const packPanelsOp: Op<PackAttrs, 'pack_panels'> = {
  name: 'pack_panels',
  infer([w], attrs) {
    const { rows, columns } = packedExtents(w!.shape, attrs);
    const { width = panelWidth } = attrs;
    const panels = [Math.ceil(columns / width), rows, width];
    const { spans } = spansOf(columns, attrs);
    const [kh, kw] = tapsOf(w!.shape, attrs).window;
    const shapes = attrs.checked ? [panels, [spans * kh * kw, 4]] : [panels];
    return shapes.map((shape) => ({ shape, dtype: 'float32' }));
  },
  reference([w], attrs, [out, finite]) {
    const { rows, columns, source } = packedExtents(w!.shape, attrs);
    const panels = new Float64Array(sizeOf(out!.shape));
    const sums = new Float64Array(finite ? sizeOf(finite.shape) : 0);
    const { width = panelWidth } = attrs;
    const { span, spans } = spansOf(columns, attrs);
    const taps = sums.length / spans / 4;
    for (let column = 0; column < columns; column++)
      for (let row = 0; row < rows; row++) {
        const strip = Math.floor(column / width);
        const value = w!.data[source(row, column)]!;
        panels[(strip * rows + row) * width + (column % width)] = value;
        const unit = Math.floor(column / span) * taps + Math.floor((row * taps) / rows);
        if (!Number.isFinite(value)) sums.fill(Number.NaN, unit * 4, unit * 4 + 4);
      }
    return finite ? [panels, sums] : [panels];
  },
};

export interface PanelConvAttrs {
  /** Window of the convolution. */
  kernel: Pair;
  strides: Pair;
  dilation: Pair;
  /** Output channels. */
  k: number;
  activation: Activation;
  /** Tiles suit vectors that V8 joins. */
  joined?: boolean;
}

/** The kernel [kh, kw, c, k] that panels of the `forward` form hold. */
export function unpack(
  { data, shape }: ReferenceTensor,
  [kh, kw, c, k]: readonly [number, number, number, number],
): Float64Array {
  const rows = kh * kw * c;
  const width = shape[2]!;
  return Float64Array.from({ length: rows * k }, (_, i) => {
    const column = i % k;
    const strip = Math.floor(column / width);
    return data[(strip * rows + Math.floor(i / k)) * width + (column % width)]!;
  });
}

export const panelConvOp: Op<PanelConvAttrs, 'panel_conv'> = {
  name: 'panel_conv',
  infer([x], { kernel, strides, dilation, k }) {
    const [n, h, w] = x!.shape as [number, number, number];
    const oh = outputExtent(h, kernel[0], strides[0], [0, 0], dilation[0]);
    const ow = outputExtent(w, kernel[1], strides[1], [0, 0], dilation[1]);
    return [{ shape: [n, oh, ow, k], dtype: 'float32' }];
  },
  reference([x, panels, bias], attrs, outputs) {
    const kernel = [...attrs.kernel, x!.shape[3]!, attrs.k] as const;
    const w = { shape: kernel, data: unpack(panels!, kernel) };
    const conv = {
      ...attrs,
      padding: [
        [0, 0],
        [0, 0],
      ],
      groups: 1,
    } as const;
    const [y] = conv2dOp.reference!([x!, w], conv, outputs);
    return [biased(y!, bias?.data, attrs.activation)];
  },
};

/** Each result with its channel's bias, through the activation. */
export function biased(
  y: Float64Array,
  bias: Float64Array | undefined,
  activation: Activation,
): Float64Array {
  return y.map((value, i) => {
    const sum = value + (bias ? bias[i % bias.length]! : 0);
    return activate(activation, sum);
  });
}

export interface PanelPoolAttrs extends ConvPoolAttrs {
  kernel: Pair;
  k: number;
}

export const panelConvPoolOp: Op<PanelPoolAttrs, 'panel_conv_pool'> = {
  name: 'panel_conv_pool',
  infer([x], attrs) {
    const kernel = { shape: [...attrs.kernel, x!.shape[3]!, attrs.k], dtype: 'float32' } as const;
    return convReluPoolOp.infer([x!, kernel], attrs);
  },
  reference([x, panels, bias], attrs, outputs) {
    const kernel = [...attrs.kernel, x!.shape[3]!, attrs.k] as const;
    const w = { shape: kernel, data: unpack(panels!, kernel) };
    return convReluPoolOp.reference!([x!, w, bias!], attrs, outputs);
  },
};

/** As `pooled_input_gradient`, the kernel given as a matrix [k, kh·kw·c]. */
export const rowsInputGradientOp: Op<
  ConvPoolAttrs & { imageShape: Shape; kernel: Shape },
  'rows_input_gradient'
> = {
  name: 'rows_input_gradient',
  infer: (_inputs, { imageShape }) => [{ shape: imageShape, dtype: 'float32' }],
  reference([g, winner, rows], attrs, outputs) {
    const k = attrs.kernel[3]!;
    const length = sizeOf(attrs.kernel) / k;
    const data = Float64Array.from(
      rows!.data,
      (_, i) => rows!.data[(i % k) * length + Math.floor(i / k)]!,
    );
    return pooledInputGradientOp.reference!(
      [g!, winner!, { shape: attrs.kernel, data }],
      attrs,
      outputs,
    );
  },
};

export interface Parts {
  /**
   * Into how many runs of images a sum is cut, a divisor of their number; fixed by the shapes, so that threads do not change
   * it.
   */
  parts: number;
}

/** The sums over each run of images, one behind the other. */
export function sumsOfParts(
  inputs: readonly ReferenceTensor[],
  { parts }: Parts,
  sum: (own: readonly ReferenceTensor[]) => Float64Array,
): Float64Array {
  const sums = Array.from({ length: parts }, (_, part) =>
    sum(
      inputs.map(({ shape, data }) => {
        const size = data.length / parts;
        const own = data.slice(part * size, (part + 1) * size);
        return { shape: [shape[0]! / parts, ...shape.slice(1)], data: own };
      }),
    ),
  );
  return Float64Array.from(sums.flatMap((own) => [...own]));
}

export interface PooledPartialsAttrs extends ConvPoolAttrs, Parts {
  kernelShape: Shape;
  /** Tiles suit vectors that V8 joins. */
  joined?: boolean;
}

/** As `pooled_filter_gradient`, over each part: [parts, kh, kw, c, k]. */
export const pooledPartialsOp: Op<PooledPartialsAttrs, 'pooled_filter_partials'> = {
  name: 'pooled_filter_partials',
  infer: (_inputs, { parts, kernelShape }) => [
    { shape: [parts, ...kernelShape], dtype: 'float32' },
  ],
  reference: (inputs, attrs) => [
    sumsOfParts(
      inputs,
      attrs,
      (own) =>
        pooledFilterGradientOp.reference!(own, attrs, [
          { shape: attrs.kernelShape, dtype: 'float32' },
        ])[0]!,
    ),
  ],
};

/** As `pooled_bias_gradient`, over each part: [parts, k]. */
export const pooledBiasPartialsOp: Op<Parts, 'pooled_bias_partials'> = {
  name: 'pooled_bias_partials',
  infer: ([g], { parts }) => [{ shape: [parts, g!.shape[3]!], dtype: 'float32' }],
  reference: (inputs, attrs) => [
    sumsOfParts(inputs, attrs, (own) => {
      const shape = own[0]!.shape.slice(3);
      return pooledBiasGradientOp.reference!(own, undefined, [{ shape, dtype: 'float32' }])[0]!;
    }),
  ],
};

export interface FilterPartialsAttrs extends ConvFilterGradientAttrs {
  /** Into how many runs of output lines the sum is cut; fixed by the shapes, so that threads do not change it. */
  parts: number;
  /** Lines (image, output row) a part. */
  lines: number;
  /** Tiles suit vectors that V8 joins. */
  joined?: boolean;
}

/** Gradient of the kernel over each part: [parts, kh, kw, c, k]. */
export const filterPartialsOp: Op<FilterPartialsAttrs, 'filter_partials'> = {
  name: 'filter_partials',
  infer: (_inputs, { parts, kernelShape }) => [
    { shape: [parts, ...kernelShape], dtype: 'float32' },
  ],
  reference([x, g], attrs, [out]) {
    const size = sizeOf(attrs.kernelShape);
    const w = new Float64Array(sizeOf(out!.shape));
    const geometry = convGeometry(x!.shape, attrs.kernelShape, attrs);
    eachProduct(geometry, attrs, (image, kernel, output) => {
      const line = Math.floor(output / (geometry.ow * geometry.k));
      const at = Math.floor(line / attrs.lines) * size + kernel;
      w[at] = w[at]! + x!.data[image]! * g!.data[output]!;
    });
    return [w];
  },
};

export interface InterleaveAttrs {
  imageShape: Shape;
  strides: Pair;
  /** Offset of each input's pixels; where none begins there are zeros. */
  phases: readonly Pair[];
}

/** Images whose pixel (y, x) is pixel (y, x) / strides of the input whose phase is (y, x) mod strides. */
export const interleaveOp: Op<InterleaveAttrs, 'interleave'> = {
  name: 'interleave',
  infer: (_inputs, { imageShape }) => [{ shape: imageShape, dtype: 'float32' }],
  reference(inputs, { imageShape, strides, phases }) {
    const [n, h, w, c] = imageShape as readonly [number, number, number, number];
    const image = new Float64Array(sizeOf(imageShape));
    phases.forEach(([a, b], i) => {
      const { shape, data } = inputs[i]!;
      const [, rows, columns] = shape as readonly [number, number, number];
      for (let pixel = 0; pixel < n * rows * columns; pixel++) {
        const y = a + (Math.floor(pixel / columns) % rows) * strides[0];
        const x = b + (pixel % columns) * strides[1];
        const to = (Math.floor(pixel / columns / rows) * h + y) * w + x;
        image.set(data.subarray(pixel * c, (pixel + 1) * c), to * c);
      }
    });
    return [image];
  },
};

/** Places images into larger ones of zeros: element (y, x) at start + (y, x)·step, what falls outside is dropped. */
export interface PlaceAttrs {
  /** Rows and columns of the result. */
  extent: Pair;
  start: Pair;
  step: Pair;
}

export const placeOp: Op<PlaceAttrs, 'place'> = {
  name: 'place',
  infer: ([x], { extent }) => [{ shape: [x!.shape[0]!, ...extent, x!.shape[3]!], dtype: x!.dtype }],
  reference([x], { extent, start, step }, [out]) {
    const [n, h, w, c] = x!.shape as [number, number, number, number];
    const y = new Float64Array(sizeOf(out!.shape));
    for (let i = 0; i < n * h * w; i++) {
      const row = start[0] + (Math.floor(i / w) % h) * step[0];
      const column = start[1] + (i % w) * step[1];
      if (row < 0 || row >= extent[0] || column < 0 || column >= extent[1]) continue;
      const to = (Math.floor(i / (w * h)) * extent[0] + row) * extent[1] + column;
      y.set(x!.data.subarray(i * c, (i + 1) * c), to * c);
    }
    return [y];
  },
};

export const backendOps = [
  packPanelsOp,
  panelConvOp,
  panelConvPoolOp,
  rowsInputGradientOp,
  pooledPartialsOp,
  pooledBiasPartialsOp,
  filterPartialsOp,
  interleaveOp,
  placeOp,
] as const;
export type BackendOpName = (typeof backendOps)[number]['name'];
