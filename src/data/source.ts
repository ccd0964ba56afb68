/**
 * @file What a data set that is not in memory reads from: samples by their numbers, in any order. Files and folders are
 * such sources (`streamIdx`), and so is whatever computes its samples.
 */
import type { DType } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/** Type of the images or labels of one sample. */
export interface SampleType<D extends DType = DType> {
  readonly dtype: D;
  /** Without the axis of samples: an image is `[height, width, channels]`, a class number `[]`. */
  readonly shape: Shape;
}

/** Images with their labels, as many of both: `[n, ...sample]`. */
export interface SampleBatch<X extends DType = DType, Y extends DType = DType> {
  readonly images: Tensor<X>;
  readonly labels: Tensor<Y>;
}

/** Samples that are read when they are wanted: from files, or computed. */
export interface SampleSource<X extends DType = DType, Y extends DType = DType> {
  /** Number of samples. */
  readonly length: number;
  /** Of one image. */
  readonly image: SampleType<X>;
  /** Of one label. */
  readonly label: SampleType<Y>;
  /** Names of the classes, in the order of their numbers. */
  readonly classNames?: readonly string[] | undefined;
  /**
   * The samples of these numbers, in that order: `[rows.length, ...shape]`. The same number gives the same sample at any
   * time. A call may come while an earlier one is still at work.
   *
   * @param rows each from 0 to `length - 1`; a number may come twice.
   * @param signal aborts when nobody wants the samples any more; reading may then reject, and need not.
   * @throws TsunoError that names the file and where in it, or the sample.
   */
  read(rows: Uint32Array, signal?: AbortSignal): Promise<SampleBatch<X, Y>>;
}
