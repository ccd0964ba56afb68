/**
 * @file What is inside a network: the filters of a convolution, and the maps that a layer makes of an image. A network
 * goes in, SVG comes out.
 */
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { Layer } from '../layers/layer.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import { Network } from '../topology/network.ts';
import { checkInputs } from '../train/column_checks.ts';
import { Trainer } from '../train/trainer.ts';
import { faint, ink } from './chart_axes.ts';
import { diverging, drawTile, pixelPage, sequential, type Tile, tileHeight } from './tiles.ts';
import { escapeXml } from './xml.ts';

/** A layer, or its name, or its place in `model.layers`. */
export type WhichLayer = Layer | string | number;

export interface FilterOptions {
  /** Filters to draw, the first ones; default 64. */
  most?: number;
  /** Channels to draw of each, where it has neither one nor three; default 8. */
  channels?: number;
  /** Filters a row, default as wide as high. */
  columns?: number;
  /** Width of a filter in pixels, default about 44. */
  size?: number;
}

export interface FeatureMapOptions {
  /** Maps to draw of each layer, the first ones; default 32. */
  most?: number;
  /** Maps a row, default 8. */
  columns?: number;
  /** Width of a map in pixels, default about 84. */
  size?: number;
}

const padding = 20;
const titleHeight = 44;

/**
 * The filters of a convolution: red for weights above 0, blue below, white at 0, the strongest of all in full colour.
 * Filters over one channel are one image each, over three channels (red, green, blue) one in colours with grey for 0; of
 * others each row is a filter, its channels side by side.
 *
 * @param model the network that has the layer.
 * @param which a layer whose first weight is `[height, width, channels, filters]`.
 * @throws TsunoError `ARGUMENT` where there is no such layer or an option cannot be; `STATE` where it is not built.
 *
 * @example
 * ```ts
 * const svg = await plots.filters(model, 1);
 * ```
 */
export async function filterGrid(
  model: Network,
  which: WhichLayer,
  options: FilterOptions = {},
): Promise<string> {
  const where = 'filterGrid';
  const layer = layerOf(model, which, where);
  const kernel = kernelOf(layer, where);
  const [height, width, channels, filters] = kernel.shape as [number, number, number, number];
  const { most = 64, channels: mostChannels = 8 } = options;
  const ideal = options.size ?? width * Math.max(1, Math.round(44 / width));
  checkSizes(where, { most, channels: mostChannels, size: ideal });
  const count = Math.min(most, filters);
  const isWhole = channels === 1 || channels === 3;
  const across = isWhole ? 1 : Math.min(mostChannels, channels);
  const columns =
    options.columns ?? (isWhole ? Math.ceil(Math.sqrt(count * 2)) : count > 16 ? 2 : 1);
  checkSizes(where, { columns });
  const largest = largestOf(kernel.data) || 1;
  const at = (row: number, column: number, channel: number, filter: number) =>
    kernel.data[((row * width + column) * channels + channel) * filters + filter]! / largest;
  const tiles: Tile[][] = Array.from({ length: count }, (_, filter) =>
    Array.from({ length: across }, (_, channel) => ({
      height,
      width,
      colourAt: (row, column) =>
        isWhole && channels === 3
          ? ([0, 1, 2].map((one) =>
              Math.round(127.5 * (1 + at(row, column, one, filter))),
            ) as unknown as [number, number, number])
          : diverging(at(row, column, channel, filter)),
    })),
  );
  const shown = [
    count < filters ? `${count} of ${filters} filters` : `${filters} filters`,
    `${height} × ${width}`,
    across < channels && !isWhole
      ? `${across} of ${channels} channels`
      : `${channels} ${channels === 1 ? 'channel' : 'channels'}`,
  ].join(', ');
  const section = await grid(tiles, {
    columns,
    size: ideal,
    gap: isWhole ? 6 : 3,
    between: isWhole ? 6 : 18,
  });
  return page(`Filters of ${layer.name}`, [{ title: layer.name, about: shown, ...section }]);
}

/**
 * What layers make of an image: a map for each channel, dark where it is low and light where it is high. Each map has a
 * scale of its own, from 0 or below to its largest number; one that is 0 everywhere is dark.
 *
 * @param model a functional or sequential network.
 * @param which one layer or several, whose outputs are `[height, width, channels]`.
 * @param image `[height, width, channels]`, or one with an axis of samples, of which the first is taken.
 * @throws TsunoError `ARGUMENT` where there is no such layer or an option cannot be; `SHAPE` where the image does not fit
 *   or the layer makes no maps; `UNSUPPORTED` for networks that are classes with a `call`.
 *
 * @example
 * ```ts
 * const svg = await plots.featureMaps(model, [1, 2], images.slice(0, 1));
 * ```
 */
export async function featureMapGrid(
  model: Network,
  which: WhichLayer | readonly WhichLayer[],
  image: Tensor,
  options: FeatureMapOptions = {},
): Promise<string> {
  const where = 'featureMapGrid';
  const { most = 32, columns = 8 } = options;
  checkSizes(where, { most, columns, size: options.size ?? 1 });
  const list = Array.isArray(which) ? (which as readonly WhichLayer[]) : [which as WhichLayer];
  const layers = list.map((one) => layerOf(model, one, where));
  if (layers.length === 0) throw refusal(where, 'ARGUMENT', 'layers', 'at least one', 'none');
  const outputs = layers.map((layer) => mapsOf(model, layer, where));
  const maps = await computed(model, outputs, image, where);
  const sections = await Promise.all(
    maps.map(async (map, i) => {
      const [, height, width, channels] = map.shape as [number, number, number, number];
      const size = options.size ?? (width < 84 ? width * Math.max(1, Math.round(84 / width)) : 84);
      const count = Math.min(most, channels);
      const tiles = Array.from({ length: count }, (_, channel) => [tileOf(map, channel)]);
      const about = `${height} × ${width}, ${count < channels ? `${count} of ${channels}` : channels} maps`;
      const section = await grid(tiles, {
        columns: Math.min(columns, count),
        size,
        gap: 6,
        between: 6,
      });
      return { title: layers[i]!.name, about, ...section };
    }),
  );
  return page(`Feature maps of ${layers.map(({ name }) => name).join(', ')}`, sections);
}

