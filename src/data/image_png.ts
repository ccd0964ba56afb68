/**
 * @file PNG → 8-bit pixels, after the W3C recommendation (third edition). Chunks are walked first, with their checksums
 * and within limits; then the pixels are inflated, never more of them than the header announces, and unfiltered.
 * All colour types, depths and both interlacings are read. Gamma, colour profiles and texts are left alone.
 */
import { crc32 } from '../core/checksum.ts';
import type { Pixels } from './image_pixels.ts';
import { checkSize, cutShort, imageFault } from './image_type.ts';

export interface PngInfo {
  width: number;
  height: number;
  /** Bits of one number: 1, 2, 4, 8 or 16. */
  depth: number;
  /** Numbers of one pixel in the file. */
  samples: number;
  palette: Uint8Array | undefined;
  /** Contents of the chunk tRNS. */
  transparency: Uint8Array | undefined;
  isInterlaced: boolean;
  /** The deflated pixels, in pieces. */
  data: readonly Uint8Array[];
}

/** By colour type: numbers of one pixel, and the depths allowed. */
const colourTypes: ReadonlyMap<number, readonly [samples: number, depths: readonly number[]]> =
  new Map([
    [0, [1, [1, 2, 4, 8, 16]]],
    [2, [3, [8, 16]]],
    [3, [1, [1, 2, 4, 8]]],
    [4, [2, [8, 16]]],
    [6, [4, [8, 16]]],
  ]);

const mostChunks = 100_000;
const criticalChunks = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);

/**
 * Walks the chunks.
 *
 * @throws TsunoError `IMAGE` for a file that is cut or damaged, `IMAGE_LIMIT` for too many pixels.
 */
export function inspectPng(bytes: Uint8Array, name: string): PngInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const data: Uint8Array[] = [];
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  let at = 8;
  for (let count = 0; ; count++) {
    if (count === mostChunks)
      throw imageFault(name, 'file', `must have at most ${mostChunks} chunks`, 'more');
    if (at + 12 > bytes.length) throw cutShort(name, 'a chunk IEND ends a PNG', bytes.length);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    if (end + 4 > bytes.length)
      throw cutShort(name, `the chunk at byte ${at} has ${length} bytes`, bytes.length);
    if (criticalChunks.has(type) && crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end))
      throw imageFault(
        name,
        `chunk ${type} at byte ${at}`,
        'whole',
        'another checksum than its own',
      );
    const contents = bytes.subarray(at + 8, end);
    if (!header) header = readHeader(type, contents, name);
    else if (type === 'PLTE') palette = contents;
    else if (type === 'tRNS') transparency = contents;
    else if (type === 'IDAT') data.push(contents);
    else if (type === 'IEND') break;
    at = end + 4;
  }
  const { usesPalette, ...rest } = header;
  if (usesPalette && !palette) throw imageFault(name, 'file', 'must have a palette', 'none');
  if (data.length === 0) throw imageFault(name, 'file', 'must have pixels', 'none');
  return { ...rest, palette: usesPalette ? palette : undefined, transparency, data };
}

interface Header {
  width: number;
  height: number;
  depth: number;
  samples: number;
  isInterlaced: boolean;
  usesPalette: boolean;
}

function readHeader(type: string, contents: Uint8Array, name: string): Header {
  if (type !== 'IHDR' || contents.length !== 13)
    throw imageFault(
      name,
      'first chunk',
      'IHDR of 13 bytes',
      `${JSON.stringify(type)} of ${contents.length}`,
    );
  const view = new DataView(contents.buffer, contents.byteOffset, contents.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  checkSize(name, width, height);
  const [depth, colour, compression, filter, interlacing] = contents.subarray(8);
  const [samples, depths] = colourTypes.get(colour!) ?? [0, []];
  if (!depths.includes(depth!) || compression !== 0 || filter !== 0 || interlacing! > 1)
    throw imageFault(name, 'header', 'one of PNG', contents.subarray(8).join(' '));
  return {
    width,
    height,
    depth: depth!,
    samples,
    isInterlaced: interlacing === 1,
    usesPalette: colour === 3,
  };
}

/** Where the rows of a pass begin and how far its pixels are apart. */
interface Pass {
  x: number;
  y: number;
  dx: number;
  dy: number;
}

const onePass: readonly Pass[] = [{ x: 0, y: 0, dx: 1, dy: 1 }];
/** Adam7. */
const sevenPasses: readonly Pass[] = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
];

/**
 * Decodes a PNG. Numbers of 16 bits keep their upper byte; fewer than 8 are stretched to 0…255; colours of a palette
 * and a transparent colour become channels.
 *
 * @throws TsunoError `IMAGE` where it is cut or damaged, `IMAGE_LIMIT` for too many pixels.
 */
export async function decodePng(bytes: Uint8Array, name: string): Promise<Pixels> {
  const info = inspectPng(bytes, name);
  const { width, height, depth, samples } = info;
  const passes = (info.isInterlaced ? sevenPasses : onePass)
    .map((pass) => ({
      ...pass,
      columns: Math.ceil((width - pass.x) / pass.dx),
      rows: Math.ceil((height - pass.y) / pass.dy),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const rowBytes = (columns: number) => Math.ceil((columns * samples * depth) / 8);
  const size = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + rowBytes(columns)), 0);
  const raw = await inflate(info.data, size, name);
  const values = new Uint8Array(width * height * samples);
  const values16 = depth === 16 && info.transparency ? new Uint16Array(values.length) : undefined;
  const step = Math.max(1, (samples * depth) / 8);
  let at = 0;
  for (const { x, y, dx, dy, columns, rows } of passes) {
    const length = rowBytes(columns);
    let above = new Uint8Array(length);
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + length);
      unfilter(raw[at]!, line, above, step, name);
      const to = ((y + row * dy) * width + x) * samples;
      spread(line, depth, columns, samples, values, to, dx * samples);
      if (values16) spread16(line, columns, samples, values16, to, dx * samples);
      above = line;
      at += 1 + length;
    }
  }
  return withColours(info, values, values16, name);
}

