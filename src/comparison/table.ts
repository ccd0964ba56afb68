/** @file The table of a comparison as lines of text: one a variant, numbers as mean ± spread over the seeds. */
import { fixed } from '../callbacks/number_format.ts';
import { bold, colour, crop, glyphsOf, paint, type Run, type Style } from '../plots/styled_text.ts';
import { spreadOf, type VariantResult } from './results.ts';

/** A run in progress. */
export interface Running {
  variant: string;
  seed: number;
  /** Epochs done, and steps of the next one done out of `steps`. */
  epoch: number;
  step: number;
  steps: number;
  logs: Readonly<Record<string, number>>;
}

export interface TableOptions {
  /** The metric that decides; its best value is marked. */
  monitor: string;
  /** What is in progress now. */
  running?: Running | undefined;
  /** Number of seeds, where not all have been tried yet. */
  seeds?: number | undefined;
  /** The name of the best variant, to be marked. */
  best?: string | undefined;
  colours?: boolean;
  /** Characters a line; default no limit. */
  columns?: number;
}

/** Whether a metric is a part of all samples, shown in percent. */
export function isShare(metric: string): boolean {
  return /accuracy/.test(metric);
}

const dim: Style = '2';
const green = colour(34);
const red = colour(160);
const blue = colour(33);

interface Cell {
  text: string;
  style: Style;
  /** Of a cell that takes the rest of the line. */
  wide?: true;
}

const cell = (text: string, style: Style = ''): Cell => ({ text, style });

/** Header, rule and a line for each variant. */
export function comparisonTable(
  variants: readonly VariantResult[],
  options: TableOptions,
): string[] {
  const metrics = metricsOf(variants, options);
  const header = ['variant', 'parameters', 'ms/step', 'seeds', 'epoch', ...metrics].map((name) =>
    cell(name, bold),
  );
  const rows = [header, ...variants.map((variant) => rowOf(variant, metrics, options))];
  const reserved = options.seeds === undefined ? [] : roomOf(metrics, options.seeds);
  const widths = header.map((_, column) =>
    Math.max(
      reserved[column] ?? 0,
      ...rows.map((row) => (row[column]?.wide ? 0 : (row[column]?.text.length ?? 0))),
    ),
  );
  const width = widths.reduce((sum, one) => sum + one + 2, -2);
  const lines = rows.map((row) =>
    row.flatMap((one, column) => placed(one, column, widths[column]!)),
  );
  lines.splice(1, 0, [{ text: '─'.repeat(width), style: dim }]);
  return lines.map((runs) => {
    const glyphs = glyphsOf(runs);
    const kept = options.columns === undefined ? glyphs : crop(glyphs, options.columns);
    return paint(kept, options.colours ?? false).trimEnd();
  });
}

/** Widths that columns will come to, so that a table that grows does not twitch. */
function roomOf(metrics: readonly string[], seeds: number): number[] {
  const spread = seeds > 1 ? '00.00 ± 0.00 %'.length : '00.00 %'.length;
  return [0, 9, 7, 5, 9, ...metrics.map(() => spread + 1)];
}

function placed({ text, style, wide }: Cell, column: number, width: number): Run[] {
  const gap = { text: '  ', style: '' };
  if (wide) return [gap, { text, style }];
  const blank = { text: ' '.repeat(Math.max(0, width - text.length)), style: '' };
  if (column === 0) return [{ text, style }, blank];
  return [gap, blank, { text, style }];
}

/** The training's first, losses before metrics; what decides comes last. */
function metricsOf(
  variants: readonly VariantResult[],
  { monitor, running }: TableOptions,
): string[] {
  const names = new Set<string>(Object.keys(running?.logs ?? {}));
  for (const { runs } of variants)
    for (const { history } of runs) for (const name of Object.keys(history)) names.add(name);
  names.delete('learning_rate');
  names.add(monitor);
  const rank = (name: string) =>
    (name === monitor ? 4 : 0) +
    (name.startsWith('val_') ? 2 : 0) +
    (name.endsWith('loss') ? 0 : 1);
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function rowOf(
  variant: VariantResult,
  metrics: readonly string[],
  { monitor, running, seeds, best }: TableOptions,
): Cell[] {
  const { name, parameters, runs, epochs } = variant;
  const now = running?.variant === name ? running : undefined;
  const done = runs.filter(({ complete }) => complete).length;
  const ended = runs.filter(({ failure }) => failure).length + done;
  const failed = runs.find(({ failure }) => failure)?.failure;
  const count = seeds ?? Math.max(runs.length, 1);
  const mark = best === name ? green : now ? blue : '';
  const head = [
    cell(name, best === name ? `${bold};${green}` : mark),
    cell(parameters === undefined ? '' : grouped(parameters)),
    cell(stepTime(variant)),
    cell(done === count ? String(done) : `${ended + (now ? 1 : 0)}/${count}`, now ? blue : ''),
  ];
  if (failed && done === 0 && !now) {
    const what = failed.code === 'NONFINITE_LOSS' ? 'diverged' : 'failed';
    return [...head, { text: `${what}: ${firstSentence(failed.message)}`, style: red, wide: true }];
  }
  const last = Math.max(0, ...runs.map(({ epoch }) => epoch.length));
  const epoch = now
    ? `${Math.min(now.epoch + 1, epochs)}/${epochs} ${percent(now)}`
    : last === epochs
      ? String(epochs)
      : `${last}/${epochs}`;
  return [
    ...head,
    cell(runs.length === 0 && !now ? '' : epoch, now ? blue : ''),
    ...metrics.map((metric) => {
      const live = now?.logs[metric];
      const spread = spreadOf(variant, metric);
      if (spread) {
        const style = metric === monitor && best === name ? `${bold};${green}` : '';
        return cell(meanText(spread.mean, spread.deviation, metric), style);
      }
      return live === undefined ? cell('') : cell(meanText(live, undefined, metric), dim);
    }),
  ];
}

function percent({ step, steps }: Running): string {
  if (!Number.isFinite(steps) || steps <= 0) return '';
  return `${String(Math.floor((100 * step) / steps)).padStart(3)} %`;
}

/** `98.04 ± 0.11 %`, `0.0605 ± 0.0031`. */
export function meanText(mean: number, deviation: number | undefined, metric: string): string {
  const share = isShare(metric);
  const number = (value: number) => fixed(share ? 100 * value : value, share ? 2 : 4);
  const spread = deviation === undefined ? '' : ` ± ${number(deviation)}`;
  return `${number(mean)}${spread}${share ? ' %' : ''}`;
}

function stepTime({ runs }: VariantResult): string {
  const times = runs.flatMap(({ msPerStep }) => (msPerStep > 0 ? [msPerStep] : []));
  if (times.length === 0) return '';
  // The fastest run is the one that was disturbed least.
  const least = Math.min(...times);
  return fixed(least, least < 10 ? 2 : 1);
}

/** `54,410` */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

function firstSentence(message: string): string {
  return /^.*?\.(?= |$)/.exec(message.split('\n')[0]!)?.[0] ?? message.split('\n')[0]!;
}
