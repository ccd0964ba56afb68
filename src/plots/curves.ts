/**
 * @file The curves of a training run: one chart for the loss and each metric, side by side, training and validation
 * in the same chart. A history goes in, SVG comes out. Observable Plot draws the charts; in Node linkedom stands in
 * for the page.
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
import { fontFamily } from './svg_to_png.ts';
import { escapeXml } from './xml.ts';

/** What `fit` returns, as far as curves need it. */
export interface HistoryData {
  /** The epochs that ran, counted from 0. */
  epoch: readonly number[];
  /** A value an epoch by name: `loss`, `accuracy`, and with `val_` before it the validation's. */
  history: Readonly<Record<string, readonly number[]>>;
}

export interface CurveOptions {
  /** The metrics to draw, without `val_`, default all: the loss first, the others in the history's order. */
  metrics?: readonly string[];
  /** Charts a row, by default all in one row up to three. */
  columns?: number;
  /** Width of one chart in pixels, default 440. */
  width?: number;
  /** Height of one chart in pixels, default 350. */
  height?: number;
}

/** One metric; positions on the epoch axis are counted from 1. */
interface Curve {
  metric: string;
  points: Point[];
}

interface Point {
  epoch: number;
  value: number;
  series: 'training' | 'validation';
}

const colours = { training: '#2563eb', validation: '#ea580c' } as const;
const margin = { top: 74, right: 20, bottom: 46, left: 56 };
const gap = 16;
const dotStyle = { r: 3, strokeWidth: 1.5 };

/**
 * Loss and metrics over the epochs as SVG. Values that are not finite leave gaps.
 *
 * @param history what `fit` returned, or its `epoch` and `history`.
 * @throws TsunoError `DATA_EMPTY` where no epoch ran; `ARGUMENT` for a metric that the history does not have.
 *
 * @example
 * ```ts
 * const svg = await historyChart({ epoch: [0, 1], history: { loss: [0.9, 0.4], val_loss: [0.7, 0.5] } });
 * ```
 */
