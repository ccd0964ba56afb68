/**
 * @file Images moved by an affine map: each pixel of the result is read at the place (x, y) ↦ (a₀x + a₁y + a₂,
 * b₀x + b₁y + b₂) of the image. What lies outside follows the fill mode, as in TensorFlow's `ImageProjectiveTransformV3`.
 */
import type { Value } from '../ir/graph.ts';
import {
  add,
  broadcast,
  cast,
  div,
  floor,
  iota,
  less,
  maximum,
  minimum,
  mul,
  neg,
  type Operand,
  reshape,
  type SampleAttrs,
  sample2d,
  select,
  sub,
} from '../ops/index.ts';
import { type AugmentationOptions, BaseImageAugmentation } from './base_image_augmentation.ts';
import { finiteNumber, oneOf } from './checks.ts';
import type { Config } from './serialized.ts';

export type FillMode = 'reflect' | 'wrap' | 'constant' | 'nearest';

export interface GeometricOptions extends AugmentationOptions {
  /** What lies around the image: `reflect` (default), `wrap`, `nearest` or `constant`. */
  fillMode?: FillMode | undefined;
  /** `bilinear` (default) or `nearest`. */
  interpolation?: 'bilinear' | 'nearest' | undefined;
  /** Of `constant`; default 0. */
  fillValue?: number | undefined;
}

/** Three numbers a row: x, y and 1 times them are the place read, in pixels. */
export interface AffineMap {
  x: readonly [Operand, Operand, Operand];
  y: readonly [Operand, Operand, Operand];
}

/** Layers that move images; `map` says where from. */
export abstract class BaseGeometricAugmentation extends BaseImageAugmentation {
  readonly fillMode: FillMode;
  readonly interpolation: 'bilinear' | 'nearest';
  readonly fillValue: number;

  constructor(options: GeometricOptions) {
    super(options);
    const { fillMode = 'reflect', interpolation = 'bilinear', fillValue = 0 } = options;
    this.fillMode = oneOf(this.where, 'fillMode', fillMode, [
      'reflect',
      'wrap',
      'constant',
      'nearest',
    ]);
    this.interpolation = oneOf(this.where, 'interpolation', interpolation, ['bilinear', 'nearest']);
    this.fillValue = finiteNumber(this.where, 'fillValue', fillValue);
  }

  /** The map for images [n, h, w, c], its numbers [n, 1, 1, 1] or alone; drawn anew at each call. */
  abstract map(images: Value): AffineMap;

  protected override augment(images: Value): Value {
    return moved(images, this.map(images), this);
  }

  override config(): Config {
    return {
      ...super.config(),
      fill_mode: this.fillMode,
      interpolation: this.interpolation,
      fill_value: this.fillValue,
    };
  }
}

/** How pixels are read that a map moves. */
export interface Reading extends SampleAttrs {
  fillMode: FillMode;
}

/** Images [n, h, w, c] moved by the map. */
export function moved(images: Value, map: AffineMap, reading: Reading): Value {
  const [n, h, w] = images.shape as readonly [number, number, number, number];
  const { x, y } = gridOf(images);
  const places = (row: AffineMap['x'], extent: number) => {
    const place = inside(combine(row, x, y), extent, reading.fillMode);
    return broadcast(reshape(place, place.shape.slice(0, 3)), [n, h, w]);
  };
  const { interpolation, fillValue } = reading;
  return sample2d(images, places(map.y, h), places(map.x, w), { interpolation, fillValue });
}

/** Columns [1, 1, w, 1] and rows [1, h, 1, 1] of images, or of images as large as said, as numbers. */
export function gridOf(
  images: Value,
  h = images.shape[1]!,
  w = images.shape[2]!,
): { x: Value; y: Value } {
  return {
    x: reshape(cast(iota(images, w), 'float32'), [1, 1, w, 1]),
    y: reshape(cast(iota(images, h), 'float32'), [1, h, 1, 1]),
  };
}

function combine([a, b, c]: AffineMap['x'], x: Value, y: Value): Value {
  const ofX = product(x, a);
  return add(b === 0 ? ofX : a === 0 ? product(y, b) : add(ofX, product(y, b)), c);
}

const product = (x: Value, factor: Operand): Value => (factor === 1 ? x : mul(x, factor));

/** Places along an axis of `extent` pixels, brought into the image as the mode says. */
export function inside(place: Value, extent: number, mode: FillMode): Value {
  if (mode === 'constant') return place;
  const last = extent - 1;
  const bounded = (x: Value) => minimum(maximum(x, 0), last);
  if (mode === 'nearest' || extent === 1) return bounded(place);
  const fold = mode === 'reflect' ? reflected : wrapped;
  const { below, above } = fold(place, extent);
  return bounded(select(less(place, 0), below, select(less(last, place), above, place)));
}

/** (d c b a | a b c d | d c b a) */
function reflected(place: Value, extent: number): { below: Value; above: Value } {
  const period = 2 * extent;
  const up = add(place, mul(floor(div(neg(place), period)), period));
  const down = sub(place, mul(floor(div(place, period)), period));
  return {
    below: select(less(up, -extent), add(up, period), sub(-1, up)),
    above: select(less(down, extent), down, sub(period - 1, down)),
  };
}

/** (a b c d | a b c d | a b c d) */
function wrapped(place: Value, extent: number): { below: Value; above: Value } {
  const steps = (distance: Value) => floor(div(distance, extent - 1));
  return {
    below: add(place, mul(add(steps(neg(place)), 1), extent)),
    above: sub(place, mul(steps(place), extent)),
  };
}
