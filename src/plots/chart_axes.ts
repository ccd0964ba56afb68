/** @file What charts over epochs share: axes, ticks, titles, and the document that they are drawn in. */
import type * as Plot from '@observablehq/plot';

export const ink = '#1f2933';
export const faint = '#52606d';

/** Grid and axes: plain decimals where they are short, epochs as whole numbers. */
export function axes(
  plot: typeof Plot,
  range: readonly number[] | undefined,
  epochTicks: readonly number[],
): Plot.Markish[] {
  return [
    plot.gridY({ stroke: '#d9dee3', strokeOpacity: 1, ticks: 6 }),
    plot.axisY({
      label: null,
      ticks: 6,
      tickSize: 0,
      tickPadding: 8,
      fontSize: 12,
      color: faint,
      ...(isAwkward(range) ? { tickFormat: powerOfTen } : {}),
    }),
    plot.axisX({
      label: 'epoch',
      labelAnchor: 'center',
      labelArrow: 'none',
      labelOffset: 38,
      ticks: [...epochTicks],
      tickFormat: String,
      tickSize: 4,
      fontSize: 12,
      color: faint,
    }),
  ];
}

/** `sparse_categorical_accuracy` → `Sparse categorical accuracy`, cut where it would run into the next chart. */
export function titleOf(metric: string): string {
  const words = metric.replaceAll('_', ' ');
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  return title.length > 45 ? `${title.slice(0, 44)}…` : title;
}

/** Least and greatest finite value, apart also where they are the same; `undefined` where there is none. */
export function valueRange(all: readonly number[]): [number, number] | undefined {
  const values = all.filter(Number.isFinite);
  if (values.length === 0) return undefined;
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const room = least === greatest ? Math.abs(least) / 10 || 0.5 : 0;
  return [least - room, greatest + room];
}

/** Whether plain decimals of these values would be too long for the axis. */
function isAwkward(range: readonly number[] = []): boolean {
  const size = Math.max(...range.map(Math.abs));
  return size >= 1e5 || (size > 0 && size < 1e-3);
}

/** `1.5e-4` */
function powerOfTen(value: number): string {
  return value === 0 ? '0' : Number(value.toPrecision(3)).toExponential().replace('+', '');
}

/** Whole numbers between the two, at most ten of them, at steps of 1, 2, 5, 10 … */
export function wholeTicks(first: number, last: number): number[] {
  let step = 1;
  for (let i = 0; (last - first) / step >= 10; i++) step *= i % 3 === 1 ? 2.5 : 2;
  const ticks = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) ticks.push(tick);
  return ticks;
}

/** The page itself, or outside of one a document of linkedom's. */
export async function documentToDrawIn(): Promise<Document> {
  if (globalThis.document !== undefined) return globalThis.document;
  const { parseHTML } = await import('linkedom');
  return parseHTML('<!doctype html><html><body></body></html>').document as unknown as Document;
}