/** The first `size` bytes of the deflated pieces. */
async function inflate(
  pieces: readonly Uint8Array[],
  size: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { Unzlib } = await import('fflate');
  const out = new Uint8Array(size);
  let filled = 0;
  const inflator = new Unzlib((chunk) => {
    out.set(chunk.subarray(0, size - filled), filled);
    filled = Math.min(size, filled + chunk.length);
  });
  // a piece unpacks to 1,032 times its size at most, all at once, and what holds it grows by doubling
  const most = 4096;
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length && filled < size; at += most)
        inflator.push(piece.subarray(at, at + most));
    }
    if (filled < size) inflator.push(new Uint8Array(0), true);
  } catch (cause) {
    throw imageFault(name, 'pixels', 'deflated', `damage after ${filled} bytes of ${size}`, cause);
  }
  if (filled < size) throw imageFault(name, 'pixels', `${size} bytes unpacked`, String(filled));
  return out;
}

/** Undoes the filter of one row in place (clause 9 of the recommendation). */
function unfilter(
  filter: number,
  line: Uint8Array,
  above: Uint8Array,
  step: number,
  name: string,
): void {
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < line.length; i++) line[i]! += line[i - step]!;
      return;
    case 2:
      for (let i = 0; i < line.length; i++) line[i]! += above[i]!;
      return;
    case 3:
      for (let i = 0; i < line.length; i++)
        line[i]! += ((i < step ? 0 : line[i - step]!) + above[i]!) >> 1;
      return;
    case 4:
      for (let i = 0; i < line.length; i++) {
        const left = i < step ? 0 : line[i - step]!;
        const corner = i < step ? 0 : above[i - step]!;
        line[i]! += paeth(left, above[i]!, corner);
      }
      return;
    default:
      throw imageFault(name, 'filter of a row', '0 to 4', String(filter));
  }
}

function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** The numbers of one row, `samples` together, `stride` apart; those below 8 bits as they are. */
function spread(
  line: Uint8Array,
  depth: number,
  columns: number,
  samples: number,
  out: Uint8Array,
  to: number,
  stride: number,
): void {
  if (depth === 8 && stride === samples) {
    out.set(line, to);
    return;
  }
  const mask = depth < 8 ? (1 << depth) - 1 : 255;
  for (let column = 0, i = 0; column < columns; column++) {
    for (let sample = 0; sample < samples; sample++, i++) {
      const bit = i * depth;
      const value = line[bit >> 3]!;
      out[to + column * stride + sample] =
        depth < 8 ? (value >> (8 - depth - (bit & 7))) & mask : value;
    }
  }
}

/** The same with all 16 bits. */
function spread16(
  line: Uint8Array,
  columns: number,
  samples: number,
  out: Uint16Array,
  to: number,
  stride: number,
): void {
  for (let column = 0, i = 0; column < columns; column++) {
    for (let sample = 0; sample < samples; sample++, i++)
      out[to + column * stride + sample] = (line[2 * i]! << 8) | line[2 * i + 1]!;
  }
}

/** Numbers of the file as channels: colours of the palette, transparency, the full range. */
function withColours(
  { width, height, depth, samples, palette, transparency }: PngInfo,
  values: Uint8Array<ArrayBuffer>,
  values16: Uint16Array | undefined,
  name: string,
): Pixels {
  const count = width * height;
  if (palette) {
    const channels = transparency ? 4 : 3;
    const data = new Uint8Array(count * channels);
    for (let i = 0; i < count; i++) {
      const colour = values[i]!;
      if (3 * colour + 3 > palette.length)
        throw imageFault(name, 'pixel', `below ${palette.length / 3}, the colours`, String(colour));
      data.set(palette.subarray(3 * colour, 3 * colour + 3), i * channels);
      if (transparency) data[i * 4 + 3] = transparency[colour] ?? 255;
    }
    return { width, height, channels, data };
  }
  // one colour that is transparent, in all bits of the file
  const key = transparency && samples !== 2 && samples !== 4 ? keyOf(transparency) : undefined;
  const scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
  if (!key) {
    if (scale !== 1) for (let i = 0; i < values.length; i++) values[i]! *= scale;
    return { width, height, channels: samples as Pixels['channels'], data: values };
  }
  const exact = values16 ?? values;
  const channels = (samples + 1) as Pixels['channels'];
  const data = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    let isKey = true;
    for (let sample = 0; sample < samples; sample++) {
      data[i * channels + sample] = values[i * samples + sample]! * scale;
      isKey &&= exact[i * samples + sample] === key[sample];
    }
    data[i * channels + samples] = isKey ? 0 : 255;
  }
  return { width, height, channels, data };
}

function keyOf(transparency: Uint8Array): readonly number[] {
  return Array.from(
    { length: transparency.length >> 1 },
    (_, i) => (transparency[2 * i]! << 8) | transparency[2 * i + 1]!,
  );
}
