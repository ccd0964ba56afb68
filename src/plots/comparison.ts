/**
 * @file The curves of several variants of a network, each trained with several seeds: a line for the mean, a band from
 * the least to the greatest. Histories go in, SVG comes out.
 */
import { show, TsunoError } from '../core/errors.ts';
import {
  axes,
  documentToDrawIn,
  faint,
  ink,
  titleOf,
  valueRange,
  wholeTicks,
} from './chart_axes.ts';
import type { HistoryData } from './curves.ts';
import { fontFamily } from './svg_to_png.ts';
import { escapeXml } from './xml.ts';

/** A variant and its runs, one a seed. */
export interface ComparedRuns {
  name: string;
  runs: readonly (HistoryData & { failure?: unknown })[];
}

export interface ComparisonChartOptions {
  /** The metrics to draw, one chart each; default all, in the order of the first history. */
  metrics?: readonly string[];
  /** Charts a row, by default all in one row up to three. */
  columns?: number;
  /** Width of one chart in pixels, default 560. */
  width?: number;
  /** Height of one chart in pixels, default 380. */
  height?: number;
}

/** Told apart also by those who do not see all colours; then come dashes. */
const colours = [
  '#2563eb',
  '#ea580c',
  '#059669',
  '#9333ea',
  '#ca8a04',
  '#db2777',
  '#0891b2',
  '#57534e',
];
const dashes = [undefined, '6 4', '2 3'];

interface Style {
  name: string;
  colour: string;
  dash: string | undefined;
}

interface Point {
  epoch: number;
  mean: number;
  least: number;
  greatest: number;
}

interface Line extends Style {
  points: readonly Point[];
}

const margin = { top: 44, right: 20, bottom: 46, left: 60 };
const gap = 16;
const keyLine = 22;

/**
 * What variants reach over the epochs, as SVG. Runs that failed are left out; an epoch counts the runs that got there.
 *
 * @param variants in the order of their colours.
 * @throws TsunoError `DATA_EMPTY` where no run has an epoch; `ARGUMENT` for a metric that no run has.
 *
 * @example
 * ```ts
 * const runs = [{ epoch: [0, 1], history: { val_loss: [0.9, 0.4] } }, { epoch: [0, 1], history: { val_loss: [0.8, 0.5] } }];
 * const svg = await plots.comparison([{ name: 'a', runs }]);
 * ```
 */
export async function comparisonChart(
  variants: readonly ComparedRuns[],
  options: ComparisonChartOptions = {},
): Promise<string> {
  const { width = 560, height = 380 } = options;
  const styles = variants.map(({ name }, i) => ({
    name,
    colour: colours[i % colours.length]!,
    dash: dashes[Math.floor(i / colours.length) % dashes.length],
  }));
  const metrics = metricsOf(variants, options.metrics);
  const columns = options.columns ?? (metrics.length === 4 ? 2 : Math.min(3, metrics.length));
  for (const [what, value] of Object.entries({ columns, width, height })) {
    const least = what === 'columns' ? 1 : 160;
    if (!Number.isInteger(value) || value < least)
      throw refusal('ARGUMENT', what, `a whole number, at least ${least}`, show(value));
  }
  const total = columns * width + (columns - 1) * gap;
  const shown = styles.filter((_, i) => soundRuns(variants[i]!).length > 0);
  const [key, top] = keyOf(shown, total);
  const page = await documentToDrawIn();
  const charts = await Promise.all(
    metrics.map(async (metric, i) => {
      const x = (i % columns) * (width + gap);
      const y = top + Math.floor(i / columns) * (height + gap);
      const lines = variants.map((variant, k) => ({
        ...styles[k]!,
        points: pointsOf(variant, metric),
      }));
      const title = `<text x="20" y="26" font-size="16" font-weight="700" fill="${ink}">${escapeXml(titleOf(metric))}</text>`;
      const body = await chart(lines, width, height, page);
      return `<g transform="translate(${x} ${y})">\n${title}\n${body}\n</g>`;
    }),
  );
  const rows = Math.ceil(metrics.length / columns);
  const size = `width="${total}" height="${top + rows * height + (rows - 1) * gap}"`;
  const box = `viewBox="0 0 ${total} ${top + rows * height + (rows - 1) * gap}"`;
  const label = escapeXml(`Comparison: ${variants.map(({ name }) => name).join(', ')}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${box} role="img" aria-label="${label}" font-family="${fontFamily}" color="${ink}">`,
    '<rect width="100%" height="100%" fill="white"/>',
    key,
    ...charts,
    '</svg>',
    '',
  ].join('\n');
}

