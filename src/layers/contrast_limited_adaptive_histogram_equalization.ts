/**
 * @file Tones spread by how often each occurs nearby: the image falls into tiles with a table of tones each, and a pixel is
 * looked up in the tables of the four tiles around it. A limit keeps noise in even parts from being blown up.
 */
import type { Value } from '../ir/graph.ts';
import {
  add,
  broadcast,
  cast,
  div,
  equal,
  floor,
  histogram,
  intAdd,
  minimum,
  mul,
  reduceSum,
  reshape,
  sample2d,
  select,
  slice,
  sub,
  transpose,
} from '../ops/index.ts';
import { gridOf, inside } from './affine_transform.ts';
import {
  BaseColorAugmentation,
  type ColorOptions,
  clip,
  type Range,
  rescaled,
} from './base_image_augmentation.ts';
import { finiteNumber, sizes } from './checks.ts';
import type { Config } from './serialized.ts';
import { cumulativeSum, lookUp, starts } from './tones.ts';

export interface ContrastLimitedAdaptiveHistogramEqualizationOptions
  extends Omit<ColorOptions, 'seed'> {
  /** How many times its fair share of a tile one tone counts at most; 0: no limit; default 4. */
  clipLimit?: number | undefined;
  /** Number of tiles, [down, across]; default [8, 8]. */
  tileGridSize?: number | readonly number[] | undefined;
}

const bytes: Range = [0, 255];
const bins = 256;

/** Tiles along an axis, and the pixels of each. */
interface Tiling {
  count: number;
  size: number;
}

export class ContrastLimitedAdaptiveHistogramEqualization extends BaseColorAugmentation {
  static readonly className = 'ContrastLimitedAdaptiveHistogramEqualization';
  readonly clipLimit: number;
  readonly tileGridSize: readonly number[];

  constructor(options: ContrastLimitedAdaptiveHistogramEqualizationOptions = {}) {
    super(options);
    this.clipLimit = finiteNumber(this.where, 'clipLimit', options.clipLimit ?? 4);
    this.tileGridSize = sizes(this.where, 'tileGridSize', options.tileGridSize ?? 8, 2);
  }

  /** In inference too: nothing here is random. */
  override call(images: Value): Value {
    return this.augment(images);
  }

  protected override augment(images: Value): Value {
    const [n, h, w, c] = images.shape as readonly [number, number, number, number];
    const [down, across] = this.tileGridSize as readonly [number, number];
    const rows: Tiling = { count: down, size: Math.ceil(h / down) };
    const columns: Tiling = { count: across, size: Math.ceil(w / across) };
    const x = rescaled(images, this.valueRange, bytes);
    const tables = this.tables(mirrored(x, rows, columns), rows, columns);
    const tones = intAdd(tonesOf(x), starts(x, [1, 1, 1, c], bins));
    const place = intAdd(tones, starts(x, [n, 1, 1, 1], down * across * c * bins));

    const grid = gridOf(x);
    const vertical = neighbours(grid.y, rows);
    const horizontal = neighbours(grid.x, columns);
    const tone = (row: Value, column: Value) => {
      const tile = mul(add(mul(row, across), column), c * bins);
      return lookUp(tables, place, cast(tile, 'int32'));
    };
    const blend = (a: Value, b: Value, share: Value) => add(mul(a, sub(1, share)), mul(b, share));
    const line = (row: Value) =>
      blend(tone(row, horizontal.before), tone(row, horizontal.after), horizontal.share);
    const spread = blend(line(vertical.before), line(vertical.after), vertical.share);
    return rescaled(spread, bytes, this.valueRange);
  }

  /** What each tone becomes by the tile alone, [n, down, across, c, bins]. */
  private tables(x: Value, rows: Tiling, columns: Tiling): Value {
    const [n, , , c] = x.shape as readonly [number, number, number, number];
    const tiles = reshape(tonesOf(x), [n, rows.count, rows.size, columns.count, columns.size, c]);
    const pixels = rows.size * columns.size;
    const byTile = reshape(transpose(tiles, [0, 1, 3, 5, 2, 4]), [
      n,
      rows.count,
      columns.count,
      c,
      pixels,
    ]);
    const upTo = cumulativeSum(this.limited(cast(histogram(byTile, bins), 'float32'), pixels));
    const first = slice(
      upTo,
      upTo.shape.map(() => 0),
      [...upTo.shape.slice(0, -1), 1],
    );
    const others = sub(pixels, first);
    const divisor = select(equal(others, 0), 1, others);
    return clip(div(mul(sub(upTo, first), 255), divisor), bytes);
  }

  /** Counts held to the limit; what is cut off is shared out among all. */
  private limited(counts: Value, pixels: number): Value {
    if (this.clipLimit <= 0) return counts;
    const held = minimum(counts, (this.clipLimit * pixels) / bins);
    const excess = reduceSum(sub(counts, held), [counts.shape.length - 1], true);
    return add(held, mul(excess, 1 / bins));
  }

  override config(): Config {
    const { seed: _, ...rest } = super.config();
    return { ...rest, clip_limit: this.clipLimit, tile_grid_size: [...this.tileGridSize] };
  }
}

const tonesOf = (x: Value) => cast(clip(x, bytes), 'int32');

/** Images continued to the right and below as in a mirror, up to whole tiles. */
function mirrored(x: Value, rows: Tiling, columns: Tiling): Value {
  const [n, h, w] = x.shape as readonly [number, number, number, number];
  const shape = [n, rows.count * rows.size, columns.count * columns.size] as const;
  if (shape[1] === h && shape[2] === w) return x;
  const wide = gridOf(x, shape[1], shape[2]);
  const places = (place: Value, extent: number) => {
    const folded = inside(place, extent, 'reflect');
    return broadcast(reshape(folded, folded.shape.slice(0, 3)), shape);
  };
  const options = { interpolation: 'nearest', fillValue: 0 } as const;
  return sample2d(x, places(wide.y, h), places(wide.x, w), options);
}

/** The tiles whose centres lie before and after each pixel, and the share of the one after. */
function neighbours(place: Value, { count, size }: Tiling) {
  const tile = div(sub(place, size / 2), size);
  const before = floor(tile);
  const within = (index: Value) => clip(index, [0, count - 1]);
  return { before: within(before), after: within(add(before, 1)), share: sub(tile, before) };
}

/**
 * Spreads the tones of each channel of each image by how often they occur nearby, without blowing up noise.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/clahe/
 * @see https://doi.org/10.1016/B978-0-12-336156-1.50061-6
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * contrastLimitedAdaptiveHistogramEqualization({ tileGridSize: [4, 4] })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function contrastLimitedAdaptiveHistogramEqualization(
  options: ContrastLimitedAdaptiveHistogramEqualizationOptions = {},
): ContrastLimitedAdaptiveHistogramEqualization {
  return new ContrastLimitedAdaptiveHistogramEqualization(options);
}