export async function historyChart(
  history: HistoryData,
  options: CurveOptions = {},
): Promise<string> {
  const { width = 440, height = 350 } = options;
  const curves = selectCurves(history, options.metrics);
  const columns = options.columns ?? (curves.length === 4 ? 2 : Math.min(3, curves.length));
  checkSizes({ columns, width, height });
  const rows = Math.ceil(curves.length / columns);
  const total = {
    width: columns * width + (columns - 1) * gap,
    height: rows * height + (rows - 1) * gap,
  };
  const page = await documentToDrawIn();
  const charts = await Promise.all(
    curves.map(async (curve, i) => {
      const x = (i % columns) * (width + gap);
      const y = Math.floor(i / columns) * (height + gap);
      const body = await chart(curve, width, height, page);
      return `<g transform="translate(${x} ${y})">\n${heading(curve)}\n${body}\n</g>`;
    }),
  );
  const label = `Training curves: ${curves.map(({ metric }) => metric).join(', ')}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}" viewBox="0 0 ${total.width} ${total.height}" role="img" aria-label="${escapeXml(label)}" font-family="${fontFamily}" color="${ink}">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    ...charts,
    '</svg>',
    '',
  ].join('\n');
}

function checkSizes(sizes: Record<string, number>): void {
  for (const [what, value] of Object.entries(sizes)) {
    const least = what === 'columns' ? 1 : 160;
    if (Number.isInteger(value) && value >= least) continue;
    throw new TsunoError('ARGUMENT', {
      where: 'historyChart',
      what,
      expected: `a whole number, at least ${least}`,
      found: show(value),
    });
  }
}

function selectCurves({ epoch, history }: HistoryData, wanted?: readonly string[]): Curve[] {
  const bases = [...new Set(Object.keys(history).map((key) => key.replace(/^val_/, '')))];
  const byLoss = (name: string) => Number(name !== 'loss');
  const metrics = wanted ?? bases.toSorted((a, b) => byLoss(a) - byLoss(b));
  if (epoch.length === 0 || metrics.length === 0) {
    throw new TsunoError('DATA_EMPTY', {
      where: 'historyChart',
      what: 'history',
      expected: 'must have one epoch and one metric at least',
      found: `${epoch.length} epochs and ${metrics.length} metrics`,
    });
  }
  return metrics.map((metric) => {
    if (!bases.includes(metric)) {
      throw new TsunoError('ARGUMENT', {
        where: 'historyChart',
        what: 'metric',
        expected: `one of ${bases.join(', ')}`,
        found: show(metric),
      });
    }
    const points = [
      ...pointsOf(epoch, history[metric], 'training'),
      ...pointsOf(epoch, history[`val_${metric}`], 'validation'),
    ];
    return { metric, points };
  });
}

/** Where validation ran only every few epochs, its values belong to the last epoch of each few. */
function pointsOf(
  epochs: readonly number[],
  values: readonly number[] = [],
  series: Point['series'],
): Point[] {
  const every = Math.max(1, Math.floor(epochs.length / values.length));
  return values.slice(0, epochs.length).map((value, i) => ({
    epoch: epochs[every * (i + 1) - 1]! + 1,
    value: Number.isFinite(value) ? value : Number.NaN,
    series,
  }));
}

/** The title, and under it the key to the lines. */
function heading({ metric, points }: Curve): string {
  const left = margin.left - 36;
  const shown = (['training', 'validation'] as const).filter((series) =>
    points.some((point) => point.series === series),
  );
  const key = shown.map((series, i) => {
    const x = left + 84 * i;
    return [
      `<line x1="${x}" x2="${x + 20}" y1="46" y2="46" stroke="${colours[series]}" stroke-width="2"/>`,
      dot(x + 10, 46, series),
      `<text x="${x + 26}" y="50" font-size="12" fill="${faint}">${series}</text>`,
    ].join('');
  });
  const title = escapeXml(titleOf(metric));
  return [
    `<text x="${left}" y="26" font-size="16" font-weight="700" fill="${ink}">${title}</text>`,
    ...key,
  ].join('\n');
}

/** Full dots for training, hollow ones for validation: told apart without colours too. */
function dot(x: number, y: number, series: Point['series']): string {
  const fill = series === 'training' ? colours.training : 'white';
  const { r, strokeWidth } = dotStyle;
  return `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}" stroke="${colours[series]}" stroke-width="${strokeWidth}"/>`;
}

async function chart(
  { points }: Curve,
  width: number,
  height: number,
  page: Document,
): Promise<string> {
  const Plot = await import('@observablehq/plot');
  const epochs = points.map(({ epoch }) => epoch);
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  const lone = first === last ? 0.5 : 0;
  const range = valueRange(points.map(({ value }) => value));
  const lines = (['validation', 'training'] as const).flatMap((series) => {
    const own = points.filter((point) => point.series === series);
    const channels = { x: 'epoch', y: 'value', stroke: colours[series] };
    const line = Plot.line(own, { ...channels, strokeWidth: 2 });
    const fill = series === 'training' ? colours.training : 'white';
    return own.length > 40 ? [line] : [line, Plot.dot(own, { ...channels, ...dotStyle, fill })];
  });
  const element = Plot.plot({
    document: page,
    width,
    height,
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    x: { domain: [first - lone, last + lone], inset: 8 },
    y: { domain: range ?? [0, 1], nice: true },
    marks: [
      ...axes(Plot, range, wholeTicks(first, last)),
      ...lines,
      ...(range ? [] : [Plot.text(['no finite value'], { frameAnchor: 'middle', fontSize: 12 })]),
    ],
  });
  // Plot's style sheet would size the whole picture.
  element.querySelector('style')?.remove();
  return `<g fill="currentColor" text-anchor="middle">${element.innerHTML}</g>`;
}