function metricsOf(variants: readonly ComparedRuns[], wanted?: readonly string[]): string[] {
  const histories = variants.flatMap(soundRuns);
  const known = [...new Set(histories.flatMap(({ history }) => Object.keys(history)))];
  if (known.length === 0)
    throw refusal('DATA_EMPTY', 'runs', 'must have one epoch at least', 'none');
  const unknown = wanted?.find((metric) => !known.includes(metric));
  if (unknown !== undefined)
    throw refusal('ARGUMENT', 'metric', `one of ${known.join(', ')}`, show(unknown));
  return [...(wanted ?? known)];
}

function soundRuns({ runs }: ComparedRuns): ComparedRuns['runs'] {
  return runs.filter(({ epoch, failure }) => epoch.length > 0 && failure === undefined);
}

function pointsOf(variant: ComparedRuns, metric: string): Point[] {
  const sound = soundRuns(variant);
  const last = Math.max(0, ...sound.map(({ epoch }) => epoch.length));
  return Array.from({ length: last }, (_, i) => {
    const values = sound.flatMap(({ history }) => history[metric]?.[i] ?? []);
    const finite = values.filter(Number.isFinite);
    return {
      epoch: i + 1,
      mean: finite.reduce((sum, value) => sum + value, 0) / finite.length,
      least: Math.min(...finite),
      greatest: Math.max(...finite),
    };
  }).filter(({ mean }) => Number.isFinite(mean));
}

/** The names with their lines, in as many rows as they need; and where the charts begin. */
function keyOf(styles: readonly Style[], width: number): [string, number] {
  let [x, y] = [20, 24];
  const entries = styles.map(({ name, colour, dash }) => {
    const text = name.length > 40 ? `${name.slice(0, 39)}…` : name;
    const room = 32 + 6.6 * text.length + 22;
    if (x > 20 && x + room > width) [x, y] = [20, y + keyLine];
    const stroke = `stroke="${colour}" stroke-width="2.5"${dash ? ` stroke-dasharray="${dash}"` : ''}`;
    const entry = `<line x1="${x}" x2="${x + 22}" y1="${y - 4}" y2="${y - 4}" ${stroke}/><text x="${x + 29}" y="${y}" font-size="12" fill="${ink}">${escapeXml(text)}</text>`;
    x += room;
    return entry;
  });
  return [entries.join('\n'), y + 8];
}

async function chart(
  lines: readonly Line[],
  width: number,
  height: number,
  page: Document,
): Promise<string> {
  const Plot = await import('@observablehq/plot');
  const all = lines.flatMap(({ points }) => points);
  const last = Math.max(1, ...all.map(({ epoch }) => epoch));
  const lone = last === 1 ? 0.5 : 0;
  const range = valueRange(all.flatMap(({ least, greatest }) => [least, greatest]));
  const drawn = lines.flatMap(({ points, colour, dash }) => {
    const stroke = dash ? { stroke: colour, strokeDasharray: dash } : { stroke: colour };
    const channels = { x: 'epoch', y: 'mean' };
    return [
      Plot.areaY(points, {
        x: 'epoch',
        y1: 'least',
        y2: 'greatest',
        fill: colour,
        fillOpacity: 0.13,
      }),
      Plot.line(points, { ...channels, ...stroke, strokeWidth: 2 }),
      ...(last > 40 ? [] : [Plot.dot(points, { ...channels, fill: colour, r: 2.5 })]),
    ];
  });
  const element = Plot.plot({
    document: page,
    width,
    height,
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    x: { domain: [1 - lone, last + lone], inset: 8 },
    y: { domain: range ?? [0, 1], nice: true },
    marks: [
      ...axes(Plot, range, wholeTicks(1, last)),
      ...drawn,
      ...(range
        ? []
        : [Plot.text(['no finite value'], { frameAnchor: 'middle', fontSize: 12, fill: faint })]),
    ],
  });
  // Plot's style sheet would size the whole picture.
  element.querySelector('style')?.remove();
  return `<g fill="currentColor" text-anchor="middle">${element.innerHTML}</g>`;
}

function refusal(
  code: 'ARGUMENT' | 'DATA_EMPTY',
  what: string,
  expected: string,
  found: string,
): TsunoError {
  return new TsunoError(code, { where: 'comparisonChart', what, expected, found });
}