function layerOf(model: Network, which: WhichLayer, where: string): Layer {
  if (!(model instanceof Network))
    throw refusal(where, 'ARGUMENT', 'model', 'a Model or Sequential', show(model));
  if (which instanceof Layer) return which;
  return model.getLayer(typeof which === 'number' ? { index: which } : { name: which });
}

function kernelOf(layer: Layer, where: string): Tensor {
  const [kernel] = layer.weights;
  if (!layer.built)
    throw refusal(where, 'STATE', layer.where, 'built', 'a layer without weights yet');
  if (kernel?.shape.length === 4) return kernel.value();
  const found = kernel ? `weights of shape ${showShape(kernel.shape)}` : 'no weights';
  throw refusal(where, 'ARGUMENT', layer.where, 'a convolution over images', found);
}

/** The symbolic maps of a layer of the network itself. */
function mapsOf(model: Network, layer: Layer, where: string): SymbolicTensor {
  if (!model.functional) {
    const found = `a ${model.kind} one${model.kind === 'sequential' ? ' that is not built' : ''}`;
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: model.where,
      expected: 'a functional or sequential network',
      found,
      repair:
        'Call its layers on an Input and make a Model of inputs and outputs: only of such calls is it known what each layer gives.',
    });
  }
  const { output } = layer;
  if (output.shape.length !== 4) {
    const found = showShape(output.shape);
    throw refusal(where, 'SHAPE', `output of ${layer.where}`, 'of shape [n, h, w, c]', found);
  }
  return output;
}

/** What the layers give for the first image, on one thread. */
async function computed(
  model: Network,
  outputs: readonly SymbolicTensor[],
  image: Tensor,
  where: string,
): Promise<Tensor[]> {
  const one = image.rank === 4 ? image.slice(0, 1) : image.reshape([1, ...image.shape]);
  const network = new Network({
    name: 'feature_maps',
    inputs: model.inputs,
    outputs: [...outputs],
  });
  const trainer = new Trainer(network);
  trainer.compile({}, { threads: 1 });
  try {
    const columns = { x: [one], y: [], sampleWeights: [] };
    checkInputs(network.inputSpecs, columns.x, where);
    const data = await trainer.load([{ columns }]);
    return await trainer.predict(data, { batch: 1, from: 0, to: 1 });
  } finally {
    trainer.close();
  }
}

function tileOf(map: Tensor, channel: number): Tile {
  const [, height, width, channels] = map.shape as [number, number, number, number];
  let [least, greatest] = [0, 0];
  for (let i = channel; i < map.size; i += channels) {
    least = Math.min(least, map.data[i]!);
    greatest = Math.max(greatest, map.data[i]!);
  }
  const range = greatest - least || 1;
  return {
    height,
    width,
    colourAt: (row, column) =>
      sequential((map.data[(row * width + column) * channels + channel]! - least) / range),
  };
}

interface Section {
  width: number;
  height: number;
  body: string[];
}

/** Groups of tiles: those of a group touch almost, groups stand apart. */
async function grid(
  groups: readonly (readonly Tile[])[],
  { columns, size, gap, between }: { columns: number; size: number; gap: number; between: number },
): Promise<Section> {
  const across = groups[0]!.length;
  const group = across * (size + gap) - gap;
  const row = tileHeight(groups[0]![0]!, size) + gap;
  const body = await Promise.all(
    groups.flatMap((tiles, i) =>
      tiles.map(async (tile, k) => {
        const x = (i % columns) * (group + between) + k * (size + gap);
        const y = Math.floor(i / columns) * row;
        const image = await drawTile(tile, x, y, size);
        const frame = `<rect x="${x - 0.5}" y="${y - 0.5}" width="${size + 1}" height="${row - gap + 1}" fill="none" stroke="#cbd2d9"/>`;
        return `${image}${frame}`;
      }),
    ),
  );
  return {
    width: Math.min(columns, groups.length) * (group + between) - between,
    height: Math.ceil(groups.length / columns) * row - gap,
    body,
  };
}

function page(
  label: string,
  sections: readonly (Section & { title: string; about: string })[],
): string {
  let y = 8;
  const body = sections.flatMap(({ title, about, height, body: images }) => {
    const text = `<text x="${padding}" y="${y + 22}" fill="${ink}"><tspan font-size="16" font-weight="700">${escapeXml(title)}</tspan><tspan dx="10" fill="${faint}">${about}</tspan></text>`;
    const group = [
      `<g transform="translate(${padding} ${y + titleHeight - 8})">`,
      ...images,
      '</g>',
    ];
    y += titleHeight + height + 14;
    return [text, ...group];
  });
  const width = Math.max(320, ...sections.map((section) => section.width + 2 * padding));
  return pixelPage({ width, height: y + 4 }, escapeXml(label), body);
}

function checkSizes(where: string, sizes: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(sizes)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw refusal(where, 'ARGUMENT', what, 'a positive whole number', show(value));
  }
}

function refusal(
  where: string,
  code: ErrorCode,
  what: string,
  expected: string,
  found: string,
): TsunoError {
  return new TsunoError(code, { where, what, expected, found });
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
