/**
 * @file Small pictures of numbers: colour scales, and images inside an SVG whose pixels keep their edges when they are
 * enlarged.
 */
import { fontFamily } from './svg_to_png.ts';

type Colour = readonly [red: number, green: number, blue: number];

/** From dark to light, evenly to the eye: viridis (Smith and van der Walt 2015), nine of its colours. */
const sequentialStops: readonly Colour[] = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
];
const divergingStops: readonly Colour[] = [
  [33, 102, 172],
  [146, 197, 222],
  [247, 247, 247],
  [244, 165, 130],
  [178, 24, 43],
];

/** The colour of a number from 0 to 1, dark to light. */
export const sequential = (value: number): Colour => between(sequentialStops, value);

/** The colour of a number from −1 (blue) by 0 (white) to 1 (red). */
export const diverging = (value: number): Colour => between(divergingStops, (value + 1) / 2);

function between(stops: readonly Colour[], value: number): Colour {
  const at = Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  const part = at - i;
  const mix = (k: 0 | 1 | 2) => Math.round(stops[i]![k] * (1 - part) + stops[i + 1]![k] * part);
  return [mix(0), mix(1), mix(2)];
}

/** An image with one colour a pixel. */
export interface Tile {
  height: number;
  width: number;
  /** `colourAt(row, column)`. */
  colourAt(row: number, column: number): Colour;
}

/** A tile as an image of the SVG, its corner at (x, y), `size` wide. */
export async function drawTile(tile: Tile, x: number, y: number, size: number): Promise<string> {
  const { height, width } = tile;
  const data = new Uint8Array(height * width * 3);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      data.set(tile.colourAt(row, column), (row * width + column) * 3);
  return embedded({ width, height, channels: 3, data }, x, y, size, tileHeight(tile, size));
}

/** How high a tile is that is `size` wide. */
export function tileHeight(
  { height, width }: Pick<Tile, 'height' | 'width'>,
  size: number,
): number {
  return Math.max(1, Math.round((size * height) / width));
}

/** Bytes as an image of the SVG. */
export async function embedded(
  image: { width: number; height: number; channels: number; data: Uint8Array },
  x: number,
  y: number,
  width: number,
  height: number,
): Promise<string> {
  const { encode } = await import('fast-png');
  const png = base64(encode({ ...image, depth: 8 }));
  const place = x === 0 && y === 0 ? '' : ` x="${x}" y="${y}"`;
  return `<image${place} width="${width}" height="${height}" preserveAspectRatio="none" image-rendering="optimizeSpeed" href="data:image/png;base64,${png}"/>`;
}

/** The SVG around images whose pixels keep their edges. */
export function pixelPage(
  size: { width: number; height: number },
  label: string,
  body: readonly string[],
): string {
  const { width, height } = size;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" class="pixels" role="img" aria-label="${label}" font-family="${fontFamily}" font-size="12">`,
    '<style>@supports (image-rendering: pixelated) { .pixels image { image-rendering: pixelated } }</style>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
