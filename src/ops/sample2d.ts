/**
 * @file Images [n, h, w, c] read at places between pixels: what flips, crops, rotations, zooms and translations come down
 * to. The places [n, oh, ow] are counted in pixels, rows and columns apart; what lies outside reads as a fill value.
 */
import { TsunoError } from '../core/errors.ts';
import { type Shape, showShape, sizeOf } from '../core/shape.ts';
import { apply1, type Value } from '../ir/graph.ts';
import type { Op, ReferenceTensor } from '../ir/op.ts';

export interface SampleAttrs {
  /** `bilinear`: from the four pixels around; `nearest`: halves away from zero. */
  interpolation: 'nearest' | 'bilinear';
  /** What pixels outside the image are. */
  fillValue: number;
}

export interface SampleGradientAttrs extends SampleAttrs {
  imageShape: Shape;
}

/** Calls `visit` for each pixel that an output pixel reads; `image` is its first element, −1 outside. */
function eachRead(
  imageShape: Shape,
  rows: ReferenceTensor,
  columns: ReferenceTensor,
  { interpolation }: SampleAttrs,
  visit: (output: number, image: number, weight: number) => void,
): void {
  const [, h, w, c] = imageShape as readonly [number, number, number, number];
  const perImage = sizeOf(rows.shape.slice(1));
  const half = (place: number) => Math.trunc(place + (place < 0 ? -0.5 : 0.5));
  for (let i = 0; i < rows.data.length; i++) {
    const [y, x] = [rows.data[i]!, columns.data[i]!];
    const read = (row: number, column: number, weight: number) => {
      const inside = row >= 0 && row < h && column >= 0 && column < w;
      const pixel = (Math.floor(i / perImage) * h + row) * w + column;
      visit(i * c, inside ? pixel * c : -1, weight);
    };
    if (interpolation === 'nearest') {
      read(half(y), half(x), 1);
      continue;
    }
    const [top, left] = [Math.floor(y), Math.floor(x)];
    read(top, left, (top + 1 - y) * (left + 1 - x));
    read(top, left + 1, (top + 1 - y) * (x - left));
    read(top + 1, left, (y - top) * (left + 1 - x));
    read(top + 1, left + 1, (y - top) * (x - left));
  }
}

export const sample2dOp: Op<SampleAttrs, 'sample2d'> = {
  name: 'sample2d',
  infer([images, rows, columns]) {
    const fits =
      images!.shape.length === 4 &&
      rows!.shape.length === 3 &&
      rows!.shape[0] === images!.shape[0] &&
      showShape(rows!.shape) === showShape(columns!.shape);
    if (!fits) {
      throw new TsunoError('SHAPE', {
        where: 'sample2d',
        what: 'input shapes',
        expected: 'images [n, h, w, c], rows and columns [n, oh, ow]',
        found: [images, rows, columns].map((x) => showShape(x!.shape)).join(' and '),
      });
    }
    return [{ shape: [...rows!.shape, images!.shape[3]!], dtype: 'float32' }];
  },
  gradient: ({ inputs: [images, rows, columns], attrs, gradients: [g] }) => [
    apply1(sample2dGradientOp, [g!, rows!, columns!], { ...attrs, imageShape: images!.shape }),
    undefined,
    undefined,
  ],
  reference([images, rows, columns], attrs, [out]) {
    const c = images!.shape[3]!;
    const y = new Float64Array(sizeOf(out!.shape));
    eachRead(images!.shape, rows!, columns!, attrs, (output, image, weight) => {
      for (let channel = 0; channel < c; channel++) {
        const value = image < 0 ? attrs.fillValue : images!.data[image + channel]!;
        y[output + channel]! += weight * value;
      }
    });
    return [y];
  },
};

/**
 * Pixels of `images` at the places (`rows`, `columns`), both [n, oh, ow] in pixels.
 *
 * @returns [n, oh, ow, c]
 */
export const sample2d = (images: Value, rows: Value, columns: Value, attrs: SampleAttrs): Value =>
  apply1(sample2dOp, [images, rows, columns], attrs);

export const sample2dGradientOp: Op<SampleGradientAttrs, 'sample2d_gradient'> = {
  name: 'sample2d_gradient',
  infer: (_inputs, { imageShape }) => [{ shape: imageShape, dtype: 'float32' }],
  gradient: ({ inputs: [, rows, columns], attrs, gradients: [u] }) => [
    sample2d(u!, rows!, columns!, { ...attrs, fillValue: 0 }),
    undefined,
    undefined,
  ],
  reference([g, rows, columns], attrs) {
    const c = attrs.imageShape[3]!;
    const x = new Float64Array(sizeOf(attrs.imageShape));
    eachRead(attrs.imageShape, rows!, columns!, attrs, (output, image, weight) => {
      if (image < 0) return;
      for (let channel = 0; channel < c; channel++)
        x[image + channel]! += weight * g!.data[output + channel]!;
    });
    return [x];
  },
};
